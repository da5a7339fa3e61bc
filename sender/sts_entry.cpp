// SPDX-License-Identifier: BSD-2-Clause
#include "sender/sts_entry.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace tlsrpt::sender {

namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr seconds kRefresh = hours{20};        // then spread over
constexpr seconds kRefreshSpread = hours{8};   // so that it is a day on average
constexpr seconds kRetryAfterFailure{30};      // DNS, or this machine
constexpr seconds kClockSlack{60};             // between programs that share a database
constexpr seconds kMaxNegativeAge = hours{1};  // however long DNS would let it be remembered

/// The same for the same domain and time everywhere, so that tests and restarts see no dice
/// (FNV-1a).
std::uint32_t spread_of(std::string_view domain, Seconds time) {
  std::uint32_t hash = 2166136261u;
  const auto mix = [&hash](std::uint32_t octet) { hash = (hash ^ octet) * 16777619u; };
  for (const char c : domain) mix(static_cast<unsigned char>(c));
  const auto count = static_cast<std::uint64_t>(time.time_since_epoch().count());
  for (unsigned shift = 0; shift < 64; shift += 8)
    mix(static_cast<std::uint32_t>((count >> shift) & 0xff));
  return hash;
}

bool is_none(const StsEntry& entry) {
  return entry.policy != nullptr && entry.policy->mode == StsMode::none;
}

void clear_problem(StsEntry& entry) {
  entry.problem.reset();
  entry.problem_id.clear();
  entry.problem_at = {};
}

}  // namespace

bool in_force(const StsEntry& entry, Seconds now) {
  return entry.policy != nullptr && now < entry.expires_at;
}

bool wants_fetch(const StsEntry& entry, std::string_view announced_id, Seconds now) {
  return !in_force(entry, now) || entry.id != announced_id || now >= entry.refresh_at ||
         entry.fetched_at > now + kClockSlack;  // under a wrong clock: refresh_at is far off
}

bool backs_off(const StsEntry& entry, std::string_view announced_id, Seconds now) {
  return entry.problem && entry.problem_id == announced_id && now >= entry.problem_at &&
         now < entry.problem_at + kStsBackoff;
}

void take_record(StsEntry& entry, const StsRecord& record, Seconds now) {
  entry.checked_at = now;
  if (record.verdict == StsRecord::Verdict::announced) {
    // What was wrong is over, unless the policy is still waited for.
    if (!wants_fetch(entry, record.id, now)) clear_problem(entry);
    return;
  }
  if (in_force(entry, now)) {
    entry.problem = record.problem;
    entry.problem_id.clear();
    entry.problem_at = now;
  } else if (record.verdict == StsRecord::Verdict::none) {
    clear_problem(entry);  // R284
  }
}

void take_policy(StsEntry& entry, std::string_view domain, std::string id, StsPolicy policy,
                 Seconds now) {
  const seconds lifetime = std::max(policy.max_age, kStsGrace);
  const seconds refresh = kRefresh + seconds{spread_of(domain, now)} % kRefreshSpread;
  entry.policy = std::make_shared<const StsPolicy>(std::move(policy));
  entry.id = std::move(id);
  entry.fetched_at = now;
  entry.expires_at = now + lifetime;
  // A short life is renewed at its half, so that a failure still leaves time.
  entry.refresh_at = now + std::min(refresh, std::max(lifetime / 2, kStsGrace));
  entry.checked_at = now;
  clear_problem(entry);
}

void take_failure(StsEntry& entry, std::string id, PolicyProblem problem, Seconds now) {
  entry.checked_at = now;
  if (problem.result_type.empty()) return;
  entry.problem = std::move(problem);
  entry.problem_id = std::move(id);
  entry.problem_at = now;
}

Seconds next_check(const StsEntry& entry, const StsRecord& record, Seconds now) {
  if (record.verdict == StsRecord::Verdict::failed && !in_force(entry, now))
    return now + kRetryAfterFailure;
  if (record.verdict == StsRecord::Verdict::none && !in_force(entry, now))
    return now + std::clamp(seconds{record.ttl}, kStsGrace, kMaxNegativeAge);
  return now + kStsGrace;
}

StsStanding standing_of(const StsEntry& entry, std::optional<StsRecord::Verdict> verdict,
                        Seconds now) {
  StsStanding standing;
  const bool recent =
      now < entry.problem_at + kStsProblemAge && entry.problem_at <= now + kClockSlack;
  if (in_force(entry, now)) {
    standing.policy = *entry.policy;
    standing.id = entry.id;
    standing.expires_at = entry.expires_at;
    if (recent && !is_none(entry)) standing.problem = entry.problem;  // R272
    return standing;
  }
  if (verdict == StsRecord::Verdict::none) return standing;  // R284
  if (verdict == StsRecord::Verdict::announced && entry.problem && recent) {
    standing.problem = entry.problem;
    return standing;
  }
  standing.unknown = true;
  return standing;
}

}  // namespace tlsrpt::sender
