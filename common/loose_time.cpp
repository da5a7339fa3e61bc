// SPDX-License-Identifier: BSD-2-Clause
#include "common/loose_time.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "common/ascii.hpp"

namespace tlsrpt {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t kLongest = 100;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'; }

/// Takes the text apart from its front.
class Rest {
 public:
  explicit Rest(std::string_view text) : text_(text) {}

  [[nodiscard]] bool empty() const { return text_.empty(); }
  [[nodiscard]] std::string_view text() const { return text_; }

  bool take(char wanted) {
    if (!text_.starts_with(wanted)) return false;
    text_.remove_prefix(1);
    return true;
  }

  /// One of these, or 0.
  char take_any(std::string_view wanted) {
    if (text_.empty() || wanted.find(text_.front()) == std::string_view::npos) return '\0';
    const char taken = text_.front();
    text_.remove_prefix(1);
    return taken;
  }

  std::string_view take_digits() { return take_while(is_digit); }
  std::string_view take_word() { return take_while(is_letter); }
  bool take_blanks() { return !take_while(is_blank).empty(); }

  /// Digits, as many as that.
  std::optional<int> take_number(std::size_t least, std::size_t most) {
    const Rest before = *this;
    const std::string_view digits = take_digits();
    int value = 0;
    std::from_chars(digits.data(), digits.data() + std::min<std::size_t>(digits.size(), 9), value);
    if (digits.size() >= least && digits.size() <= most) return value;
    *this = before;
    return std::nullopt;
  }

 private:
  std::string_view take_while(bool (*wanted)(char)) {
    const auto end = std::find_if_not(text_.begin(), text_.end(), wanted);
    const auto taken = text_.substr(0, static_cast<std::size_t>(end - text_.begin()));
    text_.remove_prefix(taken.size());
    return taken;
  }

  std::string_view text_;
};

std::optional<Day> calendar_day(int year, int month, int day) {
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return std::nullopt;
  return Day{date};
}

std::optional<seconds> clock_time(int hour, int minute, int second) {
  const bool end_of_day = hour == 24 && minute == 0 && second == 0;
  if ((hour > 23 && !end_of_day) || minute > 59 || second > 60) return std::nullopt;
  return hours{hour} + minutes{minute} + seconds{std::min(second, 59)};
}

/// 1.. of the name that begins like the word, which has three letters at least; or 0.
template <std::size_t size>
int index_of(const std::array<std::string_view, size>& names, std::string_view word) {
  const auto begins = [word](std::string_view name) {
    return equal_ignoring_case(name.substr(0, word.size()), word);
  };
  const auto found = std::find_if(names.begin(), names.end(), begins);
  return word.size() < 3 || found == names.end() ? 0 : static_cast<int>(found - names.begin()) + 1;
}

int month_by_name(std::string_view word) {
  constexpr std::array<std::string_view, 12> kMonths = {
      "january", "february", "march",     "april",   "may",      "june",
      "july",    "august",   "september", "october", "november", "december"};
  return index_of(kMonths, word);
}

bool is_weekday(std::string_view word) {
  constexpr std::array<std::string_view, 7> kDays = {"monday", "tuesday",  "wednesday", "thursday",
                                                     "friday", "saturday", "sunday"};
  return index_of(kDays, word) != 0;
}

struct NamedZone {
  std::string_view name;
  int hours;
};

// Those of RFC 5322 section 4.3. Only a date as mails have them means the American ones by these.
constexpr std::array<NamedZone, 12> kZones = {{{"z", 0},
                                               {"utc", 0},
                                               {"gmt", 0},
                                               {"ut", 0},
                                               {"est", -5},
                                               {"edt", -4},
                                               {"cst", -6},
                                               {"cdt", -5},
                                               {"mst", -7},
                                               {"mdt", -6},
                                               {"pst", -8},
                                               {"pdt", -7}}};

/// A time in pieces, in whatever order they come.
struct Pieces {
  std::optional<int> year, month, day;
  std::optional<seconds> clock;
  std::optional<seconds> offset;
  bool numeric_offset = false;
  bool weekday = false;

  [[nodiscard]] std::optional<Seconds> time() const {
    if (!year || !month || !day) return std::nullopt;
    const auto date = calendar_day(*year, *month, *day);
    if (!date) return std::nullopt;
    const Seconds utc = *date + clock.value_or(seconds{0}) - offset.value_or(seconds{0});
    return std::clamp(utc, kEarliestTime, kLatestTime);
  }

  /// False if another zone has been named.
  bool set_offset(seconds value) {
    if (offset && *offset != value) return false;
    offset = value;
    return true;
  }
};

/// "+02:00", "-0400", "+02".
bool take_numeric_offset(Rest& rest, Pieces& pieces) {
  const char sign = rest.take_any("+-");
  if (sign == '\0') return false;
  const auto hour = rest.take_number(2, 2);
  if (!hour) {
    const auto both = rest.take_number(4, 4);
    if (!both || *both / 100 > 23 || *both % 100 > 59) return false;
    const seconds value = hours{*both / 100} + minutes{*both % 100};
    pieces.numeric_offset = true;
    return pieces.set_offset(sign == '-' ? -value : value);
  }
  int minute = 0;
  if (rest.take(':')) {
    const auto number = rest.take_number(2, 2);
    if (!number) return false;
    minute = *number;
  }
  if (*hour > 23 || minute > 59) return false;
  const seconds value = hours{*hour} + minutes{minute};
  pieces.numeric_offset = true;
  return pieces.set_offset(sign == '-' ? -value : value);
}

bool take_zone_word(std::string_view word, Rest& rest, Pieces& pieces, bool as_in_mails) {
  const auto found = std::find_if(kZones.begin(), kZones.end(), [word](const NamedZone& zone) {
    return equal_ignoring_case(zone.name, word);
  });
  if (found == kZones.end() || (found->hours != 0 && !as_in_mails)) {
    // After an offset in figures the word adds nothing: "+0200 CEST".
    return pieces.numeric_offset;
  }
  const bool offset_follows = !rest.empty() && !is_blank(rest.text().front());
  if (offset_follows && found->name != "z") return take_numeric_offset(rest, pieces);  // GMT+02:00
  return pieces.set_offset(hours{found->hours});
}

/// "PM" makes it later. False if the time cannot be one with it.
bool take_half_day(std::string_view word, Pieces& pieces) {
  const bool pm = equal_ignoring_case(word, "pm");
  if (!pm && !equal_ignoring_case(word, "am")) return false;
  if (!pieces.clock || *pieces.clock < hours{1} || *pieces.clock >= hours{13}) return false;
  const seconds of_twelve = *pieces.clock % hours{12};
  pieces.clock = of_twelve + (pm ? hours{12} : hours{0});
  return true;
}

/// What may stand behind the time of day: AM, PM, zones.
bool take_zones(Rest& rest, Pieces& pieces, bool as_in_mails) {
  while (!rest.empty()) {
    rest.take_blanks();
    const std::string_view word = rest.take_word();
    const bool taken = word.empty() ? take_numeric_offset(rest, pieces)
                                    : take_half_day(word, pieces) ||
                                          take_zone_word(word, rest, pieces, as_in_mails);
    if (!taken) return false;
  }
  return true;
}

/// "23:59:59.5" behind its hour.
bool take_clock(int hour, Rest& rest, Pieces& pieces) {
  const char mark = rest.take_any(":.");
  const auto minute = rest.take_number(2, 2);
  if (mark == '\0' || !minute) return false;
  int second = 0;
  if (rest.take(mark)) {
    const auto number = rest.take_number(2, 2);
    if (!number) return false;
    second = *number;
    if (rest.take_any(".,") != '\0' && rest.take_digits().empty()) return false;
  } else if (mark == '.') {
    return false;
  }
  pieces.clock = clock_time(hour, *minute, second);
  return pieces.clock.has_value();
}

/// "2026/3/1 0:00:00 +0000 UTC".
std::optional<Seconds> read_year_first(std::string_view text) {
  Rest rest(text);
  Pieces pieces;
  pieces.year = rest.take_number(4, 4);
  const char mark = rest.take_any("-/.");
  pieces.month = rest.take_number(1, 2);
  const bool same_mark = mark != '\0' && rest.take(mark);
  pieces.day = rest.take_number(1, 2);
  if (!pieces.year || !pieces.month || !same_mark || !pieces.day) return std::nullopt;
  if (rest.empty()) return pieces.time();
  const char between = rest.take_any("Tt_-");
  if (between == '\0') rest.take_blanks();
  const Rest before_clock = rest;
  const auto hour = rest.take_number(1, 2);
  if (!hour) {  // a day with a zone, which nothing may stand between
    rest = before_clock;
    if (between != '\0' || is_digit(text.back())) return std::nullopt;
    return take_zones(rest, pieces, false) ? pieces.time() : std::nullopt;
  }
  if (!rest.text().starts_with(':') && !rest.text().starts_with('.')) {
    pieces.clock = clock_time(*hour, 0, 0);
    const bool zone_follows = !rest.empty() && between != '-';
    if (!pieces.clock || !zone_follows) return std::nullopt;
  } else if (!take_clock(*hour, rest, pieces)) {
    return std::nullopt;
  }
  // "2026-03-01-05:00" is a day with an offset to some, and a time to others.
  const std::size_t marks = static_cast<std::size_t>(
      std::count(before_clock.text().begin(), before_clock.text().end(), ':'));
  if (between == '-' && marks < 2) return std::nullopt;
  return take_zones(rest, pieces, false) ? pieces.time() : std::nullopt;
}

/// One piece of a date whose month is named. False if it is none, or there was one before.
bool take_named_piece(Rest& rest, Pieces& pieces) {
  if (const std::string_view word = rest.take_word(); !word.empty()) {
    if (!pieces.weekday && is_weekday(word)) return pieces.weekday = true;
    const int month = month_by_name(word);
    if (month == 0) {
      return take_half_day(word, pieces) || take_zone_word(word, rest, pieces, true);
    }
    if (pieces.month) return false;
    pieces.month = month;
    return true;
  }
  if (pieces.clock && (rest.text().starts_with('+') || rest.text().starts_with('-')))
    return take_numeric_offset(rest, pieces);
  if (const auto year = rest.take_number(4, 4); year && !pieces.year) {
    pieces.year = year;
    return true;
  }
  const auto number = rest.take_number(1, 2);
  if (!number) return false;
  if (rest.text().starts_with(':')) return !pieces.clock && take_clock(*number, rest, pieces);
  if (pieces.day) return false;
  pieces.day = number;
  return true;
}

/// "Sun, 01 Mar 2026 00:00:00 +0000", "Sun Mar  1 00:00:00 UTC 2026", "1-Mar-2026".
std::optional<Seconds> read_named_month(std::string_view text) {
  Rest rest(text);
  Pieces pieces;
  while (!rest.empty()) {
    if (!take_named_piece(rest, pieces)) return std::nullopt;
    while (rest.take_any(", \t") != '\0') {
    }
    if (!pieces.clock) rest.take('-');
  }
  return pieces.time();
}

/// "20260301", "20260301T000000Z", "20260301000000".
std::optional<Seconds> read_compact(std::string_view text) {
  constexpr int kFirstYear = 1990;
  constexpr int kLastYear = 2199;
  Rest rest(text);
  const std::string_view digits = rest.take_digits();
  if (digits.size() != 8 && digits.size() != 14) return std::nullopt;
  Rest date(digits);
  std::array<int, 6> numbers{};
  const auto take = [&numbers](std::string_view from, std::size_t first) {
    for (std::size_t i = first; from.size() >= 2 && i < numbers.size(); ++i) {
      const std::size_t length = i == 0 ? 4 : 2;
      std::from_chars(from.data(), from.data() + length, numbers[i]);
      from.remove_prefix(length);
    }
  };
  take(digits, 0);
  if (numbers[0] < kFirstYear || numbers[0] > kLastYear) return std::nullopt;
  if (digits.size() == 8 && rest.take_any("Tt_ ") != '\0') {
    const std::string_view clock = rest.take_digits();
    if (clock.size() != 4 && clock.size() != 6) return std::nullopt;
    take(clock, 3);
    if (rest.take_any(".,") != '\0' && rest.take_digits().empty()) return std::nullopt;
  }
  Pieces pieces;
  pieces.year = numbers[0];
  pieces.month = numbers[1];
  pieces.day = numbers[2];
  pieces.clock = clock_time(numbers[3], numbers[4], numbers[5]);
  if (!pieces.clock || !take_zones(rest, pieces, false)) return std::nullopt;
  return pieces.time();
}

/// Since 1970, for the years from 2014 (before which there was no TLS report) to 2286: the unit is
/// told by the size.
std::optional<Seconds> read_unix_time(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  for (const double unit : {1.0, 1e3, 1e6, 1e9}) {
    if (value >= 1.4e9 * unit && value < 1e10 * unit)
      return Seconds{seconds{static_cast<std::int64_t>(value / unit)}};
  }
  return std::nullopt;
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
    text.replace(at, what.size(), with);
}

/// Without what says nothing about the time, and with ASCII's blanks and minus.
std::string plain(std::string_view text) {
  std::string out(text);
  for (const char* blank : {"\xc2\xa0", "\xe2\x80\xaf", "\xe2\x80\x89"})
    replace_all(out, blank, " ");
  for (const char* minus : {"\xe2\x88\x92", "\xe2\x80\x90", "\xe2\x80\x91"})
    replace_all(out, minus, "-");
  replace_all(out, "\xef\xbb\xbf", "");
  if (const auto clock = out.find(" m="); clock != std::string::npos) out.resize(clock);  // of Go
  for (const std::string_view brackets : {"()", "[]"}) {
    if (!out.ends_with(brackets[1])) continue;
    if (const auto open = out.find(brackets[0]); open != std::string::npos) out.resize(open);
  }
  constexpr std::string_view kAround = " \t\r\n\"'";
  const auto first = out.find_first_not_of(kAround);
  if (first == std::string::npos) return {};
  return out.substr(first, out.find_last_not_of(kAround) - first + 1);
}

}  // namespace

std::optional<Seconds> read_loose_time(std::string_view text) {
  if (text.size() > kLongest) return std::nullopt;
  const std::string cleaned = plain(text);
  std::string_view time = cleaned;
  constexpr std::string_view kOfJavaScript = "/Date(";
  if (time.starts_with(kOfJavaScript) && time.ends_with(")/")) {
    time.remove_prefix(kOfJavaScript.size());
    return read_unix_time(time.substr(0, time.size() - 2));
  }
  if (const auto compact = read_compact(time)) return compact;
  if (const auto since_1970 = read_unix_time(time)) return since_1970;
  if (const auto year_first = read_year_first(time)) return year_first;
  return read_named_month(time);
}

}  // namespace tlsrpt
