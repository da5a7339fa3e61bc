// SPDX-License-Identifier: BSD-2-Clause
#include "common/json_text.hpp"

#include "common/ascii.hpp"
#include "common/utf8.hpp"

namespace tlsrpt {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr auto kNowhere = std::string_view::npos;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The value of the four hexadecimal digits at 'position'; nothing if they are not all there.
std::optional<unsigned> read_hex4(std::string_view text, std::size_t position) {
  if (text.size() < position + 4) return std::nullopt;
  unsigned value = 0;
  for (const char c : text.substr(position, 4)) {
    if (hex_value(c) < 0) return std::nullopt;
    value = value * 16 + static_cast<unsigned>(hex_value(c));
  }
  return value;
}

std::size_t skip_digits(std::string_view text, std::size_t position) {
  while (position < text.size() && is_digit(text[position])) ++position;
  return position;
}

struct Number {
  std::size_t end = 0;
  std::size_t exponent_digits = 0;
};

/// The number that begins at 'position', by the grammar of RFC 8259 section 6.
std::optional<Number> scan_number(std::string_view text, std::size_t position) {
  const auto at = [&](std::size_t i) { return i < text.size() ? text[i] : '\0'; };
  const std::size_t whole = position + (at(position) == '-' ? 1 : 0);
  Number number{skip_digits(text, whole), 0};
  if (number.end == whole || (at(whole) == '0' && number.end != whole + 1)) return std::nullopt;
  if (at(number.end) == '.') {
    const std::size_t fraction = number.end + 1;
    number.end = skip_digits(text, fraction);
    if (number.end == fraction) return std::nullopt;
  }
  if (at(number.end) == 'e' || at(number.end) == 'E') {
    std::size_t exponent = number.end + 1;
    if (at(exponent) == '+' || at(exponent) == '-') ++exponent;
    number.end = skip_digits(text, exponent);
    number.exponent_digits = number.end - exponent;
    if (number.exponent_digits == 0) return std::nullopt;
  }
  return number;
}

bool is_high_surrogate(unsigned unit) { return unit >= 0xd800 && unit <= 0xdbff; }
bool is_low_surrogate(unsigned unit) { return unit >= 0xdc00 && unit <= 0xdfff; }

/// To the quote that ends the string whose content begins at 'next', or to the end.
const char* skip_string(const char* next, const char* end) {
  for (; next < end && *next != '"'; ++next) {
    if (*next == '\\' && ++next == end) break;
  }
  return next;
}

class Repair {
 public:
  explicit Repair(std::string_view text) : text_(text) { result_.text.reserve(text.size() + 16); }

  RepairedJson run() {
    while (position_ < text_.size()) {
      const char c = text_[position_];
      if (c == '"') {
        copy(1);
        repair_string();
      } else if (c == ',') {
        repair_comma();
      } else if (c == '-' || is_digit(c)) {
        repair_number();
      } else {
        copy(1);
      }
    }
    return std::move(result_);
  }

 private:
  void copy(std::size_t count) {
    const std::string_view piece = text_.substr(position_, count);
    result_.text += piece;
    position_ += piece.size();
  }

  void repair_comma() {
    constexpr std::string_view kOpeners = "{[,:";
    const std::size_t next = text_.find_first_not_of(kJsonBlanks, position_ + 1);
    const std::size_t before = result_.text.find_last_not_of(kJsonBlanks);
    const bool behind_value = before != kNowhere && kOpeners.find(result_.text[before]) == kNowhere;
    const bool trailing =
        behind_value && next != kNowhere && (text_[next] == '}' || text_[next] == ']');
    if (!trailing) return copy(1);
    result_.syntax = true;
    ++position_;
  }

  /// A parser that turns numbers into doubles gives up at those that do not fit.
  void repair_number() {
    constexpr std::size_t kSafeDigits = 300;
    constexpr std::size_t kSafeExponent = 2;
    const auto number = scan_number(text_, position_);
    // All of its digits at once: to look again from each of them takes quadratic time.
    if (!number) return copy(skip_digits(text_, position_ + 1) - position_);
    const std::size_t size = number->end - position_;
    if (size <= kSafeDigits && number->exponent_digits <= kSafeExponent) return copy(size);
    result_.huge_number = true;
    result_.text += '"';
    copy(size);
    result_.text += '"';
  }

  void repair_string() {
    while (position_ < text_.size()) {
      const auto c = static_cast<unsigned char>(text_[position_]);
      if (c == '"') return copy(1);
      if (c == '\\') {
        repair_escape();
      } else if (c < 0x20) {
        result_.syntax = true;
        result_.text += "\\u00";
        result_.text += kHex[c >> 4];
        result_.text += kHex[c & 0xf];
        ++position_;
      } else if (c < 0x80) {
        copy(1);
      } else {
        repair_character();
      }
    }
  }

  void repair_character() {
    const Utf8Step step = decode_utf8(text_, position_);
    if (step.valid) return copy(step.length);
    result_.invalid_utf8 = true;
    result_.text += kReplacementCharacter;
    position_ += step.length;
  }

  void repair_escape() {
    if (text_.substr(position_, 2) != "\\u") return copy(2);
    const auto unit = read_hex4(text_, position_ + 2);
    if (!unit) return copy(2);
    if (is_high_surrogate(*unit) && text_.substr(position_ + 6, 2) == "\\u") {
      const auto low = read_hex4(text_, position_ + 8);
      if (low && is_low_surrogate(*low)) return copy(12);
    }
    if (!is_high_surrogate(*unit) && !is_low_surrogate(*unit)) return copy(6);
    result_.lone_surrogate = true;
    result_.text += kReplacementCharacter;
    position_ += 6;
  }

  std::string_view text_;
  std::size_t position_ = 0;
  RepairedJson result_;
};

}  // namespace

std::optional<std::size_t> find_json_end(std::string_view text, std::size_t start) {
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  std::size_t depth = 0;
  for (const char* next = begin + start; next < end; ++next) {
    if (*next == '"') {
      next = skip_string(next + 1, end);
      if (next == end) break;
    } else if (*next == '{' || *next == '[') {
      ++depth;
    } else if (*next == '}' || *next == ']') {
      if (depth <= 1) return static_cast<std::size_t>(next + 1 - begin);
      --depth;
    }
  }
  return std::nullopt;
}

RepairedJson repair_json(std::string_view text) { return Repair(text).run(); }

}  // namespace tlsrpt
