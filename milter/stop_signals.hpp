// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Was this command told to stop? It goes on to a point where it can, and ends by the signal then.

#include <csignal>

#include "common/unique_fd.hpp"

namespace tlsrpt::milter {

/// INT, TERM and HUP wait while this object lives. When it goes, the one that came is delivered,
/// so that the shell or supervisor sees how the program ended. Made before threads are.
class StopSignals {
 public:
  StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals();

  [[nodiscard]] bool came() const;

  /// Waits until the descriptor can be read; false if a signal came first.
  [[nodiscard]] bool wait_readable(int fd) const;

 private:
  sigset_t before_{};
  UniqueFd signals_;
};

}  // namespace tlsrpt::milter
