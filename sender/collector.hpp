// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The life of opentlsrpt-collector between start and stop: reads the socket, counts, flushes,
// listens to signals.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "common/clock.hpp"
#include "common/daemon.hpp"
#include "common/log.hpp"
#include "common/sysexits.hpp"
#include "sender/bad_outcomes.hpp"
#include "sender/flusher.hpp"
#include "sender/outcome_socket.hpp"
#include "sender/outcome_stream.hpp"
#include "sender/tally.hpp"

namespace tlsrpt::sender {

struct CollectorSettings {
  std::chrono::seconds flush_interval{1};
  std::chrono::seconds stats_interval{3600};
  std::chrono::seconds stop_timeout{20};  ///< for the last flush
  OutcomeLimits limits;
  TallyBounds memory;
  StreamBounds stream;
};

/// Totals since start, for the log.
struct CollectorStats {
  std::uint64_t read = 0;
  std::uint64_t counted = 0;
  std::uint64_t bad = 0;
  std::uint64_t dropped = 0;
  std::uint64_t folded = 0;
};

class Collector {
 public:
  /// All of them must outlive the collector.
  Collector(const CollectorSettings& settings, OutcomeSocket& socket, SignalFd& signals,
            Flusher& flusher, const Clock& clock, Log& log);

  /// Runs until TERM or INT. ok; temporary if outcomes could not be stored in the end.
  Exit run();

  /// Also takes lines from this socket; before run().
  void add_stream(OutcomeSocket socket);

  [[nodiscard]] const CollectorStats& stats() const { return stats_; }

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  [[nodiscard]] SteadyTime next_work() const;
  void wait(SteadyTime until);
  void handle_signals();
  /// False: nothing waits any more.
  bool read_batch();
  void serve_stream();
  void read_one(Day day, std::string_view text, Seconds now);
  void flush_if_due();
  void start_flush();
  void handle_report();
  void handle_failure(FlushReport report);
  void log_result(const FlushResult& result);
  void log_stats();
  void flush_until(SteadyTime end);
  Exit stop();

  CollectorSettings settings_;
  OutcomeSocket& socket_;
  SignalFd& signals_;
  Flusher& flusher_;
  const Clock& clock_;
  Log& log_;

  DatagramBatch batch_;
  std::optional<OutcomeStream> stream_;
  std::vector<pollfd> waiting_;  ///< what was waited for; those of stream_ from kOwnEntries on
  Tally tally_;
  BadOutcomes bad_;
  std::map<std::string, std::uint64_t> counters_;  ///< odd events since the last flush
  FlushBatch unwritten_;                           ///< of a flush that failed
  bool stopping_ = false;
  bool failing_ = false;
  Day day_{};
  SteadyTime next_flush_;
  SteadyTime next_stats_;
  RateLimit failure_limit_{std::chrono::minutes(1)};
  RateLimit memory_limit_{std::chrono::minutes(1)};
  RateLimit domain_limit_{std::chrono::minutes(10)};
  RateLimit fold_limit_{std::chrono::minutes(10)};
  RateLimit stream_limit_{std::chrono::minutes(1)};
  RateLimit socket_limit_{std::chrono::minutes(1)};
  CollectorStats stats_;
  CollectorStats flushed_;  ///< stats_ at the last flush
};

}  // namespace tlsrpt::sender
