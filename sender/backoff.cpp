// SPDX-License-Identifier: BSD-2-Clause
#include "sender/backoff.hpp"

#include <algorithm>

namespace tlsrpt::sender {

namespace {

constexpr int kJitterPart = 4;

}  // namespace

std::chrono::seconds backoff(int attempts) {
  std::chrono::seconds wait = kFirstRetry;
  for (int i = 1; i < attempts && wait < kLongestRetry; ++i) wait *= 2;
  return std::min(wait, kLongestRetry);
}

std::optional<Seconds> next_attempt(Seconds first_attempt, int attempts, Seconds now,
                                    std::chrono::seconds retry_after, const RandomBelow& random) {
  const Seconds end = first_attempt + kDeliveryTime;
  if (now >= end) return std::nullopt;
  const auto wait = backoff(attempts);
  const auto jitter = random(static_cast<std::uint64_t>(wait.count()) / kJitterPart + 1);
  return std::min(now + std::max(wait + std::chrono::seconds(jitter), retry_after), end);
}

}  // namespace tlsrpt::sender
