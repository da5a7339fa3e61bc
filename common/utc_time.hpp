// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Points in time and UTC days, read and written as RFC 3339 and RFC 5322 want them.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace tlsrpt {

using Seconds = std::chrono::sys_seconds;  ///< UTC, without leap seconds
using Day = std::chrono::sys_days;         ///< one UTC day: 00:00:00Z to 23:59:59Z

/// What a year of four digits can say.
inline constexpr Seconds kEarliestTime{Day{std::chrono::year{0} / 1 / 1}};
inline constexpr Seconds kLatestTime = Seconds{Day{std::chrono::year{9999} / 12 / 31}} +
                                       std::chrono::days{1} - std::chrono::seconds{1};

/// "2026-03-01"; nothing if the text is not exactly that, or is no day of the calendar.
std::optional<Day> parse_day(std::string_view text);
std::string format_day(Day day);

/// "2026-03-01T00:00:00Z" (R56, R57). Years outside 0..9999 are clamped.
std::string format_rfc3339(Seconds time);

/// "Sun, 01 Mar 2026 00:00:00 +0000" for a Date header (RFC 5322 section 3.3).
std::string format_rfc5322(Seconds time);

struct ReadTime {
  Seconds time;
  bool deviates = false;  ///< understood, but not RFC 3339 (no zone, blank for T, date only, ...)
};

/// Tolerant reading of a date-time (R58-R61): any offset with or without a colon, fraction,
/// lower-case t and z, blank for T, no zone (UTC), date only (midnight). Clamped to kEarliestTime
/// and kLatestTime, which an offset can leave. Nothing if no date is found.
std::optional<ReadTime> read_date_time(std::string_view text);

}  // namespace tlsrpt
