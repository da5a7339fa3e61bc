// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// StsPolicies that remembers: in memory, and in policies.db over restarts.
//
// A policy that is in force is given at once. Whether its record still has the same id is asked in
// the background when the last answer is older than kStsGrace; another id is fetched then, and the
// same one about once a day (R280). Whatever goes wrong on the way leaves the policy in force until
// it expires (R270). Only who asks for a domain about which nothing is known has to wait.

#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>

#include "common/clock.hpp"
#include "common/dns.hpp"
#include "common/log.hpp"
#include "sender/stop_signal.hpp"
#include "sender/sts_cache.hpp"
#include "sender/sts_entry.hpp"
#include "sender/sts_fetcher.hpp"
#include "sender/sts_policies.hpp"
#include "sender/task_pool.hpp"

namespace tlsrpt::sender {

struct StsSettings {
  std::string database;             ///< policies.db; empty: memory only
  std::size_t max_domains = 65536;  ///< in memory; the least recently used are dropped
  std::size_t max_rows = 1u << 20;  ///< in the database, likewise
  std::size_t max_threads = 32;     ///< each looks up or fetches for one domain
  std::size_t max_waiting = 8192;   ///< domains that wait for a thread; further ones are unknown
  bool keeps_fresh = true;          ///< fetches policies again though nobody asks for them
};

/// What the seams are to. All must outlive it.
struct StsParts {
  Dns& dns;
  StsFetcher& fetcher;
  const Clock& clock;
  Log& log;
  const StopSignal& stop;  ///< ends waiting
};

class CachedStsPolicies final : public StsPolicies {
 public:
  CachedStsPolicies(StsSettings settings, const StsParts& parts);
  /// Nobody may be waiting in find() any more, which ends soon after a stop. Waits for look-ups and
  /// fetches that have begun: request the stop first.
  ~CachedStsPolicies() override;

  StsStanding find(const std::string& domain, std::chrono::milliseconds patience) override;

  /// Begins to fetch again what is due, and saves what could not be saved before, at most
  /// kMaxRefreshes of each. Called once a minute by a thread of its own; here for tests.
  void refresh_due();
  static constexpr std::size_t kMaxRefreshes = 64;

 private:
  /// Of one domain. All guarded by mutex_.
  struct Node {
    StsEntry entry;
    std::optional<StsRecord::Verdict> verdict;  ///< of the last check
    Seconds next_check{};
    Seconds saved_use{};   ///< used_at in the database
    bool stored = false;   ///< there is a row
    bool unsaved = false;  ///< the row lacks what was found out last
    bool pending = false;  ///< a check waits or runs
  };
  using NodePtr = std::shared_ptr<Node>;
  using Nodes = std::list<std::pair<std::string, NodePtr>>;  ///< the last used one first

  NodePtr node_of(const std::string& domain);
  static bool is_due(const Node& node, Seconds now);
  void start_check(const std::string& domain, const NodePtr& node);
  void check(const std::string& domain, const NodePtr& node) noexcept;
  void renew(const std::string& domain, Node& node);
  void fetch(const std::string& domain, Node& node, const StsRecord& record,
             std::unique_lock<std::mutex>& lock);
  void log_problem(const std::string& domain, const PolicyProblem& problem, const std::string& id);
  std::vector<std::string> due_in_memory(Seconds now);
  void save_missed();
  void keep();

  const StsSettings settings_;
  StsParts parts_;
  StsCache cache_;
  std::mutex mutex_;
  std::condition_variable changed_;  ///< a check has ended, or the program is to
  Nodes nodes_;
  std::unordered_map<std::string, Nodes::iterator> by_domain_;
  Seconds local_fault_told_{};
  bool stopped_ = false;
  std::unique_ptr<TaskPool> pool_;
  StopSignal wake_;  ///< the keeper's, when the object ends
  std::jthread keeper_;
};

/// The above, for main.
Result<std::unique_ptr<StsPolicies>> make_sts_policies(const StsSettings& settings,
                                                       const StsParts& parts);

}  // namespace tlsrpt::sender
