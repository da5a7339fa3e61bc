// SPDX-License-Identifier: BSD-2-Clause
#include "sender/log_header.hpp"

#include <ctime>

#include "common/ascii.hpp"

namespace tlsrpt::sender {

namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// -1: there are not so many digits.
int digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return -1;
  int number = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (!is_digit(text[i])) return -1;
    number = number * 10 + (text[i] - '0');
  }
  return number;
}

int month_of(std::string_view name) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  for (std::size_t at = 0; at < kMonths.size(); at += 3) {
    if (kMonths.substr(at, 3) == name) return static_cast<int>(at / 3) + 1;
  }
  return 0;
}

bool is_time(int hour, int minute, int second) {
  return hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second <= 60;
}

bool is_date(int year, int month, int day) {
  using namespace std::chrono;
  return month > 0 && day > 0 &&
         year_month_day{std::chrono::year{year}, std::chrono::month(static_cast<unsigned>(month)),
                        std::chrono::day(static_cast<unsigned>(day))}
             .ok();
}

/// "<22>" and, before RFC 5424's time, the version. True: it is of RFC 5424.
bool skip_priority(std::string_view& line) {
  if (line.empty() || line[0] != '<') return false;
  const std::size_t end = line.substr(0, 5).find('>');
  if (end == std::string_view::npos) return false;
  line.remove_prefix(end + 1);
  if (!line.starts_with("1 ")) return false;
  line.remove_prefix(2);
  return true;
}

std::string_view take_word(std::string_view& text) {
  const std::size_t end = text.find(' ');
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return word;
}

/// "postfix/smtp[1039]: text" in its parts; false if there is no such tag.
bool read_tag(std::string_view text, LogLineParts& parts) {
  std::size_t end = 0;
  while (end < text.size() && text[end] != '[' && text[end] != ':' && text[end] != ' ') ++end;
  if (end == 0 || end == text.size() || text[end] == ' ') return false;
  parts.identity = text.substr(0, end);
  parts.program = log_program(parts.identity);
  if (parts.program == LogProgram::other) return false;
  if (text[end] == '[') {
    const std::size_t close = text.find(']', end);
    if (close == std::string_view::npos) return false;
    parts.pid = text.substr(end + 1, close - end - 1);
    end = close + 1;
    if (end >= text.size() || text[end] != ':') return false;
  }
  parts.text = text.substr(end + 1);
  if (parts.text.starts_with(' ')) parts.text.remove_prefix(1);
  if (parts.text.starts_with("[ID ")) {  // Solaris: "[ID 197553 mail.info] "
    const std::size_t close = parts.text.find("] ");
    if (close != std::string_view::npos) parts.text.remove_prefix(close + 2);
  }
  return true;
}

/// What follows the time in RFC 5424: "host app pid id [data] text".
bool read_structured(std::string_view text, LogLineParts& parts) {
  parts.host = take_word(text);
  parts.identity = take_word(text);
  parts.program = log_program(parts.identity);
  if (parts.program == LogProgram::other) return false;
  parts.pid = take_word(text);
  take_word(text);
  if (text.starts_with('[')) {
    const std::size_t close = text.find("] ");
    if (close == std::string_view::npos) return false;
    text.remove_prefix(close + 2);
  } else {
    take_word(text);
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  parts.text = text;
  return true;
}

/// "Z", "+02:00", "+0200"; moves past it.
bool read_offset(std::string_view text, std::size_t& at, DatedText& dated) {
  if (at >= text.size()) return true;
  if (text[at] == 'Z' || text[at] == 'z') {
    ++at;
    dated.offset = 0;
    return true;
  }
  if (text[at] != '+' && text[at] != '-') return true;
  const std::size_t colon = at + 3 < text.size() && text[at + 3] == ':' ? 1 : 0;
  const int hours = digits(text, at + 1, 2);
  const int minutes = digits(text, at + 3 + colon, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return false;
  dated.offset = (text[at] == '-' ? -1 : 1) * (hours * 60 + minutes);
  at += 5 + colon;
  return true;
}

}  // namespace

LogProgram log_program(std::string_view identity) {
  const std::size_t slash = identity.rfind('/');
  if (slash != std::string_view::npos) {
    const std::string_view last = identity.substr(slash + 1);
    if (last == "smtp") return LogProgram::postfix_smtp;
    return last == "tlsproxy" ? LogProgram::postfix_tlsproxy : LogProgram::other;
  }
  if (identity == "sendmail" || identity.starts_with("sm-")) return LogProgram::sendmail;
  return identity == "exim" || identity == "exim4" ? LogProgram::exim : LogProgram::other;
}

std::optional<DatedText> read_dated_text(std::string_view text) {
  DatedText dated;
  if (text.size() < 19 || text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':' ||
      (text[10] != 'T' && text[10] != ' ')) {
    return std::nullopt;
  }
  dated.year = digits(text, 0, 4);
  dated.month = digits(text, 5, 2);
  dated.day = digits(text, 8, 2);
  dated.hour = digits(text, 11, 2);
  dated.minute = digits(text, 14, 2);
  dated.second = digits(text, 17, 2);
  if (dated.year < 0 || !is_date(dated.year, dated.month, dated.day) ||
      !is_time(dated.hour, dated.minute, dated.second)) {
    return std::nullopt;
  }
  std::size_t at = 19;
  if (at < text.size() && (text[at] == '.' || text[at] == ',')) {
    ++at;
    while (at < text.size() && is_digit(text[at])) ++at;
  }
  // Exim writes a blank before the zone.
  if (text[10] == ' ' && at + 1 < text.size() && text[at] == ' ' &&
      (text[at + 1] == '+' || text[at + 1] == '-') && digits(text, at + 2, 4) >= 0) {
    ++at;
  }
  if (!read_offset(text, at, dated)) return std::nullopt;
  if (at < text.size() && text[at] != ' ') return std::nullopt;
  dated.rest = text.substr(at < text.size() ? at + 1 : at);
  return dated;
}

std::optional<LogLineParts> LogHeaderReader::read(std::string_view line, Seconds now) {
  const bool structured = skip_priority(line);
  if (line.size() < 20) return std::nullopt;
  if (!is_digit(line[0])) {
    return structured ? std::nullopt : read_traditional(line, now);
  }
  if (!structured) return read_dated(line);
  const auto dated = read_dated_text(line);
  LogLineParts parts;
  if (!dated || !read_structured(dated->rest, parts)) return std::nullopt;
  const auto hour = local_hour({dated->year, dated->month, dated->day, dated->hour});
  if (dated->offset) {
    using namespace std::chrono;
    parts.at = Seconds{sys_days{year{dated->year} / dated->month / dated->day}} +
               hours{dated->hour} - minutes{*dated->offset};
  } else if (hour) {
    parts.at = *hour;
  } else {
    return std::nullopt;
  }
  parts.at += std::chrono::seconds{dated->minute * 60 + dated->second};
  return parts;
}

/// "Nov 23 18:58:18 mta7 postfix/smtp[1039]: text", or with "Nov 23 2026 18:58:18".
std::optional<LogLineParts> LogHeaderReader::read_traditional(std::string_view line, Seconds now) {
  if (line[3] != ' ' || line[6] != ' ') return std::nullopt;
  std::size_t clock = 7;
  if (line[11] == ' ' && is_digit(line[10])) clock = 12;
  if (line.size() < clock + 10 || line[clock + 2] != ':' || line[clock + 5] != ':' ||
      line[clock + 8] != ' ') {
    return std::nullopt;
  }
  LogLineParts parts;
  std::string_view rest = line.substr(clock + 9);
  parts.host = take_word(rest);
  if (!read_tag(rest, parts)) return std::nullopt;

  const int month = month_of(line.substr(0, 3));
  const int day = digits(line, line[4] == ' ' ? 5 : 4, line[4] == ' ' ? 1 : 2);
  const int hour = digits(line, clock, 2);
  const int minute = digits(line, clock + 3, 2);
  const int second = digits(line, clock + 6, 2);
  if (month == 0 || day < 1 || day > 31 || !is_time(hour, minute, second)) return std::nullopt;
  const int year = clock == 12 ? digits(line, 7, 4) : 0;
  if (year < 0) return std::nullopt;
  const auto begin =
      year > 0 ? local_hour({year, month, day, hour}) : latest_hour({0, month, day, hour}, now);
  if (!begin) return std::nullopt;
  parts.at = *begin + std::chrono::seconds{minute * 60 + second};
  return parts;
}

/// RFC 3339 and syslog's rest, or Exim's own log.
std::optional<LogLineParts> LogHeaderReader::read_dated(std::string_view line) {
  // The cheap question first: most lines are of other programs.
  LogLineParts parts;
  if (line[10] == 'T') {
    std::string_view rest = line;
    take_word(rest);
    parts.host = take_word(rest);
    if (!read_tag(rest, parts)) return std::nullopt;
  } else if (line[10] == ' ') {
    parts.program = LogProgram::exim;
  } else {
    return std::nullopt;
  }
  const auto dated = read_dated_text(line);
  if (!dated) return std::nullopt;
  if (dated->offset) {
    using namespace std::chrono;
    parts.at = Seconds{sys_days{year{dated->year} / dated->month / dated->day}} +
               hours{dated->hour} - minutes{*dated->offset};
  } else {
    const auto hour = local_hour({dated->year, dated->month, dated->day, dated->hour});
    if (!hour) return std::nullopt;
    parts.at = *hour;
  }
  parts.at += std::chrono::seconds{dated->minute * 60 + dated->second};
  if (line[10] == ' ') parts.text = dated->rest;
  return parts;
}

std::optional<Seconds> LogHeaderReader::local_hour(const Civil& civil) {
  if (civil == cached_) return cached_hour_;
  if (!is_date(civil.year, civil.month, civil.day)) return std::nullopt;
  std::tm parts{};
  parts.tm_year = civil.year - 1900;
  parts.tm_mon = civil.month - 1;
  parts.tm_mday = civil.day;
  parts.tm_hour = civil.hour;
  parts.tm_isdst = -1;
  const std::time_t time = std::mktime(&parts);
  cached_ = civil;
  cached_hour_ = Seconds{std::chrono::seconds{time}};
  return cached_hour_;
}

std::optional<Seconds> LogHeaderReader::latest_hour(Civil civil, Seconds now) {
  using namespace std::chrono;
  const Seconds latest = now + days{1};
  if (civil == guessed_ && guessed_hour_ <= latest && guessed_hour_ > latest - days{365}) {
    return guessed_hour_;
  }
  const Civil without_year = civil;
  const auto today = year_month_day{floor<days>(latest)};
  // Local time can be of the next year already; a 29th of February can be eight years away.
  const int first = static_cast<int>(today.year()) + 1;
  for (civil.year = first; civil.year >= first - 9; --civil.year) {
    const auto hour = local_hour(civil);
    if (!hour || *hour > latest) continue;
    guessed_ = without_year;
    guessed_hour_ = *hour;
    return hour;
  }
  return std::nullopt;
}

}  // namespace tlsrpt::sender
