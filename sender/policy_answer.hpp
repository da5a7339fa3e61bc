// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What an MTA is told that asks for the TLS policy of a domain, and what is reported in its place.
// Values in, values out.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sender/domain_dane.hpp"
#include "sender/outcome.hpp"
#include "sender/socketmap.hpp"
#include "sender/sts_policies.hpp"

namespace tlsrpt::sender {

/// The name of the map chooses what the MTA understands.
enum class PolicyMap : std::uint8_t {
  tlsrpt,  ///< "tlsrpt", Postfix from 3.10 on: with attributes for its reports, and we report what
           ///< Postfix cannot
  plain,   ///< any other name: the security level only
};
PolicyMap policy_map(std::string_view name);

/// The domain that a key asks for, normalised. Nothing for a parent domain (".example.com"), which
/// never has a say (RFC 8461 section 3.4), for "[host]", ports, addresses and what is no domain.
std::optional<std::string> policy_domain_of(std::string_view key);

struct AnswerSettings {
  /// Domains of mode testing are told to Postfix, too; else only a log shows what became of them.
  bool answer_testing = false;
  /// A policy that cannot be refreshed is told to Postfix, and not reported by us.
  bool failure_attribute = false;
};

/// Why the answer is what it is: stable words for logs and counters.
enum class AnswerKind : std::uint8_t {
  enforced,
  testing,       ///< told, and nothing is enforced
  dane,          ///< left to the MTA's DANE
  no_policy,     ///< nothing to enforce
  unknown,       ///< it could not be found out in time, and nothing was remembered
  not_a_domain,  ///< the key is none
  put_off,       ///< something is wrong with this program, and a policy might be hidden
};
std::string_view to_word(AnswerKind kind);

struct PolicyAnswer {
  SocketmapReply reply;
  AnswerKind kind = AnswerKind::no_policy;
  bool failure_told = false;  ///< the MTA reports the problem of the policy
  bool operator==(const PolicyAnswer&) const = default;
};

/// domain: normalised.
PolicyAnswer answer_policy(PolicyMap map, const std::string& domain, const StsStanding& standing,
                           DomainDane dane, const AnswerSettings& settings);

/// What is to be recorded of a question that got this answer, besides the session that follows it:
/// that the policy could not be had (R281-R285). Nothing if all is well, or if the MTA or its log
/// tells it. tlsrpt_record: empty if the domain wants no reports.
std::optional<Outcome> outcome_of_problem(PolicyMap map, const std::string& domain,
                                          const StsStanding& standing, const PolicyAnswer& answer,
                                          const std::string& tlsrpt_record);

}  // namespace tlsrpt::sender
