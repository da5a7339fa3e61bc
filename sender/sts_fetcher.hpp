// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The seam to the policy hosts: fetches https://mta-sts.DOMAIN/.well-known/mta-sts.txt.

#include <string>
#include <tl/expected.hpp>

#include "sender/policy_problem.hpp"
#include "sender/sts_policy.hpp"

namespace tlsrpt::sender {

/// Threads: any number at once.
class StsFetcher {
 public:
  virtual ~StsFetcher() = default;
  /// The policy, or why there is none by the rules of RFC 8461 section 3.3. A problem of this
  /// machine, which says nothing about the domain (no memory, no trusted certificates, a stop), has
  /// an empty result_type and must not be reported. Ends within the configured timeout, and soon
  /// after a stop. domain: normalised.
  virtual tl::expected<StsPolicy, PolicyProblem> fetch(const std::string& domain) = 0;
};

}  // namespace tlsrpt::sender
