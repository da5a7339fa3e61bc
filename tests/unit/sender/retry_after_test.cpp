// SPDX-License-Identifier: BSD-2-Clause
#include "sender/retry_after.hpp"

#include <gtest/gtest.h>

namespace tlsrpt::sender {
namespace {

using std::chrono::seconds;

constexpr Seconds kNow{Day{std::chrono::year{2026} / 3 / 1}};

std::optional<seconds> read(std::string_view value) { return read_retry_after(value, kNow); }

TEST(RetryAfter, is_seconds) {
  EXPECT_EQ(read("0"), seconds{0});
  EXPECT_EQ(read(" 120\t"), seconds{120});
}

TEST(RetryAfter, is_a_date) {
  EXPECT_EQ(read("Sun, 01 Mar 2026 01:00:00 GMT"), seconds{3600});
  EXPECT_EQ(read("Sun Mar  1 00:01:00 2026"), seconds{60});
  EXPECT_EQ(read("Sat, 28 Feb 2026 23:00:00 GMT"), seconds{0}) << "that time is over";
}

TEST(RetryAfter, is_a_day_at_most) {
  EXPECT_EQ(read("86401"), kLongestRetryAfter);
  EXPECT_EQ(read("99999999999999999999999999"), kLongestRetryAfter);
  EXPECT_EQ(read("Fri, 31 Dec 9999 23:59:59 GMT"), kLongestRetryAfter);
}

TEST(RetryAfter, that_is_neither_counts_as_none) {
  for (const char* bad : {"", " ", "-1", "+1", "1.5", "10 minutes", "soon", "Sun, 99 Mar 2026"})
    EXPECT_EQ(read(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace tlsrpt::sender
