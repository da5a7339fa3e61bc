// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// One store for many threads: how they share its commits instead of waiting for one another's.

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "milter/received_store.hpp"

namespace tlsrpt::milter {

/// A commit waits for the disk, and the disk takes many reports as quickly as one. So whoever comes
/// while a transaction is under way goes into the next one, together with all others who wait; one
/// of them writes it for all. He who writes waits for those who were there a moment ago, but no
/// longer than a small part of what the commit itself takes: else two halves would take turns, and
/// each commit would serve one of them only. Threads: any.
class SharedStore {
 public:
  SharedStore(ReceivedStore store, StoreLimits limits, std::chrono::milliseconds patience)
      : store_(std::move(store)), limits_(limits), patience_(patience) {}

  /// What is in the item is on disk when this returns without error. Nobody waits longer than
  /// 'patience' for his turn: if a disk or another program holds up the store, the senders are told
  /// to come again before their MTAs lose patience with us.
  Result<StoredReports> store(const StoreItem& item);

 private:
  enum class State { waiting, taken, done };
  struct Ticket {
    const StoreItem* item;
    State state = State::waiting;
    Result<StoredReports> result;
  };
  void gather(std::unique_lock<std::mutex>& lock);
  std::vector<Ticket*> next_batch();
  void write_batch(std::unique_lock<std::mutex>& lock);
  ReceivedStore store_;  ///< belongs to the thread that set writing_
  StoreLimits limits_;
  std::chrono::milliseconds patience_;
  std::mutex mutex_;                 ///< guards what follows
  std::condition_variable changed_;  ///< a batch is done
  std::condition_variable arrived_;  ///< for the writer who gathers: the crowd is there
  std::deque<Ticket*> waiting_;
  bool writing_ = false;
  std::size_t crowd_ = 1;  ///< how many were served or waiting when the last batch was done
  std::chrono::microseconds last_commit_{};
};

}  // namespace tlsrpt::milter
