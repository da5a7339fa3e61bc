// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What the follower of a log puts into the journal beside datagrams: outcomes, and up to where the
// log has been counted with them. Both begin with a mark that no text of a stranger keeps.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/utc_time.hpp"

namespace tlsrpt::sender {

/// Up to where a log has been counted.
struct LogPosition {
  std::string source;  ///< LogSource::name()
  /// Of the process that follows it: one more than that of whoever followed it before. What an
  /// earlier one has left behind unstored was read again by then, and must not count any more.
  std::uint64_t generation = 0;
  std::uint64_t sequence = 0;  ///< within the generation; a later position has a higher one
  /// Where reading has to begin again so that all sessions are rebuilt of which lines were read.
  std::string checkpoint;
  std::uint64_t items = 0;  ///< from there on that have been read and counted
  std::string end;          ///< the place behind them
  bool operator==(const LogPosition&) const = default;
};

/// Does 'a' stand behind 'b'?
bool is_later(const LogPosition& a, const LogPosition& b);

/// An outcome out of a log. It bears its day, which may be another one than that of the segment.
struct LogOutcome {
  std::uint64_t source = 0;  ///< log_source_id()
  std::uint64_t generation = 0;
  Day day{};
  std::string_view datagram;
};

/// The name of a source in short; the same in all processes of a machine.
std::uint64_t log_source_id(std::string_view name);

/// What a sender must not be able to write: see unmarked().
bool is_marked(std::string_view text);
/// The text, without its first byte if it is marked: then it is no JSON, and bad.
std::string_view unmarked(std::string_view text);

/// checkpoint and end must not contain a line feed.
std::string write_log_position(const LogPosition& position);
std::optional<LogPosition> read_log_position(std::string_view text);

std::string write_log_outcome(const LogOutcome& outcome);
std::optional<LogOutcome> read_log_outcome(std::string_view text);

}  // namespace tlsrpt::sender
