// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Writes to the store in a thread of its own, so that a slow disk never keeps the socket waiting.

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/unique_fd.hpp"
#include "sender/bad_outcomes.hpp"
#include "sender/outbound_store.hpp"

namespace tlsrpt::sender {

/// What one flush writes.
struct FlushBatch {
  std::vector<CountedOutcome> outcomes;
  std::map<std::string, std::uint64_t> counters;
  std::vector<BadSample> samples;
  [[nodiscard]] bool empty() const {
    return outcomes.empty() && counters.empty() && samples.empty();
  }
};

struct FlushReport {
  Result<FlushResult> result;
  FlushBatch batch;  ///< what was not written: all of it after a failure, else nothing
};

/// Threads: its functions are called by one thread, that of the collector.
class Flusher {
 public:
  static Result<std::unique_ptr<Flusher>> start(OutboundStore store, const StoreBounds& bounds);
  /// Use start(); 'event' is an eventfd that does not block.
  Flusher(OutboundStore store, const StoreBounds& bounds, UniqueFd event);
  Flusher(const Flusher&) = delete;
  Flusher& operator=(const Flusher&) = delete;

  /// Hands over a batch. Only one is under way at a time: submit again after its report.
  void submit(FlushBatch batch);
  [[nodiscard]] bool busy() const { return busy_; }
  /// Readable when a report can be taken.
  [[nodiscard]] int fd() const { return event_.get(); }
  std::optional<FlushReport> take_report();

 private:
  void run(const std::stop_token& stop);
  FlushReport write(FlushBatch batch);
  Result<FlushResult> add(const FlushBatch& batch);

  OutboundStore store_;
  StoreBounds bounds_;
  UniqueFd event_;
  bool busy_ = false;
  std::mutex mutex_;
  std::condition_variable_any submitted_;
  std::optional<FlushBatch> batch_;    ///< guarded by mutex_
  std::optional<FlushReport> report_;  ///< guarded by mutex_
  std::jthread thread_;                ///< last: stops before the rest goes
};

}  // namespace tlsrpt::sender
