// SPDX-License-Identifier: BSD-2-Clause
#include "common/json_scanner.hpp"

#include <array>
#include <cstddef>
#include <cstring>
#include <optional>

#include "common/ascii.hpp"
#include "common/char_set.hpp"
#include "common/swar.hpp"
#include "common/utf8.hpp"

namespace tlsrpt {
namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_high_surrogate(unsigned unit) { return unit >= 0xd800 && unit <= 0xdbff; }
bool is_low_surrogate(unsigned unit) { return unit >= 0xdc00 && unit <= 0xdfff; }

/// The number's end by the grammar of RFC 8259 section 6, or null.
const char* skip_number(const char* from, const char* end) {
  const auto skip_digits = [end](const char* digits) {
    while (digits < end && is_digit(*digits)) ++digits;
    return digits;
  };
  const char* const whole = from < end && *from == '-' ? from + 1 : from;
  const char* next = skip_digits(whole);
  if (next == whole || (*whole == '0' && next != whole + 1)) return nullptr;
  if (next < end && *next == '.') {
    const char* const fraction = next + 1;
    next = skip_digits(fraction);
    if (next == fraction) return nullptr;
  }
  if (next < end && (*next == 'e' || *next == 'E')) {
    const char* exponent = next + 1;
    if (exponent < end && (*exponent == '+' || *exponent == '-')) ++exponent;
    next = skip_digits(exponent);
    if (next == exponent) return nullptr;
  }
  return next;
}

/// What an unquoted number, time or word of a programming language can have.
constexpr CharSet kWordCharacters = CharSet::where([](char c) {
  const char low = ascii_lower(c);
  return is_digit(c) || (low >= 'a' && low <= 'z') || c == '+' || c == '-' || c == '.' ||
         c == ':' || c == '_';
});

/// The kind of a word that JSON does not have; malformed if it is none that is known.
JsonScanner::Token token_of_odd(std::string_view word) {
  using Token = JsonScanner::Token;
  struct Word {
    std::string_view text;
    Token token;
  };
  constexpr std::array<Word, 9> kWords = {{{"true", Token::boolean},
                                           {"false", Token::boolean},
                                           {"null", Token::null},
                                           {"none", Token::null},
                                           {"nil", Token::null},
                                           {"undefined", Token::null},
                                           {"nan", Token::number},
                                           {"inf", Token::number},
                                           {"infinity", Token::number}}};
  const bool signed_word = word.starts_with('-') || word.starts_with('+');
  const std::string_view bare = signed_word ? word.substr(1) : word;
  for (const Word& known : kWords) {
    if (equal_ignoring_case(known.text, bare) && (!signed_word || known.token == Token::number))
      return known.token;
  }
  const std::size_t first = bare.starts_with('.') ? 1 : 0;
  const bool is_number = first < bare.size() && is_digit(bare[first]);
  return is_number ? Token::number : Token::malformed;
}

/// Bytes, all of which are compared at once: a register that every x86-64 and arm64 has. GCC and
/// clang make something of it on any processor.
using Block = signed char __attribute__((vector_size(16)));

/// True, or all bits, where a string cannot have the byte as it is, or it has to be looked at. What
/// is not ASCII is negative.
template <typename Bytes>
auto is_unplain(Bytes bytes) {
  return (bytes < ' ') | (bytes == '"') | (bytes == '\\');
}

/// To the first byte that is_unplain().
inline const char* skip_plain(const char* from, const char* end) {
  while (end - from >= static_cast<std::ptrdiff_t>(sizeof(Block))) {
    Block block;
    std::memcpy(&block, from, sizeof block);
    const auto marks = is_unplain(block);
    char bytes[sizeof marks];
    std::memcpy(bytes, &marks, sizeof marks);
    if (const std::uint64_t word = load_word(bytes); word != 0) return from + first_mark(word);
    if (const std::uint64_t word = load_word(bytes + 8); word != 0)
      return from + 8 + first_mark(word);
    from += sizeof block;
  }
  while (from < end && !is_unplain(static_cast<signed char>(*from))) ++from;
  return from;
}

/// The value of the four hexadecimal digits at 'from'; nothing if they are not all there.
std::optional<unsigned> read_hex4(const char* from, const char* end) {
  if (end - from < 4) return std::nullopt;
  unsigned value = 0;
  for (int i = 0; i < 4; ++i) {
    if (hex_value(from[i]) < 0) return std::nullopt;
    value = value * 16 + static_cast<unsigned>(hex_value(from[i]));
  }
  return value;
}

/// The character that a letter behind a backslash stands for, or 0.
char escaped(char letter) {
  switch (letter) {
    case '"':
    case '\\':
    case '/':
      return letter;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return '\0';
  }
}

}  // namespace

bool JsonScanner::at(const char* where, std::string_view text) const {
  return std::string_view(where, static_cast<std::size_t>(end_ - where)).starts_with(text);
}

inline const char* JsonScanner::behind_blanks(const char* from) const {
  while (from < end_ && is_blank_or_line_end(*from)) ++from;
  return from;
}

/// The byte that follows them; 0 at the end of the text, which is as malformed as a NUL byte.
inline char JsonScanner::skip_blanks() {
  next_ = behind_blanks(next_);
  return next_ < end_ ? *next_ : '\0';
}

JsonScanner::Token JsonScanner::give_up() {
  expected_ = Expected::nothing;
  return Token::malformed;
}

inline JsonScanner::Token JsonScanner::value_read(Token token) {
  expected_ = Expected::comma;
  return token;
}

JsonScanner::Token JsonScanner::next() {
  switch (expected_) {
    case Expected::value:
      return read_value();
    case Expected::first:
      if (skip_blanks() == closing_bracket()) return close();
      break;
    case Expected::comma:
      if (around_.empty()) return Token::end;
      if (const char c = skip_blanks(); c != ',')
        return c == closing_bracket() ? close() : give_up();
      ++next_;
      if (skip_blanks() == closing_bracket()) {
        repairs_.syntax = true;
        return close();
      }
      break;
    case Expected::nothing:
      return Token::malformed;
  }
  return in_object_ ? read_name() : read_value();
}

bool JsonScanner::take_name(std::string_view name) {
  if (!in_object_ || (expected_ != Expected::first && expected_ != Expected::comma)) return false;
  const char* from = behind_blanks(next_);
  if (expected_ == Expected::comma) {
    if (from == end_ || *from != ',') return false;
    from = behind_blanks(from + 1);
  }
  const std::size_t quoted = name.size() + 2;
  if (static_cast<std::size_t>(end_ - from) <= quoted) return false;
  const bool same = from[0] == '"' && from[quoted - 1] == '"' && from[quoted] == ':' &&
                    equal_short(from + 1, name.data(), name.size());
  if (!same) return false;
  next_ = from + quoted + 1;
  expected_ = Expected::value;
  return true;
}

JsonScanner::Token JsonScanner::open(char bracket) {
  ++next_;
  around_ += in_object_ ? '{' : '[';
  in_object_ = bracket == '{';
  expected_ = Expected::first;
  return in_object_ ? Token::begin_object : Token::begin_array;
}

JsonScanner::Token JsonScanner::close() {
  ++next_;
  const Token token = in_object_ ? Token::end_object : Token::end_array;
  in_object_ = around_.back() == '{';
  around_.pop_back();
  return value_read(token);
}

JsonScanner::Token JsonScanner::read_name() {
  if (skip_blanks() != '"' || !read_string() || skip_blanks() != ':') return give_up();
  ++next_;
  expected_ = Expected::value;
  return Token::name;
}

JsonScanner::Token JsonScanner::read_value() {
  const char c = skip_blanks();
  switch (c) {
    case '"':
      return read_string() ? value_read(Token::text) : give_up();
    case '{':
    case '[':
      return open(c);
    case 't':
      return read_word("true", Token::boolean);
    case 'f':
      return read_word("false", Token::boolean);
    case 'n':
      return read_word("null", Token::null);
    default:
      return read_number();
  }
}

JsonScanner::Token JsonScanner::read_number() {
  const char* const end = skip_number(next_, end_);
  if (end == nullptr || (end < end_ && kWordCharacters.has(*end))) return read_odd_word();
  value_ = {next_, static_cast<std::size_t>(end - next_)};
  next_ = end;
  return value_read(Token::number);
}

JsonScanner::Token JsonScanner::read_word(std::string_view word, Token token) {
  if (!at(next_, word)) return read_odd_word();
  value_ = word;
  next_ += word.size();
  return value_read(token);
}

/// What is no JSON, but says what it is without a doubt. Only in brackets: a text that begins with
/// such a word is a text.
JsonScanner::Token JsonScanner::read_odd_word() {
  constexpr std::ptrdiff_t kLongest = 40;
  const char* end = next_;
  while (end < end_ && end - next_ < kLongest && kWordCharacters.has(*end)) ++end;
  const std::string_view word(next_, static_cast<std::size_t>(end - next_));
  const bool ends =
      end < end_ && (is_blank_or_line_end(*end) || *end == ',' || *end == ']' || *end == '}');
  const Token token = ends && !around_.empty() ? token_of_odd(word) : Token::malformed;
  if (token == Token::malformed) return give_up();
  repairs_.syntax = true;
  value_ = word;
  next_ = end;
  return value_read(token);
}

/// The string whose quote is next.
inline bool JsonScanner::read_string() {
  const char* const from = next_ + 1;
  const char* const stop = skip_plain(from, end_);
  if (stop == end_ || *stop != '"') return read_changed_string(from);
  value_ = {from, static_cast<std::size_t>(stop - from)};
  next_ = stop + 1;
  return true;
}

bool JsonScanner::read_changed_string(const char* from) {
  changed_.clear();
  for (;;) {
    const char* const stop = skip_plain(from, end_);
    changed_.append(from, stop);
    next_ = from = stop;
    if (stop == end_) return false;
    if (*stop == '"') break;
    if (*stop == '\\') {
      if (!read_escape(from)) return false;
    } else if (static_cast<unsigned char>(*stop) < 0x20) {
      repairs_.syntax = true;
      changed_ += *from++;
    } else {
      const Utf8Step step = decode_utf8({from, static_cast<std::size_t>(end_ - from)}, 0);
      if (!step.valid) repairs_.invalid_utf8 = true;
      const bool usable = step.valid && !is_noncharacter(step.code_point);
      if (step.valid && !usable) repairs_.lone_surrogate = true;
      changed_.append(usable ? std::string_view(from, step.length) : kReplacementCharacter);
      from += step.length;
    }
  }
  value_ = changed_;
  ++next_;
  return true;
}

/// 'from' is at a backslash, and behind the escape afterwards. False if it is none.
bool JsonScanner::read_escape(const char*& from) {
  if (end_ - from < 2) return false;
  if (from[1] == 'u') return read_unicode_escape(from);
  const char character = escaped(from[1]);
  if (character == '\0') return keep_backslash(from);
  changed_ += character;
  from += 2;
  return true;
}

/// Some senders leave those of a text as they are, of a path for instance.
bool JsonScanner::keep_backslash(const char*& from) {
  repairs_.syntax = true;
  changed_ += *from++;
  return true;
}

bool JsonScanner::read_unicode_escape(const char*& from) {
  const auto unit = read_hex4(from + 2, end_);
  if (!unit) return keep_backslash(from);
  from += 6;
  char32_t code_point = *unit;
  if (is_high_surrogate(*unit) && at(from, "\\u")) {
    const auto low = read_hex4(from + 2, end_);
    if (low && is_low_surrogate(*low)) {
      code_point = 0x10000 + ((*unit - 0xd800) << 10) + (*low - 0xdc00);
      from += 6;
    }
  }
  if ((code_point >= 0xd800 && code_point <= 0xdfff) || is_noncharacter(code_point)) {
    repairs_.lone_surrogate = true;
    code_point = 0xfffd;
  }
  append_utf8(changed_, code_point);
  return true;
}

}  // namespace tlsrpt
