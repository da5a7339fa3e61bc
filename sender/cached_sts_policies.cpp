// SPDX-License-Identifier: BSD-2-Clause
#include "sender/cached_sts_policies.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <utility>

namespace tlsrpt::sender {

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr int kKeeperMs = 60 * 1000;
constexpr int kPurgesEvery = 60;     // of the keeper's rounds: each hour
constexpr hours kUseSavedEvery{24};  // a write to the database for each would be too many
constexpr hours kMaxAhead{2};        // a check that is later was planned by a wrong clock
constexpr std::chrono::seconds kLocalFaultEvery{60};

/// What another program has written since is taken over, so that it is not fetched twice.
void adopt(StsEntry& entry, const StsEntry& stored) {
  if (stored.policy && stored.fetched_at > entry.fetched_at) {
    entry.policy = stored.policy;
    entry.id = stored.id;
    entry.fetched_at = stored.fetched_at;
    entry.expires_at = stored.expires_at;
    entry.refresh_at = stored.refresh_at;
  }
  if (stored.checked_at > entry.checked_at) {
    entry.problem = stored.problem;
    entry.problem_id = stored.problem_id;
    entry.problem_at = stored.problem_at;
    entry.checked_at = stored.checked_at;
  }
}

bool has_told(const std::optional<PolicyProblem>& earlier, const PolicyProblem& problem) {
  return earlier && earlier->result_type == problem.result_type &&
         earlier->reason_code == problem.reason_code;
}

}  // namespace

CachedStsPolicies::CachedStsPolicies(StsSettings settings, const StsParts& parts)
    : settings_(std::move(settings)),
      parts_(parts),
      cache_(settings_.database, settings_.max_rows, parts.clock, parts.log),
      pool_(std::make_unique<TaskPool>(settings_.max_threads, settings_.max_waiting)),
      wake_(StopSignal::create().value()),
      keeper_([this] { keep(); }) {}

CachedStsPolicies::~CachedStsPolicies() {
  wake_.request();
  keeper_.join();
  pool_.reset();  // its tasks use the rest
}

StsStanding CachedStsPolicies::find(const std::string& domain, milliseconds patience) {
  std::unique_lock lock(mutex_, std::defer_lock);
  const NodePtr node = node_of(domain);
  lock.lock();
  const Seconds now = parts_.clock.now();
  node->entry.used_at = now;
  const bool due = is_due(*node, now);
  if (due && !node->pending) start_check(domain, node);
  const StsStanding known = standing_of(node->entry, node->verdict, now);
  if (known.policy || known.problem || !due) return known;
  changed_.wait_for(lock, patience, [&] { return !node->pending || stopped_; });
  const Seconds then = parts_.clock.now();
  const bool answered = !is_due(*node, then);
  return standing_of(node->entry, answered ? node->verdict : std::nullopt, then);
}

void CachedStsPolicies::refresh_due() {
  save_missed();
  const Seconds now = parts_.clock.now();
  auto domains = cache_.due(now, kMaxRefreshes);
  if (!domains) domains = due_in_memory(now);
  for (const std::string& domain : *domains) {
    const NodePtr node = node_of(domain);
    const std::lock_guard lock(mutex_);
    if (!node->pending) start_check(domain, node);
  }
}

/// From memory, else from the database, which is asked without holding up others.
CachedStsPolicies::NodePtr CachedStsPolicies::node_of(const std::string& domain) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = by_domain_.find(domain); found != by_domain_.end()) {
      nodes_.splice(nodes_.begin(), nodes_, found->second);
      return found->second->second;
    }
  }
  const auto node = std::make_shared<Node>();
  if (auto stored = cache_.load(domain)) {
    node->entry = std::move(*stored);
    node->saved_use = node->entry.used_at;
    node->stored = true;
    if (in_force(node->entry, parts_.clock.now())) {
      node->next_check = node->entry.checked_at + kStsGrace;
    } else if (!node->entry.problem_id.empty()) {
      node->verdict = StsRecord::Verdict::announced;  // or it would not have been fetched
    }
  }
  const std::lock_guard lock(mutex_);
  const auto [place, is_new] = by_domain_.try_emplace(domain, nodes_.end());
  if (!is_new) return place->second->second;  // another thread was quicker
  nodes_.emplace_front(domain, node);
  place->second = nodes_.begin();
  if (nodes_.size() > settings_.max_domains) {
    by_domain_.erase(nodes_.back().first);
    nodes_.pop_back();  // whoever waits for it has it still
  }
  return node;
}

bool CachedStsPolicies::is_due(const Node& node, Seconds now) {
  return now >= node.next_check || node.next_check > now + kMaxAhead;
}

void CachedStsPolicies::start_check(const std::string& domain, const NodePtr& node) {
  if (stopped_) return;
  node->pending = pool_->submit([this, domain, node] { check(domain, node); });
}

void CachedStsPolicies::check(const std::string& domain, const NodePtr& node) noexcept {
  try {
    renew(domain, *node);
  } catch (const std::exception& e) {  // no memory: the next one who asks tries again
    parts_.log.error(LogLine("sts-check-failed").add("domain", domain).add("detail", e.what()));
    const std::lock_guard lock(mutex_);
    node->pending = false;
    changed_.notify_all();
  }
}

void CachedStsPolicies::renew(const std::string& domain, Node& node) {
  const StsRecord record = find_sts_record(parts_.dns, domain);
  const auto stored = cache_.load(domain);
  const bool blind = !stored && !cache_.can_read();
  std::unique_lock lock(mutex_);
  if (stored) adopt(node.entry, *stored);
  StsEntry& entry = node.entry;
  const Seconds now = parts_.clock.now();
  const Seconds fetched_before = entry.fetched_at;
  const std::optional<PolicyProblem> problem_before = entry.problem;
  node.verdict = record.verdict;
  const bool announced = record.verdict == StsRecord::Verdict::announced;
  if (announced && wants_fetch(entry, record.id, now) && !backs_off(entry, record.id, now)) {
    fetch(domain, node, record, lock);
  } else {
    take_record(entry, record, now);
    node.next_check = next_check(entry, record, now);
    if (!announced && entry.problem && !has_told(problem_before, *entry.problem))
      log_problem(domain, *entry.problem, entry.id);
  }
  const StsEntry snapshot = entry;
  const bool tried = snapshot.problem_at >= now && !snapshot.problem_id.empty();
  const bool changed =
      tried || snapshot.fetched_at != fetched_before || snapshot.problem != problem_before;
  const bool worth = snapshot.policy != nullptr || snapshot.problem || node.stored;
  // There may be a policy in the database that nobody could see.
  if (blind) node.next_check = std::min(node.next_check, now + kStsGrace);
  const bool save =
      worth && (changed || node.unsaved || snapshot.used_at >= node.saved_use + kUseSavedEvery);
  if (save) {
    node.saved_use = snapshot.used_at;
    node.stored = true;
  }
  node.pending = false;
  lock.unlock();
  changed_.notify_all();  // nobody has to wait for the disk
  if (!save) return;
  const bool saved = cache_.save(domain, snapshot);
  lock.lock();
  node.unsaved = !saved;
}

/// The lock is let go of meanwhile.
void CachedStsPolicies::fetch(const std::string& domain, Node& node, const StsRecord& record,
                              std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  auto policy = parts_.fetcher.fetch(domain);
  lock.lock();
  const Seconds now = parts_.clock.now();
  StsRecord verdict = record;
  if (policy) {
    const bool is_new = node.entry.id != record.id || !node.entry.policy ||
                        node.entry.policy->lines != policy->lines;
    const LogLine line = LogLine("sts-policy-fetched")
                             .add("domain", domain)
                             .add("id", record.id)
                             .add("mode", to_word(policy->mode))
                             .add("max_age", std::int64_t{policy->max_age.count()});
    take_policy(node.entry, domain, record.id, std::move(*policy), now);
    is_new ? parts_.log.notice(line) : parts_.log.debug(line);
  } else if (policy.error().result_type.empty()) {
    verdict.verdict = StsRecord::Verdict::failed;  // nothing is known
    if (now >= local_fault_told_ + kLocalFaultEvery && !stopped_) {
      local_fault_told_ = now;
      parts_.log.warning(LogLine("sts-fetch-impossible")
                             .add("domain", domain)
                             .add("reason", policy.error().reason_code)
                             .add("detail", policy.error().detail));
    }
  } else {
    log_problem(domain, policy.error(), record.id);
    take_failure(node.entry, record.id, std::move(policy.error()), now);
  }
  node.verdict = verdict.verdict;
  node.next_check = next_check(node.entry, verdict, now);
}

void CachedStsPolicies::log_problem(const std::string& domain, const PolicyProblem& problem,
                                    const std::string& id) {
  parts_.log.notice(LogLine("sts-policy-problem")
                        .add("domain", domain)
                        .add("result_type", problem.result_type)
                        .add("reason", problem.reason_code)
                        .add("id", id)
                        .add("detail", problem.detail));
}

/// As StsCache::due.
std::vector<std::string> CachedStsPolicies::due_in_memory(Seconds now) {
  std::vector<std::string> domains;
  const std::lock_guard lock(mutex_);
  for (const auto& [domain, node] : nodes_) {
    const StsEntry& entry = node->entry;
    if (!in_force(entry, now) || entry.refresh_at > now) continue;
    if (entry.problem && entry.problem_at > now - kStsProblemAge) continue;
    domains.push_back(domain);
    if (domains.size() == kMaxRefreshes) break;
  }
  return domains;
}

/// A policy that is only in memory is lost with the program, and with it the protection.
void CachedStsPolicies::save_missed() {
  std::vector<std::pair<std::string, NodePtr>> missed;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& item : nodes_) {
      if (item.second->unsaved && !item.second->pending) missed.push_back(item);
      if (missed.size() == kMaxRefreshes) break;
    }
  }
  for (const auto& [domain, node] : missed) {
    std::unique_lock lock(mutex_);
    const StsEntry snapshot = node->entry;
    lock.unlock();
    if (!cache_.save(domain, snapshot)) return;
    lock.lock();
    // A check that has ended meanwhile has saved its own, or says so itself.
    node->unsaved = node->unsaved && node->entry.checked_at != snapshot.checked_at;
  }
}

void CachedStsPolicies::keep() {
  std::array<pollfd, 2> watched = {{{parts_.stop.fd(), POLLIN, 0}, {wake_.fd(), POLLIN, 0}}};
  for (int round = 0; ::poll(watched.data(), watched.size(), kKeeperMs) <= 0; ++round) {
    try {
      if (settings_.keeps_fresh) refresh_due();
      if (round % kPurgesEvery == 0) cache_.purge(parts_.clock.now());
    } catch (const std::exception& e) {
      parts_.log.error(LogLine("sts-check-failed").add("detail", e.what()));
    }
  }
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

Result<std::unique_ptr<StsPolicies>> make_sts_policies(const StsSettings& settings,
                                                       const StsParts& parts) {
  try {
    return std::make_unique<CachedStsPolicies>(settings, parts);
  } catch (const std::exception& e) {
    return fail(ErrorCode::internal, "cannot begin to look up policies: {}", e.what());
  }
}

}  // namespace tlsrpt::sender
