// SPDX-License-Identifier: BSD-2-Clause
#include "sender/log_checkpoints.hpp"

#include <algorithm>
#include <utility>

namespace tlsrpt::sender {

namespace {

// Lines of several writers are not in the exact order of their times.
constexpr std::chrono::seconds kMargin{120};
constexpr std::chrono::seconds kSeconds{10};
constexpr std::uint64_t kItems = 1000;       // between two, at least
constexpr std::uint64_t kManyItems = 50000;  // in one second of the log
constexpr std::size_t kMost = 4096;
constexpr std::uint64_t kReadAgain = 20000;  // items; some milliseconds

}  // namespace

void LogCheckpoints::begin(std::string place) {
  all_.clear();
  all_.push_back({std::move(place), 0, Seconds::min()});
}

bool LogCheckpoints::wants(std::uint64_t item, Seconds newest) const {
  const LogCheckpoint& last = all_.back();
  const std::uint64_t items = item - last.item;
  if (items >= kManyItems) return true;
  if (items == 0 || newest <= last.newest) return false;
  return items >= kItems || last.newest == Seconds::min() || newest - last.newest >= kSeconds;
}

void LogCheckpoints::note(LogCheckpoint checkpoint) {
  if (all_.size() >= kMost) {
    // Each second one goes: a restart then reads a little more.
    std::deque<LogCheckpoint> half;
    for (std::size_t i = 0; i < all_.size(); i += 2) half.push_back(std::move(all_[i]));
    all_ = std::move(half);
  }
  all_.push_back(std::move(checkpoint));
}

const LogCheckpoint& LogCheckpoints::choose(Seconds oldest_open, Seconds newest,
                                            std::uint64_t items) {
  const Seconds first_needed = std::min(oldest_open, newest);
  const auto is_before = [&](const LogCheckpoint& checkpoint) {
    return checkpoint.item + kReadAgain <= items &&
           (checkpoint.newest == Seconds::min() || checkpoint.newest < first_needed - kMargin);
  };
  while (all_.size() > 1 && is_before(all_[1])) all_.pop_front();
  return all_.front();
}

}  // namespace tlsrpt::sender
