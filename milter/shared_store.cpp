// SPDX-License-Identifier: BSD-2-Clause
#include "milter/shared_store.hpp"

#include <algorithm>
#include <exception>

namespace tlsrpt::milter {

namespace {

constexpr std::size_t kMaxBatchItems = 256;
// A commit that another program held up says nothing about the disk.
constexpr std::chrono::microseconds kLongestCommit = std::chrono::milliseconds(50);
constexpr int kGatherPart = 8;
constexpr std::size_t kMaxBatchBytes = 32u << 20;  // so that the write-ahead log stays small

std::size_t bytes_of(const StoreItem& item) {
  std::size_t bytes = 0;
  for (const ReceivedReport& report : item.reports) bytes += report.json.size();
  for (const RefusedInput& input : item.refused) bytes += input.bytes.size();
  return bytes;
}

/// A fault in the middle of a batch must not leave the others waiting for ever.
std::vector<Result<StoredReports>> store_all(ReceivedStore& store,
                                             const std::vector<const StoreItem*>& items,
                                             const StoreLimits& limits) {
  try {
    return store.store_all(items, limits);
  } catch (const std::exception& fault) {
    return {items.size(), fail(ErrorCode::internal, "the store failed: {}", fault.what())};
  }
}

}  // namespace

void SharedStore::gather(std::unique_lock<std::mutex>& lock) {
  const auto deadline = std::chrono::system_clock::now() + last_commit_ / kGatherPart;
  while (waiting_.size() < crowd_) {
    if (arrived_.wait_until(lock, deadline) == std::cv_status::timeout) return;
  }
}

std::vector<SharedStore::Ticket*> SharedStore::next_batch() {
  std::vector<Ticket*> batch;
  std::size_t bytes = 0;
  while (!waiting_.empty() && batch.size() < kMaxBatchItems) {
    bytes += bytes_of(*waiting_.front()->item);
    if (!batch.empty() && bytes > kMaxBatchBytes) break;
    batch.push_back(waiting_.front());
    batch.back()->state = State::taken;
    waiting_.pop_front();
  }
  return batch;
}

void SharedStore::write_batch(std::unique_lock<std::mutex>& lock) {
  writing_ = true;
  gather(lock);
  const std::vector<Ticket*> batch = next_batch();
  std::vector<const StoreItem*> items;
  for (const Ticket* ticket : batch) items.push_back(ticket->item);
  lock.unlock();
  const auto begin = std::chrono::steady_clock::now();
  auto results = store_all(store_, items, limits_);
  const auto end = std::chrono::steady_clock::now();
  lock.lock();
  last_commit_ =
      std::min(kLongestCommit, std::chrono::duration_cast<std::chrono::microseconds>(end - begin));
  crowd_ = std::min(kMaxBatchItems, batch.size() + waiting_.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    batch[i]->result = std::move(results[i]);
    batch[i]->state = State::done;
  }
  writing_ = false;
  changed_.notify_all();
}

Result<StoredReports> SharedStore::store(const StoreItem& item) {
  Ticket ticket{&item, State::waiting, {}};
  // By the system's clock, because helgrind does not see waits by the steady one as locking.
  const auto deadline = std::chrono::system_clock::now() + patience_;
  std::unique_lock lock(mutex_);
  waiting_.push_back(&ticket);
  if (writing_ && waiting_.size() >= crowd_) arrived_.notify_one();
  while (ticket.state != State::done) {
    if (!writing_) {
      write_batch(lock);
    } else if (ticket.state == State::taken) {
      changed_.wait(lock);  // the writer uses the item, and no longer than SQLite waits
    } else if (changed_.wait_until(lock, deadline) == std::cv_status::timeout && writing_ &&
               ticket.state == State::waiting) {
      waiting_.erase(std::find(waiting_.begin(), waiting_.end(), &ticket));
      return fail(ErrorCode::temporary, "the store is held up; too many mails wait for it");
    }
  }
  return std::move(ticket.result);
}

}  // namespace tlsrpt::milter
