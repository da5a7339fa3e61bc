// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What time does a text mean that is none of RFC 3339's, nor close to it?

#include <optional>
#include <string_view>

#include "common/utc_time.hpp"

namespace tlsrpt {

/// Only what has one meaning: a year of four digits before the month and the day, a month by its
/// name, digits without marks (20260301T000000Z), and seconds since 1970 or thousandths, millionths
/// or billionths of them, which their number of digits tells apart. Without a zone it is UTC.
/// Nothing for the rest, such as 03/01/2026.
std::optional<Seconds> read_loose_time(std::string_view text);

}  // namespace tlsrpt
