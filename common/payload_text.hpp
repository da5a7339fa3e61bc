// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Payloads in a coat that their first bytes hide: base64 that nobody undid, and UTF-16.

#include <optional>
#include <string>
#include <string_view>

namespace tlsrpt {

/// Is this base64 of a gzip, a zip or JSON? Looks at its first line only.
bool looks_like_base64_payload(std::string_view text);

/// JSON in UTF-16, by its byte order mark or its first brace: little or big endian.
bool looks_like_utf16_json(std::string_view text);

/// Without the byte order mark; halves of surrogate pairs and of a unit become U+FFFD. Never more
/// than half as long again as the text.
std::string utf8_from_utf16(std::string_view text);

}  // namespace tlsrpt
