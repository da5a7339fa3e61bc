// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What is remembered about the MTA-STS of one domain, and what follows from it at a given time: is
// the policy in force, has it to be fetched (RFC 8461 section 3.3), what is there to report.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/utc_time.hpp"
#include "sender/sts_discovery.hpp"
#include "sender/sts_policies.hpp"

namespace tlsrpt::sender {

/// A record is not asked for more often than this, and a policy lasts at least so long: one with
/// max_age 0 serves the messages that wait for it.
inline constexpr std::chrono::seconds kStsGrace{60};
/// Between two fetches of the same id when the first has failed (R266).
inline constexpr std::chrono::seconds kStsBackoff{300};
/// A problem that is older is not told any more before it has been met again.
inline constexpr std::chrono::seconds kStsProblemAge{3600};

struct StsEntry {
  std::shared_ptr<const StsPolicy> policy;  ///< the last one fetched; may have expired
  std::string id;                           ///< of it
  Seconds fetched_at{};
  Seconds expires_at{};
  Seconds refresh_at{};  ///< when it is to be fetched again, though the id be the same (R280)
  std::optional<PolicyProblem> problem;  ///< of the last check
  std::string problem_id;                ///< of the fetch that failed; empty: it was the record
  Seconds problem_at{};
  Seconds checked_at{};  ///< when the record was asked for
  Seconds used_at{};     ///< when somebody wanted to know
};

bool in_force(const StsEntry& entry, Seconds now);

/// Has the policy that the record announces to be fetched?
bool wants_fetch(const StsEntry& entry, std::string_view announced_id, Seconds now);
/// Is it too early for that, since it has just failed? (R266)
bool backs_off(const StsEntry& entry, std::string_view announced_id, Seconds now);

/// Notes what DNS said, if there is nothing to fetch: a policy in force stays as it is (R270), and
/// that its record is not there any more is a problem.
void take_record(StsEntry& entry, const StsRecord& record, Seconds now);
/// Notes the policy that was fetched; domain is what spreads the next fetch.
void take_policy(StsEntry& entry, std::string_view domain, std::string id, StsPolicy policy,
                 Seconds now);
/// Notes that fetching the policy with this id failed. One of this machine's own problems is no
/// more than a reason to try again soon.
void take_failure(StsEntry& entry, std::string id, PolicyProblem problem, Seconds now);

/// Until when the record need not be asked for again.
Seconds next_check(const StsEntry& entry, const StsRecord& record, Seconds now);

/// For StsPolicies::find. verdict: what the record was when it was last asked for; none if it never
/// was.
StsStanding standing_of(const StsEntry& entry, std::optional<StsRecord::Verdict> verdict,
                        Seconds now);

}  // namespace tlsrpt::sender
