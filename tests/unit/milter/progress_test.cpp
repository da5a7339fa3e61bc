// SPDX-License-Identifier: BSD-2-Clause
#include "milter/progress.hpp"

#include <gtest/gtest.h>

namespace tlsrpt::milter {
namespace {

using namespace std::chrono_literals;

ProgressFacts half() {
  ProgressFacts facts;
  facts.files = 2000;
  facts.files_done = 1100;
  facts.bytes = 1000;
  facts.bytes_done = 500;
  facts.fresh = 1080;
  facts.duplicates = 15;
  facts.refused = 5;
  facts.elapsed = 61s;
  return facts;
}

TEST(Progress, tells_what_is_done_what_came_of_it_and_how_long_it_will_take) {
  EXPECT_EQ(progress_line(half(), 200),
            " 50 %  1,100 of 2,000 files  1:01 left  1,080 new, 15 duplicate, 5 refused"
            "  [##########..........]");
}

TEST(Progress, never_exceeds_the_width_and_drops_the_bar_first) {
  EXPECT_EQ(progress_line(half(), 80),
            " 50 %  1,100 of 2,000 files  1:01 left  1,080 new, 15 duplicate, 5 refused");
  for (std::size_t width = 0; width < 120; ++width) {
    EXPECT_LE(progress_line(half(), width).size(), width);
  }
}

TEST(Progress, without_known_sizes_counts_files_and_never_passes_the_end) {
  ProgressFacts facts;
  EXPECT_EQ(progress_line(facts, 40), "  0 %  0 of 0 files");
  facts.files = 1;
  EXPECT_EQ(progress_line(facts, 40), "  0 %  0 of 1 file");
  facts = half();
  facts.bytes_done = 4000;  // a file that grew
  EXPECT_TRUE(progress_line(facts, 40).starts_with("100 %"));
  facts.bytes = 0;
  EXPECT_TRUE(progress_line(facts, 40).starts_with(" 55 %"));
}

TEST(Progress, closes_with_one_line) {
  ProgressFacts facts = half();
  facts.files_done = 1;
  facts.elapsed = 3725s;
  EXPECT_EQ(closing_line(facts), "1 file: 1,080 new, 15 duplicate, 5 refused, in 1:02:05");
}

}  // namespace
}  // namespace tlsrpt::milter
