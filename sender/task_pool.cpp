// SPDX-License-Identifier: BSD-2-Clause
#include "sender/task_pool.hpp"

#include <system_error>
#include <utility>

namespace tlsrpt::sender {

TaskPool::~TaskPool() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    tasks_.clear();
  }
  arrived_.notify_all();
  threads_.clear();
}

bool TaskPool::submit(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  if (ending_ || tasks_.size() >= max_waiting_) return false;
  if (idle_ <= tasks_.size() && threads_.size() < max_threads_) {
    try {
      threads_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      if (threads_.empty()) return false;  // with fewer it takes longer
    }
  }
  tasks_.push_back(std::move(task));
  arrived_.notify_one();
  return true;
}

void TaskPool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    arrived_.wait(lock, [this] { return ending_ || !tasks_.empty(); });
    --idle_;
    if (ending_) return;
    const std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    lock.lock();
  }
}

}  // namespace tlsrpt::sender
