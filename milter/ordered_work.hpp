// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Tasks done by several threads side by side, their results taken in the order of the tasks.

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace tlsrpt::milter {

/// Whoever adds tasks also takes their results, and bounds how many are on their way. A task that
/// throws does so where its result is taken.
template <typename Value>
class OrderedWork {
 public:
  explicit OrderedWork(unsigned threads) {
    for (unsigned i = 0; i < threads; ++i) workers_.emplace_back([this] { work(); });
  }
  OrderedWork(const OrderedWork&) = delete;
  OrderedWork& operator=(const OrderedWork&) = delete;
  /// Tasks that nobody has begun are dropped.
  ~OrderedWork() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
      tasks_.clear();
    }
    more_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  void add(std::size_t bytes, std::function<Value()> task) {
    std::packaged_task<Value()> packaged(std::move(task));
    results_.push_back({packaged.get_future(), bytes});
    bytes_ += bytes;
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(packaged));
    }
    more_.notify_one();
  }

  /// Of what was added and not taken.
  [[nodiscard]] std::size_t count() const { return results_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  /// The result of the oldest task; nothing if it is not there in time.
  std::optional<Value> take(std::chrono::steady_clock::time_point deadline) {
    if (results_.front().value.wait_until(deadline) != std::future_status::ready) return {};
    Value value = results_.front().value.get();
    bytes_ -= results_.front().bytes;
    results_.pop_front();
    return value;
  }

 private:
  struct Pending {
    std::future<Value> value;
    std::size_t bytes = 0;
  };

  void work() {
    for (;;) {
      std::packaged_task<Value()> task;
      {
        std::unique_lock lock(mutex_);
        more_.wait(lock, [this] { return ended_ || !tasks_.empty(); });
        if (ended_) return;
        task = std::move(tasks_.front());
        tasks_.pop_front();
      }
      task();
    }
  }

  std::deque<Pending> results_;
  std::size_t bytes_ = 0;
  std::mutex mutex_;  ///< guards tasks_ and ended_
  std::condition_variable more_;
  std::deque<std::packaged_task<Value()>> tasks_;
  bool ended_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace tlsrpt::milter
