// SPDX-License-Identifier: BSD-2-Clause
#include "sender/lookup_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

namespace tlsrpt::sender {
namespace {

TEST(LookupPool, runs_as_many_at_once_as_it_may) {
  constexpr std::ptrdiff_t kThreads = 8;
  std::latch all(kThreads);
  LookupPool pool(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    pool.submit(fmt::format("{}", i), [&] { all.arrive_and_wait(); });  // hangs with fewer threads
  }
  all.wait();
  EXPECT_TRUE(pool.stop(std::chrono::minutes(1)));
}

TEST(LookupPool, does_each_job_once_and_names_it) {
  constexpr int kJobs = 2000;
  std::atomic<int> done = 0;
  std::size_t named = 0;
  LookupPool pool(4);
  for (int i = 0; i < kJobs; ++i) pool.submit(fmt::format("{}", i), [&] { ++done; });
  while (named < kJobs) {
    named += pool.take_done().size();
    std::this_thread::yield();
  }
  EXPECT_EQ(done, kJobs);
}

TEST(LookupPool, has_one_job_of_a_name_at_a_time) {
  std::latch go(1);
  std::atomic<int> done = 0;
  {
    LookupPool pool(4);
    for (int i = 0; i < 10; ++i) {
      pool.submit("a.example", [&] {
        go.wait();
        ++done;
      });
    }
    go.count_down();
    while (pool.take_done().empty()) std::this_thread::yield();
  }
  EXPECT_EQ(done, 1);
}

TEST(LookupPool, may_end_while_its_threads_start_others) {
  for (int i = 0; i < 200; ++i) {
    LookupPool pool(16);
    for (int j = 0; j < 32; ++j) pool.submit(fmt::format("{}", j), [] {});
  }
}

}  // namespace
}  // namespace tlsrpt::sender
