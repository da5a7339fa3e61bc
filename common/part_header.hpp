// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The header of a part, which more programs damage than that of a message, and which no signature
// is about.

#include <string_view>

#include "common/header_field.hpp"

namespace tlsrpt {

/// As split_header(). One line that is no field may stand before or behind the fields.
HeaderSection split_part_header(std::string_view text, std::size_t max_bytes);

}  // namespace tlsrpt
