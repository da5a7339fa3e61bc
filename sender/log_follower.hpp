// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Follows the log of an MTA that cannot report its sessions, and gets the outcome of each into the
// journal, once. One thread reads and puts lines together, another one waits for policies, judges
// the sessions in the order of the log, and hands them on with the place behind them.
//
// Exactly once: outcomes and that place are in one batch of the journal, later in one transaction
// of the database. Whoever comes after a kill -9 begins where the database says, reads again what
// half-read sessions need, and counts what follows.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/log.hpp"
#include "sender/bad_outcomes.hpp"
#include "sender/journal.hpp"
#include "sender/log_checkpoints.hpp"
#include "sender/log_record.hpp"
#include "sender/log_source.hpp"
#include "sender/mail_log.hpp"
#include "sender/policy_lookups.hpp"
#include "sender/stop_signal.hpp"

namespace tlsrpt::sender {

struct LogFollowerSettings {
  MailLogSettings mail_log;
  bool testing_only = false;          ///< sessions under an MTA-STS policy in mode testing alone
  std::chrono::days keep_days{10};    ///< sessions of earlier days are not counted
  std::size_t batch_sessions = 1024;  ///< that are handed on together
  std::size_t batch_items = 100000;   ///< likewise
  std::size_t batches = 8;            ///< that wait for their policies; then the log waits
  std::chrono::milliseconds position_interval{5000};  ///< when lines bring no sessions
};

/// All but the functions must outlive the follower.
struct LogFollowerParts {
  PolicyLookups& lookups;
  Journal& journal;
  const Clock& clock;
  Log& log;
  /// May the database be asked for the position? Not before all is in it that earlier processes
  /// have left in the journal.
  std::function<bool()> is_ready;
  /// Up to where the source was counted; nothing: it never was, and is from 'end' on, which is kept
  /// at once. From now on no earlier generation counts. An error is tried again.
  std::function<Result<std::optional<LogPosition>>(const std::string& source,
                                                   const std::string& end)>
      load_position;
  /// Events for the counters of the database: "log-lines" ...
  std::function<void(const std::string& name, std::uint64_t events)> count;
};

class LogFollower {
 public:
  static Result<std::unique_ptr<LogFollower>> create(LogFollowerSettings settings,
                                                     std::unique_ptr<LogSource> source,
                                                     LogFollowerParts parts);
  ~LogFollower();
  LogFollower(const LogFollower&) = delete;
  LogFollower& operator=(const LogFollower&) = delete;

  /// The life of its threads, until stop(). What was read by then and not counted is read again by
  /// the next one.
  void run();
  /// And with it the look-ups that all followers share. Threads: any.
  void stop();

 private:
  /// What was read between two places.
  struct Batch {
    std::vector<ObservedSession> sessions;
    std::vector<PolicyLookups::AnswerPtr> policies;  ///< of each
    LogPosition position;
  };
  class Judged;

  LogFollower(LogFollowerSettings settings, std::unique_ptr<LogSource> source,
              LogFollowerParts parts, StopSignal stop);

  void end();
  bool load();
  void go_back_to(const LogPosition& position);
  void add(const LogItem& item, std::vector<ObservedSession>& sessions);
  bool fill(Batch& batch);
  bool hand_on(Batch batch);
  void note_checkpoint();
  void note_counters();
  void judge_all();
  bool judge_patiently(const Batch& batch);
  bool judge(const Batch& batch);
  void judge_session(const ObservedSession& session, const Result<PolicyLookups::Found>& found,
                     Judged& judged);
  void complain(const Error& error);

  LogFollowerSettings settings_;
  std::unique_ptr<LogSource> source_;
  LogFollowerParts parts_;
  StopSignal stop_;

  // Of the reading thread.
  MailLog mail_log_;
  LogCheckpoints checkpoints_;
  std::uint64_t items_ = 0;      ///< since the first checkpoint
  std::uint64_t handed_on_ = 0;  ///< of them
  std::uint64_t generation_ = 0;
  std::uint64_t sequence_ = 0;
  MailLogCounters counted_;
  RateLimit complaint_limit_{std::chrono::minutes(10)};

  std::mutex mutex_;  ///< guards what follows
  std::condition_variable changed_;
  std::deque<Batch> batches_;
  bool stopped_ = false;
};

}  // namespace tlsrpt::sender
