// SPDX-License-Identifier: BSD-2-Clause
#include "sender/log_checkpoints.hpp"

#include <gtest/gtest.h>

namespace tlsrpt::sender {
namespace {

using std::chrono::seconds;

/// A log with 'per_second' items a second, from second 1000 on, of which a place is noted wherever
/// one is wanted.
LogCheckpoints read_log(std::uint64_t items, std::uint64_t per_second) {
  LogCheckpoints checkpoints;
  checkpoints.begin("0");
  for (std::uint64_t item = 0; item <= items; item += 100) {
    const Seconds time(seconds(1000 + item / per_second));
    if (checkpoints.wants(item, time)) checkpoints.note({std::to_string(item), item, time});
  }
  return checkpoints;
}

TEST(LogCheckpoints, none_lies_behind_the_begin_of_a_session_that_is_open) {
  LogCheckpoints checkpoints = read_log(1'000'000, 1000);  // to second 2000
  const auto chosen = checkpoints.choose(Seconds(seconds(1500)), Seconds(seconds(2000)), 1'000'000);
  EXPECT_LT(chosen.newest, Seconds(seconds(1500)));
  EXPECT_GT(chosen.newest, Seconds(seconds(1300))) << "much is read again";
}

TEST(LogCheckpoints, without_open_sessions_little_is_read_again) {
  LogCheckpoints checkpoints = read_log(1'000'000, 1000);
  const auto chosen = checkpoints.choose(Seconds::max(), Seconds(seconds(2000)), 1'000'000);
  EXPECT_GT(chosen.newest, Seconds(seconds(1800)));
  EXPECT_EQ(chosen.place, std::to_string(chosen.item));
}

TEST(LogCheckpoints, without_any_line_of_an_mta_it_is_the_begin) {
  LogCheckpoints checkpoints;
  checkpoints.begin("here");
  EXPECT_EQ(checkpoints.choose(Seconds::max(), Seconds::min(), 0).place, "here");
}

TEST(LogCheckpoints, lines_of_others_do_not_keep_it_at_the_begin) {
  LogCheckpoints checkpoints;
  checkpoints.begin("0");
  for (std::uint64_t item = 0; item <= 1'000'000; item += 1000) {
    if (checkpoints.wants(item, Seconds::min())) {
      checkpoints.note({std::to_string(item), item, Seconds::min()});
    }
  }
  EXPECT_GT(checkpoints.choose(Seconds::max(), Seconds::min(), 1'000'000).item, 900'000u);
}

TEST(LogCheckpoints, are_bounded_however_long_a_session_is_open) {
  LogCheckpoints checkpoints = read_log(20'000'000, 1000);
  EXPECT_LE(checkpoints.size(), 5000u);
  const auto chosen =
      checkpoints.choose(Seconds(seconds(5000)), Seconds(seconds(21000)), 20'000'000);
  EXPECT_LT(chosen.newest, Seconds(seconds(5000)));
  EXPECT_GT(chosen.newest, Seconds(seconds(4500)));
}

}  // namespace
}  // namespace tlsrpt::sender
