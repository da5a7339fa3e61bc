// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Which of the processes that send from one database are alive: each holds a lock on a byte of a
// file beside it, and the kernel takes the lock away from the dead, whatever they died of. What a
// dead process had claimed is free at once, instead of when its claims run out.

#include <string>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace tlsrpt::sender {

class SenderSlot {
 public:
  /// Takes a free slot of the database at 'path', from 0 on. The file PATH-senders is made if need
  /// be, and stays empty.
  static Result<SenderSlot> take(const std::string& path);

  [[nodiscard]] int number() const { return number_; }
  /// Does another process hold that slot? Its own counts as free: what stands there is of an
  /// earlier life. True if nothing can be said.
  [[nodiscard]] bool held_by_other(int number) const;

 private:
  SenderSlot(UniqueFd file, int number) : file_(std::move(file)), number_(number) {}
  UniqueFd file_;
  int number_ = 0;
};

}  // namespace tlsrpt::sender
