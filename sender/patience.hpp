// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// How long a thread waits for a descriptor: until its deadline, or until the program is to end.

#include <chrono>

#include "common/error.hpp"

namespace tlsrpt::sender {

using Deadline = std::chrono::steady_clock::time_point;

inline constexpr int kNoStop = -1;  ///< a stop_fd that never says anything

struct Patience {
  Deadline deadline;
  int stop_fd = kNoStop;  ///< StopSignal::fd()

  /// The same, but with an earlier end.
  [[nodiscard]] Patience at_most(std::chrono::milliseconds time) const;
};

/// Until 'fd' has one of the events of poll(2). Error temporary: "timeout", or "stopped", which
/// wins over anything that the descriptor has to say.
Result<void> wait_for(int fd, short events, const Patience& patience);

/// Whether the program is to end, without waiting.
bool stopped(const Patience& patience);

}  // namespace tlsrpt::sender
