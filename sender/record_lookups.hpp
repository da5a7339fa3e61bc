// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Looks up the TLSRPT records of many domains at once: a bounded number of questions is open at any
// time, and a domain whose name servers do not answer holds up nobody else.

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/unique_fd.hpp"
#include "sender/destinations.hpp"

namespace tlsrpt::sender {

struct RecordQuery {
  std::string domain;
  std::string record_seen_by_mta;
  int earlier_lookups = 0;  ///< that failed
  std::uint64_t tag = 0;    ///< comes back with the answer; the asker knows what it means
};

struct RecordAnswer {
  RecordQuery query;
  Destinations destinations;
  bool cancelled = false;  ///< it was never asked
};

class RecordLookups {
 public:
  /// Threads are started when there is something to ask, and end with the object. 'dns' must
  /// outlive it.
  static Result<std::unique_ptr<RecordLookups>> create(Dns& dns, const RecordSettings& settings);
  ~RecordLookups();
  RecordLookups(const RecordLookups&) = delete;
  RecordLookups& operator=(const RecordLookups&) = delete;

  [[nodiscard]] std::size_t room() const;
  void submit(RecordQuery query);
  /// Answers since the last call, in any order.
  std::vector<RecordAnswer> take_answers();
  /// Queries that were submitted and whose answers were not taken yet.
  [[nodiscard]] std::size_t open() const;
  /// Readable when there are answers. take_answers() clears it.
  [[nodiscard]] int fd() const { return wake_.get(); }
  /// Drops what was not asked yet. Its queries come back as cancelled.
  void cancel();

 private:
  RecordLookups(Dns& dns, const RecordSettings& settings, UniqueFd wake);
  void work();

  Dns& dns_;
  RecordSettings settings_;
  UniqueFd wake_;
  mutable std::mutex mutex_;  ///< of everything below but the threads
  std::condition_variable arrived_;
  std::deque<RecordQuery> queries_;
  std::vector<RecordAnswer> answers_;
  std::size_t open_ = 0;
  std::size_t waiting_threads_ = 0;
  bool ending_ = false;
  std::vector<std::jthread> threads_;
};

/// The answers for all queries, in their order. Empty if stopped.
Result<std::vector<Destinations>> find_all_destinations(Dns& dns, const RecordSettings& settings,
                                                        const std::vector<RecordQuery>& queries,
                                                        const StopRequested& stop);

}  // namespace tlsrpt::sender
