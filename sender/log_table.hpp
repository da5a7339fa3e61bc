// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What is remembered for each process (or message) that logs, bounded in number and in time.

#include <chrono>
#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "common/utc_time.hpp"

namespace tlsrpt::sender {

/// Entries in the order in which they were last asked for. Times may go back, as clocks do; then
/// entries stay longer.
template <typename State>
class LogTable {
 public:
  LogTable(std::size_t max_entries, std::chrono::seconds max_age)
      : max_entries_(max_entries), max_age_(max_age) {}

  /// The entry of that key, a new one if need be. Entries beyond the limits leave through
  /// drop(State&, bool evicted) first; evicted: it was not its age.
  template <typename Drop>
  State& get(std::string_view key, Seconds at, const Drop& drop) {
    const auto found = index_.find(key);
    if (found != index_.end()) {
      entries_.splice(entries_.begin(), entries_, found->second);
      found->second->seen = at;
      expire(at, drop);
      return entries_.front().state;
    }
    if (entries_.size() >= max_entries_) drop_last(true, drop);
    entries_.push_front({std::string(key), at, State{}});
    index_.emplace(entries_.front().key, entries_.begin());
    expire(at, drop);
    return entries_.front().state;
  }

  /// nullptr: there is none.
  State* find(std::string_view key) {
    const auto found = index_.find(key);
    return found == index_.end() ? nullptr : &found->second->state;
  }

  void erase(std::string_view key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return;
    const auto entry = found->second;
    index_.erase(found);
    entries_.erase(entry);
  }

  template <typename Visit>
  void for_each(const Visit& visit) const {
    for (const Entry& entry : entries_) visit(entry.state);
  }

 private:
  struct Entry {
    std::string key;
    Seconds seen{};
    State state;
  };

  template <typename Drop>
  void drop_last(bool evicted, const Drop& drop) {
    drop(entries_.back().state, evicted);
    index_.erase(std::string_view(entries_.back().key));
    entries_.pop_back();
  }

  /// The newest always stays.
  template <typename Drop>
  void expire(Seconds at, const Drop& drop) {
    while (entries_.size() > 1 && at - entries_.back().seen > max_age_) drop_last(false, drop);
  }

  std::size_t max_entries_;
  std::chrono::seconds max_age_;
  std::list<Entry> entries_;
  std::unordered_map<std::string_view, typename std::list<Entry>::iterator> index_;
};

}  // namespace tlsrpt::sender
