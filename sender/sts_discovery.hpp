// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// One look at the MTA-STS of a domain (RFC 8461 sections 3.1 to 3.3), with nothing remembered.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/dns.hpp"
#include "sender/policy_problem.hpp"
#include "sender/sts_fetcher.hpp"
#include "sender/sts_policy.hpp"

namespace tlsrpt::sender {

/// What DNS says at _mta-sts.DOMAIN.
struct StsRecord {
  enum class Verdict : std::uint8_t {
    announced,  ///< there is one valid record
    none,       ///< no record, several, or one that does not follow the grammar
    failed,     ///< DNS did not answer
  };
  Verdict verdict = Verdict::failed;
  std::string id;                  ///< of announced
  std::uint32_t ttl = 0;           ///< seconds, as DNS has it
  std::vector<std::string> texts;  ///< every TXT record there is; not escaped
  /// Of none and failed, as it would stand beside a policy that is in force: sts-policy-fetch-error
  /// with reason no-sts-record, bad-sts-record or dns-failure. Without such a policy there is
  /// nothing to report (R284).
  PolicyProblem problem;
};

struct StsDiscovery {
  StsRecord record;
  std::optional<StsPolicy> policy;       ///< if it was announced and could be fetched
  std::optional<PolicyProblem> problem;  ///< if it was announced and could not
};

/// domain: normalised; CNAMEs are followed (R259). What is no domain name has no record.
StsRecord find_sts_record(Dns& dns, const std::string& domain);

/// The record, and if there is one, the policy. Waits for DNS and for the policy host.
StsDiscovery discover(Dns& dns, StsFetcher& fetcher, const std::string& domain);

}  // namespace tlsrpt::sender
