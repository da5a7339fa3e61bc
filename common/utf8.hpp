// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Is this text UTF-8 (RFC 3629), and if not, what may stand in its place?

#include <cstddef>
#include <string>
#include <string_view>

namespace tlsrpt {

inline constexpr std::string_view kReplacementCharacter = "\xef\xbf\xbd";  ///< U+FFFD

/// One step through a text. An ill-formed sequence has code_point U+FFFD and is as long as the
/// part of it that could have begun a character (Unicode 15, section 3.9, U+FFFD substitution).
struct Utf8Step {
  char32_t code_point = 0xfffd;
  std::size_t length = 1;
  bool valid = false;
};

/// The character at 'position', which must be inside of the text.
Utf8Step decode_utf8(std::string_view text, std::size_t position);

/// The code point must be one of Unicode and no surrogate.
void append_utf8(std::string& out, char32_t code_point);

/// Valid, but I-JSON forbids it in strings as it does surrogates (R49).
constexpr bool is_noncharacter(char32_t code_point) {
  return (code_point & 0xfffe) == 0xfffe || (code_point >= 0xfdd0 && code_point <= 0xfdef);
}

bool is_valid_utf8(std::string_view text);

/// The text with each ill-formed sequence as U+FFFD; everything else, controls too, stays.
std::string to_valid_utf8(std::string_view text, bool* replaced = nullptr);

/// The longest beginning of at most max_bytes that does not end inside of a character.
std::string_view cut_utf8(std::string_view text, std::size_t max_bytes);

}  // namespace tlsrpt
