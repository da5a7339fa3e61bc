// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What has to happen to a stranger's bytes before a JSON parser takes them: where a value ends,
// and what can be put right without guessing.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tlsrpt {

/// The bytes that JSON (RFC 8259 section 2) allows between tokens.
inline constexpr std::string_view kJsonBlanks = " \t\r\n";

/// Behind the bracket that closes the object or array that begins at 'start'; nothing if the text
/// ends first. Looks at brackets and strings only, so the value may still be malformed.
std::optional<std::size_t> find_json_end(std::string_view text, std::size_t start);

struct RepairedJson {
  std::string text;
  bool syntax = false;          ///< trailing commas dropped, raw controls in strings escaped
  bool invalid_utf8 = false;    ///< ill-formed bytes in strings became U+FFFD
  bool lone_surrogate = false;  ///< escapes of half a character became U+FFFD
  bool huge_number = false;     ///< numbers beyond a double became strings

  [[nodiscard]] bool changed() const {
    return syntax || invalid_utf8 || lone_surrogate || huge_number;
  }
};

/// One pass over text that a strict parser refused. What it does not know how to put right stays,
/// for the parser to refuse again.
RepairedJson repair_json(std::string_view text);

}  // namespace tlsrpt
