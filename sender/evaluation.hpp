// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The one place where what happened becomes result types: the table of RFC 8460 section 4.3,
// RFC 8461 sections 5 and 6 and RFC 7672, for every source of sessions.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/report.hpp"
#include "sender/dane_policy.hpp"
#include "sender/observed_session.hpp"
#include "sender/outcome.hpp"
#include "sender/sts_policies.hpp"

namespace tlsrpt::sender {

/// Which policy the MTA enforces where usable TLSA records and an MTA-STS policy both apply, so
/// that its verdict (ObservedSession::demanded_only) is about that one alone.
enum class Precedence : std::uint8_t { unknown, dane, sts };

/// The policies that applied to a session with one MX host.
struct AppliedPolicies {
  StsStanding sts;
  DanePolicy dane;
  bool dane_required = false;  ///< by local configuration alone (R316)
  Precedence precedence = Precedence::unknown;
  std::string tlsrpt_record;  ///< empty: the domain wants no reports
};

/// What the session means under each policy that applied, each with a success, or a failure and one
/// entry for every reason (R322). No policies: there is nothing to report, or a policy applied and
/// nobody knows whether the session met it: so it is with a certificate that the MTA judged by one
/// of two policies, if it is not known by which. Without the name of the MX host nobody knows
/// whether DANE applied, so there is no success, and nothing under no-policy-found.
Outcome evaluate(const ObservedSession& session, const AppliedPolicies& applied);

/// May mail go over such a session? (column "dlv")
enum class Delivery : std::uint8_t { allowed, tls_only, forbidden };
Delivery may_deliver(const ObservedSession& session, const AppliedPolicies& applied);

/// What an error in the verification of a certificate is called, with its reason code (R287-R290,
/// R305, R310). error: X509_V_ERR_.
FailureDetails classify_certificate(int error);

/// Failures that no session showed: the policy could not be had (R281-R285, R299).
PolicyOutcome problem_outcome(const PolicyProblem& problem, const Policy& policy);

}  // namespace tlsrpt::sender
