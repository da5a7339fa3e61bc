// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// When may a server that had no time be asked again?

#include <chrono>
#include <optional>
#include <string_view>

#include "common/utc_time.hpp"

namespace tlsrpt::sender {

/// A report is given up after that time, so that no server can ask for more (R163, R164).
inline constexpr std::chrono::seconds kLongestRetryAfter{24 * 3600};

/// The value of Retry-After (RFC 9110 section 10.2.3), seconds or a date, as a time from now: 0 to
/// kLongestRetryAfter. Nothing if it is neither.
std::optional<std::chrono::seconds> read_retry_after(std::string_view value, Seconds now);

}  // namespace tlsrpt::sender
