// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Runs one program to its end: no shell, a clean environment, bounded output, bounded time.

#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "sender/patience.hpp"

namespace tlsrpt::sender {

struct ChildEnd {
  int status = 0;            ///< of exit(3), or 128 and the signal's number
  std::string output;        ///< the beginning of what it said to stdout and stderr; not escaped
  bool ended_by_us = false;  ///< its time was over, or this program's
};

/// 'command' begins with the program's path. 'input' is its standard input. Its output goes to a
/// file as well, of 64 KiB; writing more than that fails. When patience ends it gets SIGTERM, a
/// second later SIGKILL, and so does everything in its process group. Errors: the program cannot be
/// started, with errno's text.
Result<ChildEnd> run_child(const std::vector<std::string>& command, std::string_view input,
                           const Patience& patience);

}  // namespace tlsrpt::sender
