// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Where a value of a stranger's JSON text ends, also one that no parser takes.

#include <cstddef>
#include <optional>
#include <string_view>

namespace tlsrpt {

/// The bytes that JSON (RFC 8259 section 2) allows between tokens.
inline constexpr std::string_view kJsonBlanks = " \t\r\n";

/// Behind the bracket that closes the object or array that begins at 'start'; nothing if the text
/// ends first. Looks at brackets and strings only, so the value may still be malformed.
std::optional<std::size_t> find_json_end(std::string_view text, std::size_t start);

}  // namespace tlsrpt
