// SPDX-License-Identifier: BSD-2-Clause
#include "common/report_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <utility>

#include "common/ascii.hpp"
#include "common/char_set.hpp"
#include "common/domain_name.hpp"
#include "common/ip_address.hpp"
#include "common/json_scanner.hpp"
#include "common/loose_time.hpp"
#include "common/report.hpp"
#include "common/result_type.hpp"
#include "common/utf8.hpp"

namespace tlsrpt {
namespace {

using Kind = JsonScalar::Kind;

constexpr CharSet kLineEnds{"\r\n"};
constexpr CharSet kBetweenPatterns{" \t\r\n,;"};

bool all_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// NaN and infinities, which are what a program has that has no value.
bool is_no_number(const JsonScalar& scalar) {
  return scalar.kind == Kind::number &&
         scalar.value.find_first_of("0123456789") == std::string_view::npos;
}

/// A whole number of at most 2^53-1; more is saturated, not lost.
std::uint64_t read_digits(std::string_view digits, Flags& flags) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error == std::errc{} && value <= kMaxCount) return value;
  flags.add(Flag::count_saturated);
  return kMaxCount;
}

/// "1,234,567", as programs print numbers for people. Not with points: "1.234" may be a fraction.
bool is_grouped(std::string_view text) {
  constexpr std::size_t kGroup = 3;
  constexpr std::string_view kBetween = ",' _";
  const std::size_t first = text.find_first_of(kBetween);
  if (first == 0 || first > kGroup || !all_digits(text.substr(0, first))) return false;
  for (std::string_view rest = text.substr(first); !rest.empty(); rest.remove_prefix(kGroup + 1)) {
    const bool separated = rest.front() == text[first] && rest.size() > kGroup;
    if (!separated || !all_digits(rest.substr(1, kGroup))) return false;
  }
  return true;
}

std::string without_groups(std::string_view text) {
  std::string digits;
  std::copy_if(text.begin(), text.end(), std::back_inserter(digits),
               [](char c) { return c >= '0' && c <= '9'; });
  return digits;
}

/// As read_digits, for a number with a sign, a point or an exponent; nothing if it is not whole.
std::optional<std::uint64_t> read_fraction(std::string_view text, Flags& flags) {
  // More than a double can tell from a whole number.
  constexpr std::size_t kLongestFraction = 24;
  if (text.size() > kLongestFraction && text.find('.') != std::string_view::npos)
    return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || error == std::errc::invalid_argument) return std::nullopt;
  // Beyond a double: huge, or a fraction near to 0, which only a minus sign can make.
  const bool beyond = error == std::errc::result_out_of_range;
  if (beyond ? text.find('-') != std::string_view::npos
             : !std::isfinite(value) || value < 0 || value != std::floor(value)) {
    return std::nullopt;
  }
  if (!beyond && value <= static_cast<double>(kMaxCount)) return static_cast<std::uint64_t>(value);
  flags.add(Flag::count_saturated);
  return kMaxCount;
}

/// Calls take(piece) for what stands between separators, as long as it says true.
template <typename Take>
void split(std::string_view text, const CharSet& separators, Take take) {
  while (!text.empty()) {
    const std::size_t end = separators.find_in(text);
    if (!take(text.substr(0, end))) return;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

/// False if the list is full.
bool append(std::vector<std::string>& texts, std::string_view text, const ListLimits& limits,
            Flags& flags) {
  const bool full = texts.size() >= limits.max_texts;
  if (full || text.size() > limits.max_bytes) flags.add(Flag::text_cut);
  constexpr std::size_t kUsualTexts = 6;
  if (texts.empty()) texts.reserve(kUsualTexts);
  // The cut may fall behind a blank.
  if (!full) texts.emplace_back(trim_blanks(cut_utf8(text, limits.max_bytes)));
  return !full;
}

void append_lines(std::vector<std::string>& lines, std::string_view text, const ListLimits& limits,
                  Flags& flags) {
  split(text, kLineEnds, [&](std::string_view line) {
    const std::string_view trimmed = trim_blanks(line);
    return trimmed.empty() || append(lines, trimmed, limits, flags);
  });
}

void append_patterns(std::vector<std::string>& patterns, std::string_view text,
                     const ListLimits& limits, Flags& flags) {
  constexpr std::string_view kTag = "mx:";
  if (is_normal_domain(text.starts_with("*.") ? text.substr(2) : text)) {
    append(patterns, text, limits, flags);
    return;
  }
  const std::size_t before = patterns.size();
  split(text, kBetweenPatterns, [&](std::string_view piece) {
    if (equal_ignoring_case(piece.substr(0, kTag.size()), kTag)) {
      piece.remove_prefix(kTag.size());
      flags.add(Flag::mx_host_type);
    }
    if (piece.empty()) return true;
    auto pattern = normalize_mx_pattern(piece);
    return append(patterns, pattern ? std::string_view(*pattern) : piece, limits, flags);
  });
  if (patterns.size() > before + 1) flags.add(Flag::mx_host_type);
}

/// The elements, if the text is a JSON array of strings (R75), without any mistake.
std::optional<std::vector<std::string>> unpacked_array(std::string_view text,
                                                       const ListLimits& limits, Flags& flags) {
  using Token = JsonScanner::Token;
  const std::string_view trimmed = trim_blanks(text);
  if (!trimmed.starts_with('[')) return std::nullopt;
  JsonScanner scanner(trimmed);
  std::vector<std::string> strings;
  bool cut = false;
  Token token = scanner.next();  // the bracket
  while ((token = scanner.next()) == Token::text) {
    cut = strings.size() >= limits.max_texts;
    if (!cut) strings.emplace_back(scanner.value());
  }
  const bool whole = token == Token::end_array && scanner.position() == trimmed.size() &&
                     scanner.repairs() == JsonRepairs{};
  if (!whole) return std::nullopt;
  if (cut) flags.add(Flag::text_cut);
  return strings;
}

}  // namespace

std::string_view read_text(const JsonScalar& scalar, std::size_t max_bytes, Flags& flags) {
  if (scalar.kind != Kind::text) flags.add(Flag::text_type);
  if (scalar.kind == Kind::null || scalar.kind == Kind::boolean) return {};
  if (is_all_blank(scalar.value) || is_no_number(scalar)) return {};
  if (scalar.value.size() <= max_bytes) return scalar.value;
  flags.add(Flag::text_cut);
  return cut_utf8(scalar.value, max_bytes);
}

std::optional<std::uint64_t> read_count(const JsonScalar& scalar, Flags& flags) {
  std::string_view text = trim_blanks(scalar.value);
  if (scalar.kind == Kind::number && all_digits(text)) return read_digits(text, flags);
  if (text.starts_with('+')) text.remove_prefix(1);
  if (scalar.kind == Kind::text && is_grouped(text)) {
    flags.add(Flag::count_type);
    return read_digits(without_groups(text), flags);
  }
  if (scalar.kind == Kind::number && text == "-0") return 0;
  if (scalar.kind == Kind::boolean) {
    flags.add(Flag::count_invalid);
    return std::nullopt;
  }
  if (text.empty()) {
    flags.add(Flag::count_type);
    return std::nullopt;
  }
  const auto value = all_digits(text) ? read_digits(text, flags) : read_fraction(text, flags);
  flags.add(value ? Flag::count_type : Flag::count_invalid);
  return value;
}

std::optional<Seconds> read_time(const JsonScalar& scalar, Flags& flags) {
  if (scalar.kind == Kind::text) {
    if (const auto read = read_date_time(scalar.value)) {
      if (read->deviates) flags.add(Flag::date_format);
      return read->time;
    }
  } else if (scalar.kind != Kind::number) {
    return std::nullopt;
  }
  const auto time = read_loose_time(scalar.value);
  if (time) flags.add(Flag::date_format);
  return time;
}

LooseRange read_range(const JsonScalar& scalar, Flags& flags) {
  const std::size_t slash = scalar.value.find('/');
  const bool two = slash != std::string_view::npos && slash == scalar.value.rfind('/');
  LooseRange range;
  if (two) {
    range.start = read_time({scalar.kind, scalar.value.substr(0, slash)}, flags);
    range.end = read_time({scalar.kind, scalar.value.substr(slash + 1)}, flags);
  } else {
    range.start = read_time(scalar, flags);
  }
  flags.add(Flag::date_format);
  return range;
}

std::string read_ip(std::string_view text, Flags& flags) {
  if (text.empty()) return {};
  if (auto canonical = canonical_ip(text)) return std::move(*canonical);
  flags.add(Flag::invalid_ip);
  return std::string(text);
}

std::string read_policy_type(std::string_view text, Flags& flags) {
  if (is_registered_policy_type(text)) return std::string(text);
  const auto found = find_policy_type(text);
  if (found) flags.add(Flag::member_case);
  return found ? std::string(*found) : lower_case(trim_blanks(text));
}

std::string read_policy_domain(std::string_view text, std::size_t max_bytes, Flags& flags) {
  if (is_normal_domain(text)) return std::string(text);
  if (auto domain = normalize_domain(trim_blanks(text))) {
    if (*domain != lower_case(text)) flags.add(Flag::policy_domain_form);
    return std::move(*domain);
  }
  text = trim_blanks(text);
  while (text.ends_with('.')) text.remove_suffix(1);
  std::string kept;
  for (const char c : text) {
    if (c > ' ' && c < '\x7f')
      kept += ascii_lower(c);
    else
      kept += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  if (!kept.empty()) flags.add(Flag::invalid_policy_domain);
  if (kept.size() > max_bytes) flags.add(Flag::text_cut);
  kept.resize(std::min(kept.size(), max_bytes));
  while (kept.ends_with('.')) kept.pop_back();
  return kept;
}

std::string read_host(std::string_view text) {
  if (is_normal_domain(text)) return std::string(text);
  if (auto host = normalize_domain(trim_blanks(text))) return std::move(*host);
  return std::string(text);
}

void add_policy_lines(std::vector<std::string>& lines, std::string_view text,
                      const ListLimits& limits, Flags& flags) {
  if (const auto array = unpacked_array(text, limits, flags)) {
    flags.add(Flag::policy_string_type);
    for (const std::string& element : *array) append_lines(lines, element, limits, flags);
    return;
  }
  const std::size_t before = lines.size();
  append_lines(lines, text, limits, flags);
  if (lines.size() > before + 1) flags.add(Flag::policy_string_type);
}

void add_mx_patterns(std::vector<std::string>& patterns, std::string_view text,
                     const ListLimits& limits, Flags& flags) {
  if (const auto array = unpacked_array(text, limits, flags)) {
    flags.add(Flag::mx_host_type);
    // What stands in such a text is not unpacked again.
    for (const std::string& element : *array) append_patterns(patterns, element, limits, flags);
    return;
  }
  append_patterns(patterns, text, limits, flags);
}

}  // namespace tlsrpt
