// SPDX-License-Identifier: BSD-2-Clause
#include "sender/retry_after.hpp"

#include <algorithm>
#include <charconv>

#include "common/ascii.hpp"
#include "common/loose_time.hpp"

namespace tlsrpt::sender {

namespace {

using std::chrono::seconds;

std::optional<seconds> read_seconds(std::string_view digits) {
  const bool all_digits = !digits.empty() && std::all_of(digits.begin(), digits.end(), [](char c) {
    return c >= '0' && c <= '9';
  });
  if (!all_digits) return std::nullopt;
  long long count = 0;
  const auto error = std::from_chars(digits.data(), digits.data() + digits.size(), count).ec;
  return error == std::errc{} ? std::min(seconds{count}, kLongestRetryAfter) : kLongestRetryAfter;
}

}  // namespace

std::optional<seconds> read_retry_after(std::string_view value, Seconds now) {
  const std::string_view text = trimmed(value);
  if (const auto count = read_seconds(text)) return count;
  // Takes IMF-fixdate and asctime; RFC 850's two digits for a year have no one meaning.
  const auto date = read_loose_time(text);
  if (!date) return std::nullopt;
  return std::clamp<seconds>(*date - now, seconds{0}, kLongestRetryAfter);
}

}  // namespace tlsrpt::sender
