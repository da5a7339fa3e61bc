// SPDX-License-Identifier: BSD-2-Clause
#include "sender/lookup_pool.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <exception>
#include <system_error>
#include <utility>

namespace tlsrpt::sender {

LookupPool::LookupPool(std::size_t max_threads)
    : max_threads_(max_threads), event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  std::unique_lock lock(mutex_);
  help(lock);
}

LookupPool::~LookupPool() {
  stop(std::chrono::milliseconds(0));
  std::unique_lock lock(mutex_);
  while (!threads_.empty()) {  // the last one may still start another
    std::thread thread = std::move(threads_.back());
    threads_.pop_back();
    lock.unlock();
    thread.join();
    lock.lock();
  }
}

void LookupPool::submit(const std::string& name, std::function<void()> job) {
  std::unique_lock lock(mutex_);
  if (stopping_ || !names_.insert(name).second) return;
  waiting_.push_back({name, std::move(job)});
  wake_.notify_one();
  // Only if there was no memory for one before; without any, whoever waits is told in time.
  if (started_ == 0) help(lock);
}

/// Starts a thread, if there is none that waits or comes beside those for the jobs that wait. Each
/// thread that is about to be busy does so, which is why one at a time is enough.
void LookupPool::help(std::unique_lock<std::mutex>& lock) {
  if (idle_ + coming_ > waiting_.size() || started_ >= max_threads_) return;
  ++coming_;
  ++started_;
  lock.unlock();
  std::thread thread;
  try {
    thread = std::thread([this] { run(); });
  } catch (const std::system_error&) {
    // The threads that there are do it later.
  }
  lock.lock();
  if (thread.joinable()) {
    threads_.push_back(std::move(thread));
  } else {
    --coming_;
    --started_;
  }
}

std::vector<std::string> LookupPool::take_done() {
  const std::lock_guard lock(mutex_);
  std::uint64_t count = 0;
  if (::read(event_.get(), &count, sizeof count) < 0) return {};
  return std::exchange(done_, {});
}

bool LookupPool::stop(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  waiting_.clear();
  wake_.notify_all();
  return ended_.wait_for(lock, patience, [this] { return busy_ == 0; });
}

void LookupPool::run() {
  std::unique_lock lock(mutex_);
  --coming_;
  for (;;) {
    ++idle_;
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    --idle_;
    if (stopping_) return;
    Job job = std::move(waiting_.front());
    waiting_.pop_front();
    ++busy_;
    help(lock);
    lock.unlock();
    try {
      job.work();
    } catch (const std::exception&) {
      // Nothing was found out, and that is what the one who waits will see.
    }
    job.work = nullptr;
    lock.lock();
    --busy_;
    names_.erase(job.name);
    done_.push_back(std::move(job.name));
    const std::uint64_t one = 1;
    if (::write(event_.get(), &one, sizeof one) < 0) {
      // Only if it is readable in any case.
    }
    ended_.notify_all();
  }
}

}  // namespace tlsrpt::sender
