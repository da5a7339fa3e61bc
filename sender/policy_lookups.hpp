// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The policies of many MX hosts at once, for the sessions in a log: a bounded number of threads
// looks them up, and what was found serves the sessions of the next seconds, too. With them comes
// the word of a witness about the certificate of the host, where one is needed.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "sender/certificate_witness.hpp"
#include "sender/policy_finder.hpp"

namespace tlsrpt::sender {

struct PolicyLookupSettings {
  std::size_t max_threads = 32;
  std::size_t max_kept = 20000;                 ///< results that are remembered
  std::chrono::milliseconds keep{15000};        ///< after that the PolicyFinder is asked again
  std::chrono::milliseconds first_pause{1000};  ///< after a failure; then the double of it
  std::chrono::milliseconds patience{60000};    ///< no new try after that, if others succeed
  std::chrono::milliseconds outage{86400000};   ///< none at all after that
  bool witness_testing_only = false;            ///< only policies of mode testing need a witness
};

/// Threads: any number at once.
class PolicyLookups {
 public:
  /// One question, for all that have asked it.
  class Answer;
  using AnswerPtr = std::shared_ptr<Answer>;
  struct Found {
    AppliedPolicies applied;
    std::optional<Verification> certificate;  ///< by the witness, if it was asked and could tell
  };

  /// The others must outlive it. witness: nullptr: there is none.
  explicit PolicyLookups(PolicyFinder& finder, PolicyLookupSettings settings = {},
                         CertificateWitness* witness = nullptr);
  /// Waits for look-ups that have begun; nobody may wait in get() any more.
  ~PolicyLookups();
  PolicyLookups(const PolicyLookups&) = delete;
  PolicyLookups& operator=(const PolicyLookups&) = delete;

  /// Begins the look-up, if nobody else has. address: where a witness looks at the certificate of
  /// the MX host if an MTA-STS policy wants one; empty: no witness is needed.
  AnswerPtr ask(const std::string& domain, const std::string& mx_host, const std::string& address);
  /// Waits for the result, which may take the patience, one look-up more and the witness; or for
  /// the end of an outage, while no look-up succeeds at all. Error temporary: none of the tries
  /// succeeded. Null: the object was told to stop. Valid as long as
  /// the answer is kept.
  const Result<Found>* get(const AnswerPtr& answer);

  /// Ends all waiting.
  void stop();

 private:
  using Time = std::chrono::steady_clock::time_point;

  void start(const AnswerPtr& answer, Time due);
  void work();
  void look_up(std::unique_lock<std::mutex>& lock, const AnswerPtr& answer);
  Result<Found> find(const Answer& answer);
  void forget_old(Time now);

  PolicyFinder& finder_;
  PolicyLookupSettings settings_;
  CertificateWitness* witness_;
  std::mutex mutex_;                 ///< of everything below but the threads
  std::condition_variable arrived_;  ///< for the threads
  std::condition_variable found_;    ///< for those who wait
  std::unordered_map<std::string, AnswerPtr> answers_;
  std::multimap<Time, AnswerPtr> due_;
  Time succeeded_at_{};  ///< the last look-up that did
  std::size_t idle_ = 0;
  bool stopped_ = false;
  std::vector<std::jthread> threads_;
};

class PolicyLookups::Answer {
 public:
  Answer(std::string domain, std::string mx_host, std::string address)
      : domain_(std::move(domain)), mx_host_(std::move(mx_host)), address_(std::move(address)) {}

 private:
  friend class PolicyLookups;
  const std::string domain_;
  const std::string mx_host_;
  const std::string address_;
  // Guarded by the mutex; once done, nothing changes any more.
  bool done_ = false;
  Time asked_{};
  Time done_at_{};
  int tries_ = 0;
  Result<Found> result_ = fail(ErrorCode::temporary, "not looked up yet");
};

}  // namespace tlsrpt::sender
