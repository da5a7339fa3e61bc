// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What form RFC 8460 section 4.4 wants the texts of a report to have.

#include <cstddef>
#include <string>
#include <string_view>

namespace tlsrpt::sender {

/// One line of printable ASCII without blanks at its ends, cut to max_bytes. Each run of other
/// octets, such as a UTF-8 character, becomes one '?', a control a blank.
std::string ascii_line(std::string_view text, std::size_t max_bytes);

/// Has a scheme, and only the characters of RFC 3986.
bool is_uri(std::string_view text);

/// "3 1 1 HEX" (RFC 6698 section 2.2): numbers below 256, single blanks, whole octets in upper-case
/// hexadecimal.
bool is_tlsa_record(std::string_view text);

}  // namespace tlsrpt::sender
