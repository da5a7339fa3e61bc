// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Patterns of the rules file in the spelling that they are compared in. The errors are for the
// operator: what is wrong, and what to write.

#include <string>
#include <string_view>

#include "common/error.hpp"

namespace tlsrpt::sender {

/// Lower case, U-labels as A-labels, without trailing dot. Fails on what no domain can fit.
Result<std::string> domain_pattern(std::string_view text);

/// The same for an address or a URI. What has no '*' becomes the address of a mailto:, or the URI.
Result<std::string> rua_pattern(std::string_view text);

}  // namespace tlsrpt::sender
