// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What was looked up by name, for as long as it holds. Who asks for a name that is being looked up
// waits for that look-up.

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "common/utc_time.hpp"

namespace tlsrpt::sender {

/// Threads: any number at once.
template <typename Value>
class Remembered {
 public:
  struct Found {
    Value value;
    std::chrono::seconds holds{};  ///< 0: it is for those who wait, and nobody else
  };
  using LookUp = std::function<Found(const std::string& name)>;

  /// What does not hold any more makes room for others; if that is not enough, all does.
  explicit Remembered(std::size_t max_names) : max_names_(max_names) {}

  Value get(const std::string& name, Seconds now, const LookUp& look_up) {
    std::unique_lock lock(mutex_);
    if (const auto found = entries_.find(name); found != entries_.end()) {
      const std::shared_ptr<Entry> entry = found->second;
      if (!entry->done || now < entry->until) {
        changed_.wait(lock, [&] { return entry->done; });
        if (!entry->failed) return *entry->value;
      }
    }
    auto entry = std::make_shared<Entry>();
    make_room(now);
    entries_[name] = entry;
    lock.unlock();
    try {
      Found found = look_up(name);
      lock.lock();
      finish(*entry, std::move(found), now);
    } catch (...) {
      if (!lock) lock.lock();
      entry->failed = entry->done = true;
      changed_.notify_all();
      throw;
    }
    return *entry->value;
  }

 private:
  struct Entry {
    bool done = false;
    bool failed = false;
    Seconds until{};
    std::unique_ptr<Value> value;
  };

  void finish(Entry& entry, Found found, Seconds now) {
    entry.value = std::make_unique<Value>(std::move(found.value));
    entry.until = now + found.holds;
    entry.done = true;
    changed_.notify_all();
  }
  void make_room(Seconds now) {
    if (entries_.size() < max_names_) return;
    std::erase_if(entries_,
                  [&](const auto& item) { return item.second->done && item.second->until <= now; });
    if (entries_.size() < max_names_) return;
    std::erase_if(entries_, [](const auto& item) { return item.second->done; });
  }

  const std::size_t max_names_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<std::string, std::shared_ptr<Entry>> entries_;
};

}  // namespace tlsrpt::sender
