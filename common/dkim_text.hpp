// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The small text rules that all of DKIM's grammars share: folding white space and lists.

#include <string_view>
#include <vector>

#include "common/ascii.hpp"

namespace tlsrpt::dkim {

constexpr bool is_folding(char c) { return is_blank(c) || c == '\r' || c == '\n'; }

/// Without folding white space at both ends.
std::string_view trim_folding(std::string_view text);

/// The items of a colon-separated list, trimmed; an empty text has one empty item.
std::vector<std::string_view> split_colons(std::string_view text);

/// True if a colon-separated list has the item, in any case.
bool list_has(std::string_view list, std::string_view item);

/// True for the name of a header field (RFC 5322 ftext), at least one byte.
bool is_field_name(std::string_view text);

}  // namespace tlsrpt::dkim
