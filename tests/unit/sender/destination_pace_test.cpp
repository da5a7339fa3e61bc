// SPDX-License-Identifier: BSD-2-Clause
#include "sender/destination_pace.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace tlsrpt::sender {
namespace {

using std::chrono::seconds;

constexpr Seconds kStart{seconds(1772413200)};

TEST(DestinationPace, bounds_how_many_run_at_the_same_time) {
  DestinationPace pace({2, 0});
  EXPECT_EQ(pace.begin("a.example", kStart), kStart);
  EXPECT_EQ(pace.begin("a.example", kStart), kStart);
  EXPECT_GT(pace.begin("a.example", kStart), kStart);
  EXPECT_EQ(pace.begin("b.example", kStart), kStart) << "others are not concerned";
  pace.end("a.example");
  EXPECT_EQ(pace.begin("a.example", kStart), kStart);
}

TEST(DestinationPace, keeps_the_rate_and_spreads_those_who_wait) {
  DestinationPace pace({1000, 60});
  std::multimap<Seconds, int> waiting;
  for (int i = 0; i < 200; ++i) waiting.emplace(kStart, i);
  std::map<Seconds, int> begun;
  std::map<int, int> asked;
  while (!waiting.empty()) {
    const auto [now, job] = *waiting.begin();
    waiting.erase(waiting.begin());
    ++asked[job];
    const Seconds turn = pace.begin("a.example", now);
    if (turn == now) {
      ++begun[now];
      pace.end("a.example");
    } else {
      waiting.emplace(turn, job);
    }
  }
  EXPECT_LE(begun.begin()->second, 10) << "a burst of ten seconds";
  EXPECT_GE(begun.rbegin()->first - kStart, seconds(180));
  EXPECT_LE(begun.rbegin()->first - kStart, seconds(230));
  const auto most = std::max_element(
      asked.begin(), asked.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  EXPECT_LE(most->second, 4) << "nobody is sent away again and again";
}

TEST(DestinationPace, forgets_hosts_that_are_not_served_any_more) {
  DestinationPace pace({4, 600});
  for (int i = 0; i < 100000; ++i) {
    const std::string host = "h" + std::to_string(i) + ".example";
    const Seconds now = kStart + seconds(i / 1000);
    ASSERT_EQ(pace.begin(host, now), now);
    pace.end(host);
  }
  EXPECT_LT(pace.hosts(), 10000u);
}

TEST(DestinationPace, goes_on_after_the_clock_was_set_back) {
  DestinationPace pace({4, 60});
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(pace.begin("a.example", kStart), kStart);
    pace.end("a.example");
  }
  const Seconds back = kStart - seconds(86400);
  EXPECT_GT(pace.begin("a.example", back), back);
  EXPECT_EQ(pace.begin("a.example", back + seconds(5)), back + seconds(5));
}

}  // namespace
}  // namespace tlsrpt::sender
