// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The seam to where an MTA's log comes from: a file, or the systemd journal.

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "common/error.hpp"
#include "sender/mail_log.hpp"

namespace tlsrpt::sender {

/// Gets a line of a file, or an entry of a journal.
struct LogItem {
  bool has_header = true;  ///< 'line' counts; else 'entry'
  std::string_view line;
  MailLogEntry entry;
};

/// Threads: one at a time.
class LogSource {
 public:
  virtual ~LogSource() = default;
  /// What names the source in positions, logs and counters: "/var/log/mail.log", "journal".
  [[nodiscard]] virtual const std::string& name() const = 0;
  /// Where the next read begins: a text that only this kind of source understands.
  [[nodiscard]] virtual std::string position() const = 0;
  /// Goes back there. not_found: it is not there any more; reading begins at the oldest place that
  /// is known to come after it.
  virtual Result<void> seek(std::string_view position) = 0;
  /// Goes to the end: nothing of what is there by now is read.
  virtual Result<void> seek_to_end() = 0;
  /// Gives at most so many items, without waiting; how many. 0: there are none for now.
  virtual Result<std::size_t> read(std::size_t at_most,
                                   const std::function<void(const LogItem&)>& give) = 0;
  /// Waits for more, but not longer than that, and not after 'stop_fd' is readable.
  virtual void wait(std::chrono::milliseconds at_most, int stop_fd) = 0;
};

}  // namespace tlsrpt::sender
