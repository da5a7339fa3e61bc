// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// "This program is about to end", said once to all threads, also to those that wait for a socket.

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace tlsrpt::sender {

/// Threads: any number may look while one requests.
class StopSignal {
 public:
  static Result<StopSignal> create();

  void request();
  [[nodiscard]] bool requested() const;
  /// Readable from the request on, for poll(2). Never to be read.
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  explicit StopSignal(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace tlsrpt::sender
