// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Destinations as a person types them, in the rules file and on the command line.

#include <string_view>

#include "common/error.hpp"
#include "common/rua.hpp"

namespace tlsrpt::sender {

/// "tlsrpt@example.org", or a mailto: or https: URI. Of an address, 'uri' is a URI for it, so that
/// what was typed and what stands in a record are the same kind of thing. The error is for the
/// person.
Result<Rua> parse_destination(std::string_view text);

}  // namespace tlsrpt::sender
