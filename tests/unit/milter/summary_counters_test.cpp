// SPDX-License-Identifier: BSD-2-Clause
#include "milter/summary_counters.hpp"

#include <gtest/gtest.h>

namespace tlsrpt::milter {
namespace {

TEST(LossCounters, are_no_section_when_nothing_was_lost) {
  EXPECT_EQ(losses_text({}), "");
  EXPECT_EQ(losses_text({{"mails_seen", 7}, {"reports_stored", 7}, {"refused_not-json", 1}}), "");
}

TEST(LossCounters, are_shown_with_their_meaning) {
  EXPECT_EQ(losses_text({{"mails_seen", 1700},
                         {"https_rate_limited", 17},
                         {"put_off_over_limit", 1200},
                         {"https_timeouts", 0}}),
            R"(
NOT TAKEN: what came on these days besides; the log says more
  COUNT  WHAT
  1,200  mails and posts told to come again: sender over MaximumReportsPerDay
     17  posts beyond the HTTPRate of a source: 429
)");
}

TEST(LossCounters, fit_into_a_line_of_a_terminal) {
  for (const LossCounter& loss : loss_counters()) {
    EXPECT_LE(loss.meaning.size(), 70u) << loss.name;
  }
}

}  // namespace
}  // namespace tlsrpt::milter
