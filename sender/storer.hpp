// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The thread that gets what was received into the database. A disk that is slow or full, or a
// database that somebody has locked, keeps nobody but this thread waiting.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>

#include "common/clock.hpp"
#include "common/log.hpp"
#include "sender/backlog.hpp"
#include "sender/bad_outcomes.hpp"
#include "sender/journal.hpp"
#include "sender/segment_store.hpp"

namespace tlsrpt::sender {

struct StorerSettings {
  std::chrono::milliseconds flush_interval{1000};
  std::size_t max_backlog_bytes = 96u << 20;  ///< of texts that wait for the database
  SegmentStoreSettings store;
};

/// Totals since start, for the log.
struct CollectorStats {
  std::uint64_t read = 0;
  std::uint64_t counted = 0;
  std::uint64_t bad = 0;
  std::uint64_t dropped = 0;   ///< there was no memory for them
  std::uint64_t overflow = 0;  ///< counted without their domain
  std::uint64_t folded = 0;    ///< failure details, counted by result type only
  std::uint64_t left_to_log = 0;
  std::map<std::string, std::uint64_t> events;  ///< as given to Storer::count
};

class Storer {
 public:
  /// All of them must outlive it.
  Storer(StorerSettings settings, Journal& journal, const Clock& clock, Log& log);

  /// Opens the database. An error that may pass is told and not returned: the journal keeps what
  /// comes meanwhile.
  Result<void> open();

  /// The life of the thread, until it is told to stop.
  void run(const std::stop_token& stop);

  /// Stores what there is. False: something is left, and the log says why.
  bool flush();

  /// After run(): tries for so long. What cannot be stored stays in the journal for the next
  /// collector. False: some of it could not be kept there, either.
  bool finish(std::chrono::milliseconds patience);

  /// Has all been stored that earlier processes had left in the journal? Threads: any.
  [[nodiscard]] bool has_replayed() const { return replayed_; }

  /// One more of a kind of event that has no datagram. Threads: any, as for stats().
  void count(const std::string& name, std::uint64_t events);
  [[nodiscard]] CollectorStats stats() const;

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  void take_segments();
  void take_full_segments();
  bool store_front();
  bool replay_one();
  bool store_extras();
  Extras extras();
  void succeeded(const SegmentResult& result, const Extras& written, SteadyTime begin);
  void failed(const Error& error);
  void log_result(const SegmentResult& result);
  void take_journal_state();

  StorerSettings settings_;
  Journal& journal_;
  const Clock& clock_;
  Log& log_;
  SegmentStore store_;
  Backlog backlog_;
  std::deque<Leftover> leftovers_;
  BadOutcomes bad_;
  bool failing_ = false;
  std::atomic<bool> replayed_ = false;
  SteadyTime written_at_{};
  std::chrono::microseconds last_flush_{0};
  std::chrono::microseconds longest_flush_{0};
  RateLimit failure_limit_{std::chrono::minutes(1)};
  RateLimit memory_limit_{std::chrono::minutes(1)};
  RateLimit journal_limit_{std::chrono::minutes(10)};
  RateLimit key_limit_{std::chrono::minutes(10)};
  RateLimit fold_limit_{std::chrono::minutes(10)};
  mutable std::mutex mutex_;                       ///< guards what follows
  std::map<std::string, std::uint64_t> counters_;  ///< not stored yet
  CollectorStats stats_;
};

}  // namespace tlsrpt::sender
