// SPDX-License-Identifier: BSD-2-Clause

// A datagram at the collector's socket. Texts in it come from servers and domains of strangers.

#include "common/domain_name.hpp"
#include "sender/outcome.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace tlsrpt;
using sender::PolicyOutcome;

constexpr sender::OutcomeLimits kSmall{.max_bytes = 16u << 10,
                                       .max_depth = 8,
                                       .max_policies = 4,
                                       .max_failure_details = 4,
                                       .max_strings = 6,
                                       .max_string = 256};

Report as_report(const sender::Outcome& outcome) {
  Report report;
  report.date_range.end_datetime = Seconds{std::chrono::seconds{86399}};
  for (const PolicyOutcome& policy : outcome.policies) {
    report.policies.push_back(
        {policy.policy, policy.failed ? 0u : 1u, policy.failed ? 1u : 0u, policy.failure_details});
  }
  return report;
}

/// What is counted here is reported one day, and must say the same to its reader. Policy strings
/// and MX patterns need not: a reader makes the most of texts that are neither.
void check_report(const sender::Outcome& outcome) {
  const Report report = as_report(outcome);
  const auto read = read_reports(write_report(report));
  fuzz::require(read.size() == 1 && read[0].accepted(), "a report of the outcome is accepted");
  const auto& policies = read[0].report.policies;
  fuzz::require(policies.size() == report.policies.size(), "each policy is reported");
  for (std::size_t i = 0; i < policies.size(); ++i) {
    PolicyResult expected = report.policies[i];
    expected.policy.policy_string = policies[i].policy.policy_string;
    expected.policy.mx_host = policies[i].policy.mx_host;
    fuzz::require(policies[i] == expected, "a policy is reported as it was counted");
  }
}

void check(std::string_view datagram, const sender::OutcomeLimits& limits) {
  const auto [outcome, bad, detail] = sender::read_outcome(datagram, limits);
  fuzz::require(!outcome.policies.empty() || !bad.empty(), "nothing counted has a reason");
  if (outcome.policies.empty()) return;
  const auto domain = normalize_domain(outcome.domain);
  fuzz::require(domain && *domain == outcome.domain, "the recipient domain is normalised");
  fuzz::require(outcome.policies.size() <= limits.max_policies, "policies stay within the limit");
  for (const PolicyOutcome& policy : outcome.policies) {
    fuzz::require(policy.policy.policy_string.size() <= limits.max_strings &&
                      policy.policy.mx_host.size() <= limits.max_strings &&
                      policy.failure_details.size() <= limits.max_failure_details,
                  "lists stay within their limits");
    for (const FailureDetails& details : policy.failure_details) {
      fuzz::require(details.failed_session_count == 1, "a failure is one session");
    }
  }
  check_report(outcome);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check(fuzz::as_text(data, size), kSmall);
  check(fuzz::as_text(data, size), {});
  return 0;
}
