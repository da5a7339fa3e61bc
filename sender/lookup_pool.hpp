// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Threads for what has to wait for DNS and policy hosts. Jobs have names, and of one name there is
// only one at a time.

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace tlsrpt::sender {

/// Threads: one at a time, apart from its own.
class LookupPool {
 public:
  /// One thread is started at once, the others when they are needed, and never by who submits: that
  /// takes milliseconds on a busy machine. Error io: the kernel has no descriptor.
  explicit LookupPool(std::size_t max_threads);
  /// Waits for the jobs that run; forgets the others.
  ~LookupPool();
  LookupPool(const LookupPool&) = delete;
  LookupPool& operator=(const LookupPool&) = delete;

  /// Does nothing if a job of that name waits or runs.
  void submit(const std::string& name, std::function<void()> job);
  /// Readable if take_done() has something.
  [[nodiscard]] int fd() const { return event_.get(); }
  /// Names of the jobs that ended since the last call.
  std::vector<std::string> take_done();
  /// Takes no more jobs. True if those that run have ended in time.
  bool stop(std::chrono::milliseconds patience);

 private:
  struct Job {
    std::string name;
    std::function<void()> work;
  };
  void run();
  void help(std::unique_lock<std::mutex>& lock);

  std::size_t max_threads_;
  UniqueFd event_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable ended_;
  std::deque<Job> waiting_;
  std::unordered_set<std::string> names_;
  std::vector<std::string> done_;
  std::size_t idle_ = 0;
  std::size_t busy_ = 0;
  std::size_t coming_ = 0;   ///< threads that have been started, and are not there yet
  std::size_t started_ = 0;  ///< threads
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace tlsrpt::sender
