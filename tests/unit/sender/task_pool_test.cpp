// SPDX-License-Identifier: BSD-2-Clause
#include "sender/task_pool.hpp"

#include <gtest/gtest.h>

#include <latch>

namespace tlsrpt::sender {
namespace {

TEST(TaskPool, runs_as_many_at_once_as_it_may_and_lets_as_many_wait) {
  std::latch both(2);
  std::latch go(1);
  std::latch all(3);
  const auto task = [&] {
    both.count_down();
    go.wait();
    all.count_down();
  };
  TaskPool pool(2, 1);
  ASSERT_TRUE(pool.submit(task));
  while (!pool.submit(task)) std::this_thread::yield();
  both.wait();  // so both have left the queue
  EXPECT_TRUE(pool.submit([&] {
    go.wait();
    all.count_down();
  }));
  EXPECT_FALSE(pool.submit([] {})) << "one waits already";
  go.count_down();
  all.wait();
}

TEST(TaskPool, waits_in_the_end_for_what_was_begun) {
  std::latch begun(1);
  bool finished = false;
  {
    TaskPool pool(1, 10);
    ASSERT_TRUE(pool.submit([&] {
      begun.count_down();
      std::this_thread::yield();
      finished = true;
    }));
    begun.wait();
  }
  EXPECT_TRUE(finished);
}

}  // namespace
}  // namespace tlsrpt::sender
