// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Base64 (RFC 4648 section 4) as it stands in mail and DNS.

#include <optional>
#include <string>
#include <string_view>

namespace tlsrpt {

/// One line, padded.
std::string base64_encode(std::string_view bytes);

/// Ignores blanks, tabs and line breaks wherever they stand. Nothing if any other byte is foreign
/// to the alphabet, if data follows padding, or if the padding does not complete the last group.
/// Bits that the last group does not use may be set, as some encoders leave them.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace tlsrpt
