// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Hands outcomes of our own to the collector, as an MTA does.

#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace tlsrpt::sender {

class OutcomeSender {
 public:
  /// paths: the datagram sockets of one collector.
  explicit OutcomeSender(std::vector<std::string> paths);

  /// To the first socket that takes it. Never waits; the error is that of the last one.
  Result<void> send(std::string_view datagram);

 private:
  std::vector<std::string> paths_;
  UniqueFd fd_;
};

}  // namespace tlsrpt::sender
