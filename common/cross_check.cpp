// SPDX-License-Identifier: BSD-2-Clause
#include "common/cross_check.hpp"

#include <algorithm>
#include <string>

#include "common/ascii.hpp"
#include "common/domain_name.hpp"

namespace tlsrpt {
namespace {

/// The domain behind a word of the subject (RFC 8460 section 5.3), which is in lower case; empty if
/// there is none.
std::string domain_in_subject(std::string_view subject, std::string_view word) {
  constexpr std::string_view kBlanks = " \t";
  const std::size_t found = subject.find(word);
  if (found == std::string_view::npos) return {};
  subject.remove_prefix(found + word.size());
  subject.remove_prefix(std::min(subject.find_first_not_of(kBlanks), subject.size()));
  return normalize_domain(subject.substr(0, subject.find_first_of(kBlanks))).value_or("");
}

bool is_of_another_submitter(const Report& report, std::string_view submitter) {
  const auto contact = domain_of_address(report.contact_info);
  return contact && !submitter.empty() && !is_same_organization(*contact, submitter);
}

bool is_about_other_domains(const Report& report, std::string_view domain) {
  if (domain.empty()) return false;
  bool any_named = false;
  for (const PolicyResult& result : report.policies) {
    if (result.policy.policy_domain == domain) return false;
    // That is the name of the MX host there (RFC 7672 section 2.2.3), wherever it may be.
    if (result.policy.policy_type == "tlsa") continue;
    any_named = any_named || !result.policy.policy_domain.empty();
  }
  return any_named;
}

}  // namespace

void cross_check(ReadOutcome& outcome, const MailFacts& facts) {
  const Report& report = outcome.report;
  const std::string subject = lower_case(facts.subject);
  const std::string submitter = domain_in_subject(subject, "submitter:");
  const std::string domain = domain_in_subject(subject, "report domain:");
  if (is_of_another_submitter(report, facts.tls_report_submitter) ||
      is_of_another_submitter(report, submitter))
    outcome.flags.add(Flag::submitter_mismatch);
  if (is_about_other_domains(report, facts.tls_report_domain) ||
      is_about_other_domains(report, domain))
    outcome.flags.add(Flag::domain_mismatch);
}

void fill_policy_domain(ReadOutcome& outcome, const MailFacts& facts) {
  if (!outcome.flags.has(Flag::missing_policy_domain) ||
      outcome.flags.has(Flag::duplicate_header) || !normalize_domain(facts.tls_report_domain))
    return;
  for (PolicyResult& result : outcome.report.policies) {
    if (result.policy.policy_domain.empty()) result.policy.policy_domain = facts.tls_report_domain;
  }
}

}  // namespace tlsrpt
