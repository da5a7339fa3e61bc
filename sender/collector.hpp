// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The life of opentlsrpt-collector between start and stop: one thread empties the datagram sockets,
// one stores what they brought, and this one serves the streams and listens to signals.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/daemon.hpp"
#include "common/log.hpp"
#include "common/sysexits.hpp"
#include "sender/bad_outcomes.hpp"
#include "sender/journal.hpp"
#include "sender/log_following.hpp"
#include "sender/outcome_socket.hpp"
#include "sender/outcome_stream.hpp"
#include "sender/receiver.hpp"
#include "sender/storer.hpp"

namespace tlsrpt::sender {

struct CollectorSettings {
  std::chrono::seconds stats_interval{3600};
  std::chrono::seconds stop_timeout{10};  ///< for the last flush
  JournalSettings journal;
  StorerSettings storer;
  StreamBounds stream;
  LogFollowingSettings logs;
};

class Collector {
 public:
  /// The sockets may be of both kinds. All of the others must outlive the collector.
  Collector(const CollectorSettings& settings, std::vector<OutcomeSocket> sockets,
            SignalFd& signals, Journal& journal, Storer& storer, const Clock& clock, Log& log);

  /// Logs that are to be followed meanwhile; it must outlive the collector.
  void follow(LogFollowing& logs) { logs_ = &logs; }

  /// Runs until TERM or INT. ok; temporary if outcomes had to be left to the next collector, or
  /// were lost.
  Exit run();

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  [[nodiscard]] SteadyTime next_work() const;
  void wait();
  void handle_signals();
  void serve_streams();
  void append(std::string_view line);
  void log_stats();
  Exit stop(Receiver& receiver);

  CollectorSettings settings_;
  std::vector<OutcomeSocket> datagrams_;
  std::vector<OutcomeStream> streams_;
  SignalFd& signals_;
  Journal& journal_;
  Storer& storer_;
  const Clock& clock_;
  Log& log_;
  LogFollowing* logs_ = nullptr;

  std::vector<std::vector<pollfd>> waiting_;  ///< the entries of each stream
  bool stopping_ = false;
  SteadyTime next_stats_;
  RateLimit stream_limit_{std::chrono::minutes(1)};
  RateLimit socket_limit_{std::chrono::minutes(1)};
};

}  // namespace tlsrpt::sender
