// SPDX-License-Identifier: BSD-2-Clause
#include "milter/rate_limiter.hpp"

#include <gtest/gtest.h>

namespace tlsrpt::milter {
namespace {

using namespace std::chrono_literals;

constexpr Seconds kStart{1'800'000'000s};

int taken_at_once(RateLimiter& limiter, const std::string& source, Seconds now, int tries) {
  int taken = 0;
  for (int i = 0; i < tries; ++i) taken += limiter.take(source, now).count() == 0 ? 1 : 0;
  return taken;
}

TEST(RateLimiter, gives_a_minute_worth_at_once_and_then_says_when_to_come_again) {
  RateLimiter limiter(60);
  EXPECT_EQ(taken_at_once(limiter, "a", kStart, 100), 60);
  EXPECT_EQ(limiter.take("a", kStart), 1s);
  EXPECT_EQ(limiter.take("a", kStart + 1s), 0s);
  EXPECT_EQ(limiter.take("a", kStart + 1s), 1s);
  EXPECT_EQ(taken_at_once(limiter, "a", kStart + 10min, 100), 60)
      << "it saves up no more than that";
  RateLimiter slow(1);
  EXPECT_EQ(slow.take("a", kStart), 0s);
  EXPECT_EQ(slow.take("a", kStart), 60s);
  EXPECT_EQ(slow.take("a", kStart + 30s), 30s);
}

TEST(RateLimiter, a_flood_from_one_source_does_not_concern_another) {  // R182
  RateLimiter limiter(10);
  EXPECT_EQ(taken_at_once(limiter, "a", kStart, 1000), 10);
  EXPECT_EQ(taken_at_once(limiter, "b", kStart, 10), 10);
}

TEST(RateLimiter, has_no_limit_when_it_is_0) {
  RateLimiter limiter(0);
  EXPECT_EQ(taken_at_once(limiter, "a", kStart, 1000), 1000);
  EXPECT_EQ(limiter.sources(), 0u);
}

TEST(RateLimiter, keeps_no_more_sources_than_it_may) {
  RateLimiter limiter(10, 100);
  int served = 0;
  for (int i = 0; i < 100'000; ++i) {
    served += limiter.take(std::to_string(i), kStart).count() == 0 ? 1 : 0;
  }
  EXPECT_EQ(limiter.sources(), 100u);
  EXPECT_EQ(served, 100 + 10) << "newcomers share one bucket";
  EXPECT_EQ(taken_at_once(limiter, "5", kStart, 100), 9) << "who was there first keeps his own";
  // Those that are full again make place.
  EXPECT_EQ(taken_at_once(limiter, "new", kStart + 1min, 100), 10);
  EXPECT_LE(limiter.sources(), 100u);
}

TEST(RateLimiter, survives_a_clock_that_is_set_back) {
  RateLimiter limiter(10);
  EXPECT_EQ(taken_at_once(limiter, "a", kStart, 5), 5);
  EXPECT_EQ(taken_at_once(limiter, "a", kStart - 24h, 100), 5);
  EXPECT_EQ(taken_at_once(limiter, "a", kStart - 24h + 60s, 100), 10);
}

}  // namespace
}  // namespace tlsrpt::milter
