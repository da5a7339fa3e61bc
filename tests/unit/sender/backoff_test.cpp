// SPDX-License-Identifier: BSD-2-Clause
#include "sender/backoff.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tlsrpt::sender {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Seconds kFirst{seconds(1772413200)};
constexpr seconds kNow{0};

std::uint64_t lowest(std::uint64_t) { return 0; }
std::uint64_t highest(std::uint64_t bound) { return bound - 1; }

TEST(Backoff, doubles_from_five_minutes_to_four_hours) {
  const std::vector<seconds> expected = {minutes(5),  minutes(10),  minutes(20), minutes(40),
                                         minutes(80), minutes(160), hours(4),    hours(4)};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(backoff(static_cast<int>(i) + 1), expected[i]) << i + 1;  // R146
  }
  EXPECT_EQ(backoff(1'000'000), hours(4));
}

TEST(Backoff, has_up_to_a_quarter_of_jitter_and_never_shrinks) {
  EXPECT_EQ(next_attempt(kFirst, 1, kFirst, kNow, lowest), kFirst + minutes(5));
  EXPECT_EQ(next_attempt(kFirst, 1, kFirst, kNow, highest), kFirst + seconds(375));
  for (int attempts = 1; attempts < 7; ++attempts) {
    EXPECT_LE(*next_attempt(kFirst, attempts, kFirst, kNow, highest),
              *next_attempt(kFirst, attempts + 1, kFirst, kNow, lowest));
  }
}

TEST(Backoff, the_last_attempt_is_24_hours_after_the_first) {
  const auto next = [](int attempts, Seconds now) {
    return next_attempt(kFirst, attempts, now, kNow, highest);
  };
  EXPECT_EQ(next(11, kFirst + hours(22)), kFirst + hours(24));  // R145
  EXPECT_EQ(next(12, kFirst + hours(24) - seconds(1)), kFirst + hours(24));
  EXPECT_FALSE(next(12, kFirst + hours(24)));
}

TEST(Backoff, waits_as_long_as_the_server_wants_but_not_beyond_the_24_hours) {
  EXPECT_EQ(next_attempt(kFirst, 1, kFirst, hours(2), lowest), kFirst + hours(2));  // R163
  EXPECT_EQ(next_attempt(kFirst, 1, kFirst, seconds(1), lowest), kFirst + minutes(5));
  EXPECT_EQ(next_attempt(kFirst, 1, kFirst, hours(48), lowest), kFirst + hours(24));
}

}  // namespace
}  // namespace tlsrpt::sender
