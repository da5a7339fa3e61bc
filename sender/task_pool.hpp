// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// A bounded number of threads, started when there is something to do, for tasks that wait for the
// network.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tlsrpt::sender {

/// Threads: any number may submit.
class TaskPool {
 public:
  TaskPool(std::size_t max_threads, std::size_t max_waiting)
      : max_threads_(max_threads), max_waiting_(max_waiting) {}
  /// Tasks that were not begun are dropped; those that were are waited for.
  ~TaskPool();
  TaskPool(const TaskPool&) = delete;
  TaskPool& operator=(const TaskPool&) = delete;

  /// False if too many wait already, or no thread can be started. The task must not throw.
  bool submit(std::function<void()> task);

 private:
  void work();

  const std::size_t max_threads_;
  const std::size_t max_waiting_;
  std::mutex mutex_;  ///< of everything below but the threads' own state
  std::condition_variable arrived_;
  std::deque<std::function<void()>> tasks_;
  std::size_t idle_ = 0;
  bool ending_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace tlsrpt::sender
