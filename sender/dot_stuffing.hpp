// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The transparency of SMTP's data (RFC 5321 section 4.5.2): a line that begins with a dot gets one
// more, so that none looks like the end.

#include <cstddef>
#include <string>
#include <string_view>

namespace tlsrpt::sender {

/// Appends message[begin, end) as it goes over the wire; a message may be given in pieces that are
/// cut anywhere. Lines end in CRLF; a dot behind a bare LF, which some servers take for a line end,
/// is doubled as well.
void append_stuffed(std::string& out, std::string_view message, std::size_t begin, std::size_t end);

/// What follows the message: CRLF if its last line lacks it, and the line with the dot.
std::string_view end_of_data(std::string_view message);

}  // namespace tlsrpt::sender
