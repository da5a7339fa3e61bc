// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The outcome of one outbound SMTP session, as libtlsrpt's datagram tells it.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/report.hpp"

namespace tlsrpt::sender {

/// One policy that was evaluated in the session, and what came of it. failure_details carry
/// failed_session_count 1 each, without duplicates (R103).
struct PolicyOutcome {
  Policy policy;
  bool failed = false;
  std::vector<FailureDetails> failure_details;
  bool operator==(const PolicyOutcome&) const = default;
};

struct Outcome {
  std::string domain;         ///< recipient domain, normalised
  std::string tlsrpt_record;  ///< the TXT record as the MTA saw it; may be empty
  std::vector<PolicyOutcome> policies;
  bool operator==(const Outcome&) const = default;
};

/// Why a datagram, or one policy in it, is not counted in any report: stable words for logs and
/// counters.
enum class BadOutcome : std::uint8_t {
  empty,
  too_large,
  not_json,
  wrong_type,       ///< not an object, or a member of the wrong type
  unknown_version,  ///< dpv is there and not "1"
  missing_domain,
  invalid_domain,
  no_policies,
  too_many_policies,
  unknown_policy_type,  ///< or none; one with a number is kept, but no report will speak of it
  invalid_result,  ///< f is neither 0 nor 1
};
std::string_view to_word(BadOutcome bad);

struct OutcomeLimits {
  std::size_t max_bytes = 256u << 10;
  std::size_t max_depth = 8;
  std::size_t max_policies = 64;
  std::size_t max_failure_details = 64;  ///< of one policy; further ones are dropped
  std::size_t max_strings = 512;         ///< of policy-string or mx-host; further ones are dropped
  std::size_t max_string = 4096;         ///< longer texts are cut
};

struct ReadOutcomeResult {
  Outcome outcome;  ///< policies may be fewer than in the datagram
  std::vector<BadOutcome>
      bad;  ///< a bad policy costs itself only; a bad datagram leaves outcome.policies empty
  std::string detail;  ///< of the first: where and what; not escaped
};

/// Reads one datagram of libtlsrpt and normalises it, so that two spellings of one policy are
/// equal: domains as A-labels in lower case, policy-domain filled from d, TLSA records and MX
/// patterns sorted, STS lines in the order version, mode, mx, max_age, others. Policy strings are
/// kept for tlsa and sts only, MX patterns for sts only. Of failures: h cut to the announced name,
/// addresses canonical or left out, empty texts absent, an unknown c as validation-failure with its
/// number in the reason code. A record (pr) that is too long is left out, since a cut one could
/// name others.
ReadOutcomeResult read_outcome(std::string_view datagram, const OutcomeLimits& limits = {});

}  // namespace tlsrpt::sender
