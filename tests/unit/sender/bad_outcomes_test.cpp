// SPDX-License-Identifier: BSD-2-Clause
#include "sender/bad_outcomes.hpp"

#include <gtest/gtest.h>

namespace tlsrpt::sender {
namespace {

using namespace std::chrono_literals;

class Lines final : public Log {
 public:
  void write(LogLevel, std::string_view line) override { lines.emplace_back(line); }
  std::vector<std::string> lines;
};

TEST(BadOutcomes, log_one_line_a_minute_for_each_reason_and_count_the_others) {
  Lines log;
  BadOutcomes bad(log);
  for (int second = 0; second < 60; ++second) {
    bad.note(BadOutcome::not_json, 1, "not JSON at byte 1", "junk", Seconds(1000s) + second * 1s);
  }
  bad.note(BadOutcome::empty, 1, "no bytes", "", Seconds(1001s));
  bad.note(BadOutcome::not_json, 1, "not JSON at byte 2", "x\ny", Seconds(1060s));
  ASSERT_EQ(log.lines.size(), 3u);
  EXPECT_EQ(log.lines[0],
            "outcome-bad reason=not-json detail=\"not JSON at byte 1\" bytes=4 suppressed=0");
  EXPECT_EQ(log.lines[1], "outcome-bad reason=empty detail=\"no bytes\" bytes=0 suppressed=0");
  EXPECT_EQ(log.lines[2],
            "outcome-bad reason=not-json detail=\"not JSON at byte 2\" bytes=3 suppressed=59");
}

TEST(BadOutcomes, of_many_at_once_say_that_the_others_are_not_shown) {
  Lines log;
  BadOutcomes bad(log);
  bad.note(BadOutcome::not_json, 7, "x", "y", Seconds(1000s));
  bad.note(BadOutcome::not_json, 2, "x", "y", Seconds(1001s));
  bad.note(BadOutcome::not_json, 1, "x", "y", Seconds(1060s));
  ASSERT_EQ(log.lines.size(), 2u);
  EXPECT_EQ(log.lines[0], "outcome-bad reason=not-json detail=x bytes=1 suppressed=6");
  EXPECT_EQ(log.lines[1], "outcome-bad reason=not-json detail=x bytes=1 suppressed=2");
}

TEST(RateLimit, is_not_silenced_by_a_clock_that_was_set_back) {
  RateLimit limit(60s);
  EXPECT_TRUE(limit.allow(Seconds(1000000s)));
  EXPECT_FALSE(limit.allow(Seconds(1000001s)));
  EXPECT_EQ(limit.take_suppressed(), 1u);
  EXPECT_TRUE(limit.allow(Seconds(5s)));
}

}  // namespace
}  // namespace tlsrpt::sender
