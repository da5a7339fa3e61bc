// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// When to try again what failed for the moment.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "common/utc_time.hpp"

namespace tlsrpt::sender {

inline constexpr std::chrono::seconds kFirstRetry{300};
inline constexpr std::chrono::seconds kLongestRetry{4 * 3600};
inline constexpr std::chrono::seconds kDeliveryTime{24 * 3600};  ///< R145

/// A number below 'bound', all equally likely (>= 1).
using RandomBelow = std::function<std::uint64_t(std::uint64_t bound)>;

/// How long to wait after so many attempts: 5 min, doubled each time, up to 4 h (R146).
std::chrono::seconds backoff(int attempts);

/// When to try again after a temporary failure at 'now': backoff() and up to a quarter of it, so
/// that what failed together does not come back together; not before the server wants it
/// ('retry_after', R163). The last try is at the end of the 24 hours; nothing if these are over.
std::optional<Seconds> next_attempt(Seconds first_attempt, int attempts, Seconds now,
                                    std::chrono::seconds retry_after, const RandomBelow& random);

}  // namespace tlsrpt::sender
