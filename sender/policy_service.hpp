// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Answers MTAs that ask for policies (socketmap): one thread serves all connections and answers at
// once what is known; what is not, a bounded pool of threads finds out.

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/clock.hpp"
#include "common/daemon.hpp"
#include "common/log.hpp"
#include "common/sysexits.hpp"
#include "common/unique_fd.hpp"
#include "sender/bad_outcomes.hpp"
#include "sender/lookup_pool.hpp"
#include "sender/outcome_sender.hpp"
#include "sender/policy_answer.hpp"
#include "sender/policy_connection.hpp"
#include "sender/policy_knowledge.hpp"
#include "sender/stop_signal.hpp"

namespace tlsrpt::sender {

struct PolicyServiceSettings {
  std::size_t connections = 512;  ///< further ones wait in the kernel
  std::size_t threads = 64;
  std::chrono::milliseconds patience{20000};       ///< PolicyTimeout
  std::chrono::milliseconds known_patience{2000};  ///< where a policy is remembered
  std::chrono::milliseconds grace{1000};           ///< what a look-up may be late
  std::chrono::seconds idle_timeout{300};          ///< between questions
  std::chrono::seconds io_timeout{10};             ///< for the rest of a question, or of an answer
  std::chrono::seconds stats_interval{3600};
  std::chrono::seconds resolver_interval{600};   ///< between checks whether it validates
  std::chrono::milliseconds stop_timeout{5000};  ///< for the answers that are still owed
  AnswerSettings answers;
  bool dane = true;
  bool log_why = false;
};

struct PolicyStats {
  std::uint64_t connections = 0;
  std::uint64_t questions = 0;
  std::uint64_t at_once = 0;               ///< answered without a look-up
  std::array<std::uint64_t, 7> answers{};  ///< by AnswerKind
  std::uint64_t recorded = 0;
  std::uint64_t not_recorded = 0;
  std::uint64_t malformed = 0;
  std::uint64_t timeouts = 0;
};

class PolicyService {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// listeners: listening stream sockets that do not block. All of the others must outlive it; the
  /// pool is stopped by run(), and so is all that looks at 'stop'.
  PolicyService(const PolicyServiceSettings& settings, std::vector<int> listeners,
                PolicyKnowledge& knowledge, LookupPool& pool, Dns& dns, OutcomeSender outcomes,
                SignalFd& signals, StopSignal& stop, const Clock& clock, Log& log);

  /// Until TERM or INT. temporary: a look-up still runs, so the pool must not be waited for.
  Exit run();

  [[nodiscard]] const PolicyStats& stats() const { return stats_; }

 private:
  using Id = std::uint64_t;

  void watch(int fd, Id id, unsigned events, int operation);
  void handle(Id id, unsigned events, Time now);
  void handle_signals();
  void accept_waiting(int listener, Time now);
  void stop_accepting();
  void serve(Id id, PolicyConnection& connection, Time now);
  void ask(Id id, PolicyConnection& connection, const SocketmapRequest& request, Time now);
  void finish(PolicyConnection& connection, std::string_view map, const std::string& domain,
              const DomainKnowledge& known);
  void answer_remembered(PolicyConnection& connection, const PendingQuestion& question);
  [[nodiscard]] std::optional<DomainKnowledge> remembered(const std::string& domain) const;
  void count(std::string_view map, const std::string& domain, const PolicyAnswer& answer);
  void record(const Outcome& outcome);
  void take_done(Time now);
  void settle(Id id, PolicyConnection& connection);
  void close(Id id);
  void sweep(Time now);
  void check_resolver();
  void log_stats();
  [[nodiscard]] int wait_time(Time now) const;
  Exit stop();

  PolicyServiceSettings settings_;
  std::vector<int> listeners_;
  PolicyKnowledge& knowledge_;
  LookupPool& pool_;
  Dns& dns_;
  OutcomeSender outcomes_;
  SignalFd& signals_;
  StopSignal& stop_;
  const Clock& clock_;
  Log& log_;

  UniqueFd epoll_;
  std::unordered_map<Id, std::unique_ptr<PolicyConnection>> connections_;
  std::unordered_multimap<std::string, Id> waiting_;  ///< by domain
  Id next_id_;
  std::atomic<bool> resolver_validates_ = true;
  bool accepting_ = true;
  bool stopping_ = false;
  Time next_sweep_{};
  Time next_stats_{};
  Time next_resolver_check_{};
  PolicyStats stats_;
  RateLimit record_limit_{std::chrono::minutes(1)};
  RateLimit fault_limit_{std::chrono::minutes(1)};
  RateLimit accept_limit_{std::chrono::minutes(1)};
};

}  // namespace tlsrpt::sender
