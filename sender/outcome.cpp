// SPDX-License-Identifier: BSD-2-Clause
#include "sender/outcome.hpp"

#include <algorithm>
#include <utility>

#include "common/domain_name.hpp"
#include "common/ip_address.hpp"
#include "common/result_type.hpp"
#include "sender/outcome_numbers.hpp"
#include "sender/outcome_scan.hpp"
#include "sender/outcome_text.hpp"

namespace tlsrpt::sender {

namespace {

/// A number that libtlsrpt does not have is kept, under a word that no report may have.
std::string policy_type_word(std::int64_t number) {
  const auto known =
      std::find_if(kPolicyTypeNumbers.begin(), kPolicyTypeNumbers.end(),
                   [&](const OutcomeNumber& entry) { return entry.number == number; });
  if (known != kPolicyTypeNumbers.end()) return std::string(known->word);
  return fmt::format("{}{}", kUnknownPolicyType, number);
}

/// Only registered result types may stand in a report (R89), so an unknown code becomes the
/// general one and its number a reason.
void set_result_type(FailureDetails& details, const RawDetail& raw) {
  const auto known =
      std::find_if(kResultNumbers.begin(), kResultNumbers.end(),
                   [&](const OutcomeNumber& entry) { return entry.number == raw.c; });
  if (known != kResultNumbers.end()) {
    details.result_type = known->word;
    return;
  }
  details.result_type = "validation-failure";
  if (!raw.c) return;
  std::string reason = fmt::format("{}{}", kUnknownResult, *raw.c);
  if (!details.failure_reason_code.empty()) reason += ":" + details.failure_reason_code;
  details.failure_reason_code = std::move(reason);
}

FailureDetails read_detail(const RawDetail& raw, const OutcomeLimits& limits) {
  FailureDetails details;
  details.sending_mta_ip = canonical_address(raw.s);
  details.receiving_mx_hostname = canonical_host(raw.n);
  details.receiving_mx_helo = announced_name(raw.h);
  details.receiving_ip = canonical_address(raw.r);
  details.failed_session_count = 1;
  details.additional_information = clean_text(raw.a, limits.max_string);
  details.failure_reason_code = clean_text(raw.f, limits.max_string);
  set_result_type(details, raw);
  return details;
}

void read_policy_texts(Policy& policy, const RawPolicy& raw, const OutcomeLimits& limits) {
  // A list of strings means something only for the policy types that have one (R80).
  if (policy.policy_type == "tlsa") {
    policy.policy_string = canonical_tlsa(raw.policy_string, limits.max_string);
  }
  if (policy.policy_type == "sts") {
    policy.policy_string = canonical_sts(raw.policy_string, limits.max_string, limits.max_strings);
    policy.mx_host = canonical_mx_patterns(raw.mx_host, limits.max_string);
  }
  if (is_registered_policy_type(policy.policy_type)) return;
  for (const std::string& line : raw.policy_string) {
    policy.policy_string.push_back(clean_text(line, limits.max_string));
  }
}

struct Fault {
  BadOutcome bad;
  std::string detail;
};

/// Nothing if the policy was read into 'out'.
std::optional<Fault> read_policy(const RawPolicy& raw, const std::string& domain,
                                 const OutcomeLimits& limits, PolicyOutcome& out) {
  if (!raw.wrong_member.empty()) {
    return Fault{BadOutcome::wrong_type, "wrong type: " + raw.wrong_member};
  }
  if (!raw.policy_type) return Fault{BadOutcome::unknown_policy_type, "no policy-type"};
  out.policy.policy_type = policy_type_word(*raw.policy_type);
  if (!raw.f) return Fault{BadOutcome::invalid_result, "no f that is a number"};
  if (*raw.f != 0 && *raw.f != 1) {
    return Fault{BadOutcome::invalid_result, fmt::format("f is {}", *raw.f)};
  }
  out.failed = *raw.f == 1;
  out.policy.policy_domain = domain;
  if (const std::string text = clean_text(raw.policy_domain, limits.max_string); !text.empty()) {
    auto normal = normalize_domain(text);
    if (!normal) return Fault{BadOutcome::invalid_domain, "policy-domain: " + text};
    out.policy.policy_domain = std::move(*normal);
  }
  read_policy_texts(out.policy, raw, limits);
  for (const RawDetail& raw_detail : raw.failure_details) {
    FailureDetails detail = read_detail(raw_detail, limits);
    auto& list = out.failure_details;
    if (std::find(list.begin(), list.end(), detail) == list.end()) {
      list.push_back(std::move(detail));
    }
  }
  return std::nullopt;
}

void note(ReadOutcomeResult& result, BadOutcome bad, std::string detail) {
  if (result.bad.empty()) result.detail = std::move(detail);
  result.bad.push_back(bad);
}

/// Reads d and pr; false if the datagram cannot be used.
bool read_recipient(const RawOutcome& raw, const OutcomeLimits& limits, ReadOutcomeResult& result) {
  const std::string domain = clean_text(raw.d, limits.max_string);
  if (domain.empty()) {
    note(result, BadOutcome::missing_domain, "no d");
    return false;
  }
  auto normal = normalize_domain(domain);
  if (!normal || canonical_ip(*normal)) {  // R6: nobody publishes a record for an address
    note(result, BadOutcome::invalid_domain, "d: " + domain);
    return false;
  }
  result.outcome.domain = std::move(*normal);
  // A record cut in the middle of an address would name another address; none is better.
  if (raw.pr.size() <= limits.max_string) {
    result.outcome.tlsrpt_record = clean_text(raw.pr, limits.max_string);
  }
  return true;
}

}  // namespace

std::string_view to_word(BadOutcome bad) {
  switch (bad) {
    case BadOutcome::empty:
      return "empty";
    case BadOutcome::too_large:
      return "too-large";
    case BadOutcome::not_json:
      return "not-json";
    case BadOutcome::wrong_type:
      return "wrong-type";
    case BadOutcome::unknown_version:
      return "unknown-version";
    case BadOutcome::missing_domain:
      return "missing-domain";
    case BadOutcome::invalid_domain:
      return "invalid-domain";
    case BadOutcome::no_policies:
      return "no-policies";
    case BadOutcome::too_many_policies:
      return "too-many-policies";
    case BadOutcome::unknown_policy_type:
      return "unknown-policy-type";
    case BadOutcome::invalid_result:
      return "invalid-result";
  }
  return "unknown";
}

ReadOutcomeResult read_outcome(std::string_view datagram, const OutcomeLimits& limits) {
  ReadOutcomeResult result;
  if (datagram.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    note(result, BadOutcome::empty, "no bytes");
    return result;
  }
  if (datagram.size() > limits.max_bytes) {
    note(result, BadOutcome::too_large, fmt::format("more than {} bytes", limits.max_bytes));
    return result;
  }
  ScanResult scan = scan_outcome(datagram, limits);
  // Another version may give members other types, so its number is judged first.
  if (scan.bad != BadOutcome::not_json && !scan.outcome.known_version) {
    note(result, BadOutcome::unknown_version, "dpv is not \"1\"");
    return result;
  }
  if (scan.bad) {
    note(result, *scan.bad, std::move(scan.detail));
    return result;
  }
  if (!read_recipient(scan.outcome, limits, result)) return result;
  if (scan.outcome.policies.empty()) note(result, BadOutcome::no_policies, "no policies");
  for (const RawPolicy& raw : scan.outcome.policies) {
    PolicyOutcome policy;
    if (auto fault = read_policy(raw, result.outcome.domain, limits, policy)) {
      note(result, fault->bad, std::move(fault->detail));
      continue;
    }
    if (!is_registered_policy_type(policy.policy.policy_type)) {
      note(result, BadOutcome::unknown_policy_type,
           fmt::format("policy-type {}", *raw.policy_type));
    }
    result.outcome.policies.push_back(std::move(policy));
  }
  if (scan.outcome.too_many_policies) {
    note(result, BadOutcome::too_many_policies,
         fmt::format("more than {} policies", limits.max_policies));
  }
  return result;
}

}  // namespace tlsrpt::sender
