// SPDX-License-Identifier: BSD-2-Clause
#include "sender/progress.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tlsrpt::sender {
namespace {

using namespace std::chrono_literals;

TEST(Progress, a_line_says_count_share_rate_and_time_left) {
  EXPECT_EQ(progress_line("sending", 1200, 5000, 4s, 90),
            "sending: 1200 of 5000  24%  [#######.......................]  300/s  0:12 left");
  EXPECT_EQ(progress_line("sending", 1, 8000, 2s, 90),
            "sending: 1 of 8000  0%  [..............................]  0.5/s  4:26:38 left");
}

TEST(Progress, what_has_no_room_is_left_out) {
  EXPECT_EQ(progress_line("sending", 1200, 5000, 4s, 60),
            "sending: 1200 of 5000  24%  300/s  0:12 left");
  EXPECT_EQ(progress_line("sending", 1200, 5000, 4s, 30), "sending: 1200 of 5000  24%");
  EXPECT_EQ(progress_line("sending", 1200, 5000, 4s, 13), "sending: 1200");
}

TEST(Progress, odd_numbers_do_no_harm) {
  EXPECT_EQ(progress_line("sending", 0, 0, 0s, 30), "sending: 0 of 1  0%");
  EXPECT_EQ(progress_line("sending", 9, 3, 0s, 30), "sending: 3 of 3  100%");
}

struct Screen {
  std::vector<std::string> written;
  Progress::Time now{};
  Progress progress{{[this](std::string_view text) { written.emplace_back(text); },
                     [] { return std::size_t{22}; }, [this] { return now; }}};
};

TEST(Progress, draws_ten_times_a_second_at_most) {
  Screen screen;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    screen.now += 1ms;
    screen.progress.update("go", i, 1000);
  }
  EXPECT_EQ(screen.written.size(), 10u);
  EXPECT_EQ(screen.written[0], "\r\x1b[Kgo: 0 of 1000  0%");
}

TEST(Progress, another_work_is_shown_at_once_and_timed_anew) {
  Screen screen;
  screen.progress.update("one", 1, 2);
  screen.progress.update("two", 1, 2);
  ASSERT_EQ(screen.written.size(), 2u);
  EXPECT_EQ(screen.written[1], "\r\x1b[Ktwo: 1 of 2  50%");
}

TEST(Progress, gives_way_to_other_lines_and_is_erased_at_the_end) {
  Screen screen;
  screen.progress.update("go", 1, 2);
  screen.progress.hide();
  screen.progress.hide();
  EXPECT_EQ(screen.written.size(), 2u);
  screen.progress.update("go", 2, 2);
  screen.progress.finish();
  EXPECT_EQ(screen.written.size(), 4u);
  EXPECT_EQ(screen.written.back(), "\r\x1b[K");
  screen.progress.update("go", 2, 2);
  screen.progress.finish();
  EXPECT_EQ(screen.written.size(), 4u);
}

TEST(Progress, without_a_screen_nothing_happens) {
  Progress progress{Progress::Screen{}};
  progress.update("go", 1, 2);
  progress.finish();
}

}  // namespace
}  // namespace tlsrpt::sender
