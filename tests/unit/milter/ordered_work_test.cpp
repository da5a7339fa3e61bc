// SPDX-License-Identifier: BSD-2-Clause
#include "milter/ordered_work.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace tlsrpt::milter {
namespace {

using namespace std::chrono_literals;

std::chrono::steady_clock::time_point far() { return std::chrono::steady_clock::now() + 60s; }

TEST(OrderedWork, gives_results_in_the_order_of_the_tasks) {
  OrderedWork<int> work(4);
  std::promise<void> first_may_end;
  work.add(10, [gate = std::make_shared<std::future<void>>(first_may_end.get_future())] {
    gate->wait();
    return 0;
  });
  std::promise<void> second_ended;
  work.add(5, [&] {
    second_ended.set_value();
    return 1;
  });
  second_ended.get_future().wait();
  EXPECT_FALSE(work.take(std::chrono::steady_clock::now()));  // the first is not ready
  EXPECT_EQ(work.count(), 2u);
  EXPECT_EQ(work.bytes(), 15u);
  first_may_end.set_value();
  EXPECT_EQ(work.take(far()), 0);
  EXPECT_EQ(work.take(far()), 1);
  EXPECT_EQ(work.count(), 0u);
  EXPECT_EQ(work.bytes(), 0u);
}

TEST(OrderedWork, ends_with_tasks_that_nobody_took) {
  OrderedWork<int> work(2);
  for (int i = 0; i < 1000; ++i) work.add(1, [i] { return i; });
  EXPECT_EQ(work.take(far()), 0);
}

TEST(OrderedWork, a_task_that_throws_does_so_where_it_is_taken) {
  OrderedWork<int> work(1);
  work.add(1, []() -> int { throw std::runtime_error("task"); });
  EXPECT_THROW(work.take(far()), std::runtime_error);
}

}  // namespace
}  // namespace tlsrpt::milter
