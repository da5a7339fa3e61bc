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
/// of them writes it for all. Threads: any.
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
  std::vector<Ticket*> next_batch();
  void write_batch(std::unique_lock<std::mutex>& lock);
  ReceivedStore store_;  ///< belongs to the thread that set writing_
  StoreLimits limits_;
  std::chrono::milliseconds patience_;
  std::mutex mutex_;  ///< guards what follows
  std::condition_variable changed_;
  std::deque<Ticket*> waiting_;
  bool writing_ = false;
};

}  // namespace tlsrpt::milter
