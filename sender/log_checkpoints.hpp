// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Where reading a log has to begin again after a restart: far enough back for all sessions of which
// lines were read already, and not much further.

#include <cstdint>
#include <deque>
#include <string>

#include "common/utc_time.hpp"

namespace tlsrpt::sender {

/// A place in the log that reading was at.
struct LogCheckpoint {
  std::string place;
  std::uint64_t item = 0;           ///< how many had been read before it
  Seconds newest = Seconds::min();  ///< the latest time in them
};

/// Threads: one at a time.
class LogCheckpoints {
 public:
  /// Reading begins here.
  void begin(std::string place);
  /// Is it worth noting a place that many items further, at that time in the log?
  [[nodiscard]] bool wants(std::uint64_t item, Seconds newest) const;
  void note(LogCheckpoint checkpoint);
  /// The latest one before which no session began that is still open, and far enough back to see
  /// again how the MTA writes its log. Earlier ones are forgotten.
  /// 'oldest_open': when the oldest open one began; none: max. 'items': read so far.
  const LogCheckpoint& choose(Seconds oldest_open, Seconds newest, std::uint64_t items);
  [[nodiscard]] std::size_t size() const { return all_.size(); }

 private:
  std::deque<LogCheckpoint> all_;  ///< oldest first; never empty after begin()
};

}  // namespace tlsrpt::sender
