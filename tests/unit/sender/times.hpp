// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Points in time and days, as a test writes them.

#include <string_view>

#include "common/utc_time.hpp"

namespace tlsrpt::sender {

inline Seconds at(std::string_view text) { return read_date_time(text).value().time; }
inline Day day(std::string_view text) { return parse_day(text).value(); }

}  // namespace tlsrpt::sender
