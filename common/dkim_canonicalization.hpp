// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Which bytes of a message does a DKIM signature cover? (RFC 6376 section 3.4)
// Everywhere a bare LF counts as a line end, and comes out as CRLF. A bare CR is a byte like
// others.

#include <functional>
#include <string>
#include <string_view>

#include "common/dkim.hpp"

namespace tlsrpt::dkim {

/// Appends one header field, without a line end behind it. field: "Name: value", folded or
/// not, without its last line end.
void append_canonical_field(Canonicalization canonicalization, std::string_view field,
                            std::string& out);

using ByteSink = std::function<void(std::string_view)>;

/// Hands the body to the sink in blocks. One pass; memory does not grow with the body.
void canonicalize_body(Canonicalization canonicalization, std::string_view body,
                       const ByteSink& sink);

}  // namespace tlsrpt::dkim
