// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What stands before the text of a log line: when, where, which program and process.

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/utc_time.hpp"

namespace tlsrpt::sender {

/// Which program logged, as far as it matters here.
enum class LogProgram : std::uint8_t { other, postfix_smtp, postfix_tlsproxy, sendmail, exim };

/// "postfix/smtp", "postfix-out/smtp/smtp" and whatever else syslog_name makes of it;
/// "postfix/tlsproxy"; "sendmail", "sm-mta"; "exim", "exim4".
LogProgram log_program(std::string_view identity);

/// One line in its parts; all views are the caller's.
struct LogLineParts {
  Seconds at{};
  Seconds heard{};  ///< as LogClock has it: for how old something is
  LogProgram program = LogProgram::other;
  std::string_view host;
  std::string_view identity;
  std::string_view pid;   ///< may be empty
  std::string_view text;  ///< behind the header
};

/// Reads headers of syslog: the traditional one of RFC 3164, with local time and without a year;
/// with a time of RFC 3339; RFC 5424; each also behind "<PRI>". And that of Exim's own log, whose
/// time is local if no zone stands there. Times are read only for programs that matter.
/// Threads: one at a time.
class LogHeaderReader {
 public:
  /// Nothing if it is none of these, or no program that matters. Of a traditional time the year is
  /// the one that makes it the latest time not after 'now' and a day. The zone is the process's.
  std::optional<LogLineParts> read(std::string_view line, Seconds now);

 private:
  struct Civil {
    int year = 0, month = 0, day = 0, hour = 0;
    bool operator==(const Civil&) const = default;
  };
  std::optional<LogLineParts> read_traditional(std::string_view line, Seconds now);
  std::optional<LogLineParts> read_dated(std::string_view line);
  std::optional<Seconds> local_hour(const Civil& civil);
  std::optional<Seconds> latest_hour(Civil civil, Seconds now);

  Civil cached_{};  ///< mktime() takes long, and most lines are of the same hour
  Seconds cached_hour_{};
  Civil guessed_{};  ///< as above, without a year
  Seconds guessed_hour_{};
};

/// The time and the rest of a text that begins with a date and a time: "2026-09-03T12:20:00.5+02:00
/// rest", "2026-09-03 12:20:00 rest". Nothing if it does not.
struct DatedText {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  std::optional<int> offset;  ///< minutes east of UTC; none: local time
  std::string_view rest;      ///< without the blank before it
};
std::optional<DatedText> read_dated_text(std::string_view text);

}  // namespace tlsrpt::sender
