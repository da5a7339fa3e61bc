// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// All that following logs needs, built from the configuration: sources, DNS, policies, threads.

#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/dns.hpp"
#include "common/unique_fd.hpp"
#include "sender/cached_sts_policies.hpp"
#include "sender/curl_sts_fetcher.hpp"
#include "sender/live_policy_finder.hpp"
#include "sender/log_follower.hpp"
#include "sender/storer.hpp"

namespace tlsrpt::sender {

struct LogFollowingSettings {
  std::vector<std::string> files;
  bool journal = false;  ///< systemd's
  std::string database;  ///< outbound.db
  LogFollowerSettings follower;
  LiveFinderSettings finder;
  DnsSettings dns;
  StsSettings sts;
  StsFetcherSettings fetcher;
  bool probe = false;      ///< look at certificates where the log does not tell
  std::string trust_file;  ///< for them; empty: the system's authorities

  [[nodiscard]] bool wanted() const { return journal || !files.empty(); }
};

/// Threads: that of the collector.
class LogFollowing {
 public:
  /// Needs a CurlLibrary. The others must outlive it.
  static Result<std::unique_ptr<LogFollowing>> create(const LogFollowingSettings& settings,
                                                      Journal& journal, Storer& storer,
                                                      const Clock& clock, Log& log);
  ~LogFollowing();
  LogFollowing(const LogFollowing&) = delete;
  LogFollowing& operator=(const LogFollowing&) = delete;

  void start();
  /// Waits for the threads: nothing comes from them afterwards.
  void stop();

 private:
  LogFollowing(std::string database, Storer& storer, const Clock& clock, Log& log, StopSignal stop);

  Result<void> build_witness(const LogFollowingSettings& settings);
  Result<void> build(const LogFollowingSettings& settings, Journal& journal);
  Result<void> add(const LogFollowerSettings& settings, std::unique_ptr<LogSource> source,
                   const LogFollowerParts& parts);
  bool is_ready();
  [[nodiscard]] Result<std::optional<LogPosition>> load_position(const std::string& source,
                                                                 const std::string& end) const;

  std::string database_;
  Storer& storer_;
  const Clock& clock_;
  Log& log_;
  StopSignal stop_;
  std::mutex mutex_;  ///< of the lock
  UniqueFd lock_;
  RateLimit lock_limit_{std::chrono::minutes(10)};
  std::unique_ptr<Dns> dns_;
  std::unique_ptr<StsFetcher> fetcher_;
  std::unique_ptr<StsPolicies> sts_;
  std::unique_ptr<LivePolicyFinder> finder_;
  std::unique_ptr<CertificateWitness> witness_;  ///< null: not wanted
  std::unique_ptr<PolicyLookups> lookups_;
  std::vector<std::unique_ptr<LogFollower>> followers_;
  std::vector<std::jthread> threads_;
};

}  // namespace tlsrpt::sender
