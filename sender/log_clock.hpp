// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The time of a log into which several hosts write, whose clocks and zones differ.

#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "common/utc_time.hpp"

namespace tlsrpt::sender {

/// Tells how much time has passed between two lines, whoever wrote them: a host that is an hour
/// ahead of the others must not make their lines an hour old. Never goes back. Threads: one at a
/// time.
class LogClock {
 public:
  /// The common time of a line that the host gives that time; that of the first host counts.
  Seconds heard(std::string_view host, Seconds at);

 private:
  Seconds now_ = Seconds::min();
  std::map<std::string, std::chrono::seconds, std::less<>> ahead_;  ///< of the common time
};

}  // namespace tlsrpt::sender
