// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The MTA-STS policies of all domains that we send to: discovered, fetched, remembered.

#include <chrono>
#include <optional>
#include <string>

#include "common/utc_time.hpp"
#include "sender/policy_problem.hpp"
#include "sender/sts_policy.hpp"

namespace tlsrpt::sender {

/// How things stand with the MTA-STS of one domain.
struct StsStanding {
  /// In force: fetched, or remembered and not older than its max_age. Mode none as well, which
  /// means that there is nothing to enforce.
  std::optional<StsPolicy> policy;
  /// Why the last try to get the policy that the domain announces failed, if it did. Never set
  /// without a valid TXT record, unless a policy is in force (RFC 8461 section 6, R284), and never
  /// beside one of mode none (R272).
  std::optional<PolicyProblem> problem;
  std::string id;        ///< of the policy in force
  Seconds expires_at{};  ///< of the policy in force
  /// Neither: there was no time to find out, or DNS failed. A policy that is in force wins over
  /// that.
  bool unknown = false;
  bool operator==(const StsStanding&) const = default;
};

/// Threads: any number at once.
class StsPolicies {
 public:
  virtual ~StsPolicies() = default;
  /// domain: normalised; the next-hop domain itself, never a parent (RFC 8461 section 3.4). Waits
  /// for DNS and the policy host at most so long; what is being fetched then goes on for the next
  /// one who asks.
  virtual StsStanding find(const std::string& domain, std::chrono::milliseconds patience) = 0;
};

}  // namespace tlsrpt::sender
