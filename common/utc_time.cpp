// SPDX-License-Identifier: BSD-2-Clause
#include "common/utc_time.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "common/ascii.hpp"

namespace tlsrpt {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Day kFirstDay = std::chrono::floor<days>(kEarliestTime);
constexpr Day kLastDay = std::chrono::floor<days>(kLatestTime);

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// What is still to be read of a text; each step takes something from its front or leaves it alone.
class Rest {
 public:
  explicit Rest(std::string_view text) : text_(text) {}

  [[nodiscard]] bool empty() const { return text_.empty(); }
  [[nodiscard]] bool at_digit() const { return !text_.empty() && is_digit(text_.front()); }

  bool take(char wanted) {
    if (text_.empty() || text_.front() != wanted) return false;
    text_.remove_prefix(1);
    return true;
  }

  /// A word in any case.
  bool take_word(std::string_view lower) {
    if (text_.size() < lower.size()) return false;
    for (std::size_t i = 0; i < lower.size(); ++i) {
      if (std::tolower(static_cast<unsigned char>(text_[i])) != lower[i]) return false;
    }
    text_.remove_prefix(lower.size());
    return true;
  }

  std::optional<int> take_number(std::size_t digits) {
    if (text_.size() < digits) return std::nullopt;
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (!is_digit(text_[i])) return std::nullopt;
      value = value * 10 + (text_[i] - '0');
    }
    text_.remove_prefix(digits);
    return value;
  }

  void skip_digits() {
    while (at_digit()) text_.remove_prefix(1);
  }

  bool skip_blanks() {
    const auto size = text_.size();
    while (!text_.empty() && (text_.front() == ' ' || text_.front() == '\t'))
      text_.remove_prefix(1);
    return text_.size() != size;
  }

 private:
  std::string_view text_;
};

std::optional<Day> take_day(Rest& rest) {
  const auto year = rest.take_number(4);
  if (!year || !rest.take('-')) return std::nullopt;
  const auto month = rest.take_number(2);
  if (!month || !rest.take('-')) return std::nullopt;
  const auto day = rest.take_number(2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year},
                                         std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  return Day{date};
}

struct Part {
  seconds value{};
  bool deviates = false;
};

std::optional<Part> take_time(Rest& rest) {
  Part part;
  const auto hour = rest.take_number(2);
  if (!hour || !rest.take(':')) return std::nullopt;
  const auto minute = rest.take_number(2);
  if (!minute) return std::nullopt;
  int second = 0;
  if (rest.take(':')) {
    const auto number = rest.take_number(2);
    if (!number) return std::nullopt;
    second = *number;
    part.deviates = rest.take(',');  // ISO 8601's other decimal sign
    if (part.deviates || rest.take('.')) {
      if (!rest.at_digit()) return std::nullopt;
      rest.skip_digits();
    }
  } else {
    part.deviates = true;
  }
  if (*minute > 59 || second > 60 || *hour > 24) return std::nullopt;
  if (*hour == 24) {  // ISO 8601 writes the end of a day so, RFC 3339 does not
    if (*minute != 0 || second != 0) return std::nullopt;
    part.deviates = true;
  }
  // POSIX time has no room for a leap second; it stays within its own day.
  part.value = hours{*hour} + minutes{*minute} + seconds{std::min(second, 59)};
  return part;
}

/// How far the clock is ahead of UTC.
std::optional<Part> take_offset(Rest& rest) {
  Part part;
  part.deviates = rest.skip_blanks();
  if (rest.empty()) return Part{seconds{0}, true};
  if (rest.take('Z') || rest.take('z')) return part;
  if (rest.take_word("utc") || rest.take_word("gmt")) return Part{seconds{0}, true};
  const bool behind = rest.take('-');
  if (!behind && !rest.take('+')) return std::nullopt;
  const auto hour = rest.take_number(2);
  if (!hour || *hour > 23) return std::nullopt;
  int minute = 0;
  if (!rest.take(':')) part.deviates = true;
  if (!rest.empty()) {
    const auto number = rest.take_number(2);
    if (!number || *number > 59) return std::nullopt;
    minute = *number;
  }
  const seconds offset = hours{*hour} + minutes{minute};
  part.value = behind ? -offset : offset;
  return part;
}

std::chrono::year_month_day calendar(Day day) {
  return std::chrono::year_month_day{std::clamp(day, kFirstDay, kLastDay)};
}

}  // namespace

std::optional<Day> parse_day(std::string_view text) {
  Rest rest(text);
  const auto day = take_day(rest);
  if (!rest.empty()) return std::nullopt;
  return day;
}

std::string format_day(Day day) {
  const auto date = calendar(day);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

std::string format_rfc3339(Seconds time) {
  const Seconds shown = std::clamp(time, kEarliestTime, kLatestTime);
  const Day day = std::chrono::floor<days>(shown);
  const std::chrono::hh_mm_ss clock{shown - day};
  return fmt::format("{}T{:02}:{:02}:{:02}Z", format_day(day), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

std::string format_rfc5322(Seconds time) {
  constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                     "Thu", "Fri", "Sat"};
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const Seconds shown = std::clamp(time, kEarliestTime, kLatestTime);
  const Day day = std::chrono::floor<days>(shown);
  const auto date = calendar(day);
  const std::chrono::hh_mm_ss clock{shown - day};
  return fmt::format(
      "{}, {:02} {} {:04} {:02}:{:02}:{:02} +0000", kDays[std::chrono::weekday{day}.c_encoding()],
      static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
      static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
      clock.seconds().count());
}

std::optional<ReadTime> read_date_time(std::string_view text) {
  const std::string_view trimmed = trim_blanks(text);
  Rest rest(trimmed);
  const auto day = take_day(rest);
  if (!day) return std::nullopt;
  if (rest.empty()) return ReadTime{*day, true};

  ReadTime read{*day, trimmed.size() != text.size()};
  if (!rest.take('T') && !rest.take('t')) {  // R58 allows either case
    if (!rest.skip_blanks()) return std::nullopt;
    read.deviates = true;
  }
  const auto time = take_time(rest);
  if (!time) return std::nullopt;
  const auto offset = take_offset(rest);
  if (!offset || !rest.empty()) return std::nullopt;
  const Seconds utc = read.time + time->value - offset->value;
  read.time = std::clamp(utc, kEarliestTime, kLatestTime);
  read.deviates = read.deviates || time->deviates || offset->deviates || read.time != utc;
  return read;
}

}  // namespace tlsrpt
