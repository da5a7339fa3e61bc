// SPDX-License-Identifier: BSD-2-Clause
#include "sender/policy_answer.hpp"

#include <algorithm>
#include <array>

#include "common/domain_name.hpp"
#include "common/ip_address.hpp"
#include "sender/evaluation.hpp"

namespace tlsrpt::sender {

namespace {

/// Postfix's own limit is for the whole reply; the rest is for what we do not count here.
constexpr std::size_t kMaxValue = kMaxSocketmapReply - 1000;

/// What Postfix takes as policy_failure; anything else would make the whole policy invalid.
constexpr std::array<std::string_view, 4> kFailureTypes = {
    "sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid", "validation-failure"};

bool in_mode(const StsStanding& standing, StsMode mode) {
  return standing.policy && standing.policy->mode == mode;
}

/// Postfix puts a value with blanks into braces and has no way to write a brace in it.
bool can_be_told(std::string_view line) {
  return std::all_of(line.begin(), line.end(),
                     [](char c) { return c >= ' ' && c <= '~' && c != '{' && c != '}'; });
}

/// Empty if they cannot be told as a whole: without one of its patterns a policy would forbid an MX
/// host that it allows, and Postfix up to 3.10.5 insists on a line.
std::string attributes(const std::string& domain, const StsPolicy& policy, std::size_t room) {
  std::string patterns;
  for (const std::string& pattern : policy.mx) patterns += " mx_host_pattern=" + pattern;
  std::string text = fmt::format(" policy_type=sts policy_domain={}", domain);
  const std::size_t shortest = text.size();
  if (shortest + patterns.size() > room) return {};
  room -= patterns.size();
  for (const std::string& line : policy.lines) {
    if (!can_be_told(line)) continue;
    const std::string attribute = fmt::format(" {{ policy_string = {} }}", line);
    if (text.size() + attribute.size() > room) break;
    text += attribute;
  }
  if (text.size() == shortest) return {};
  return text + patterns;
}

std::string failure_attribute(const PolicyProblem& problem) {
  const bool known = std::find(kFailureTypes.begin(), kFailureTypes.end(), problem.result_type) !=
                     kFailureTypes.end();
  return fmt::format(" policy_failure={}", known ? problem.result_type : "validation-failure");
}

/// To Postfix these are no names but ways to find some, of which one believes in the MX records.
bool is_strategy(std::string_view pattern) {
  return pattern == "hostname" || pattern == "nexthop" || pattern == "dot-nexthop";
}

/// "M1:M2", as Postfix and Sendmail match names: ".example.com" for "*.example.com".
std::string match_list(const StsPolicy& policy) {
  std::string list;
  for (const std::string& pattern : policy.mx) {
    const std::size_t begin = pattern.starts_with("*.") ? 1 : 0;
    list += (list.empty() ? "" : ":") + pattern.substr(begin);
    if (is_strategy(pattern)) list += '.';
  }
  return list;
}

PolicyAnswer enforced_answer(PolicyMap map, const std::string& domain, const StsStanding& standing,
                             const AnswerSettings& settings) {
  std::string value =
      fmt::format("secure match={} servername=hostname", match_list(*standing.policy));
  PolicyAnswer answer{{SocketmapStatus::ok, ""}, AnswerKind::enforced};
  if (map == PolicyMap::tlsrpt && value.size() < kMaxValue) {
    const std::string more = attributes(domain, *standing.policy, kMaxValue - value.size());
    answer.failure_told = !more.empty() && settings.failure_attribute && standing.problem;
    value += more;
    if (answer.failure_told) value += failure_attribute(*standing.problem);
  }
  answer.reply.text = std::move(value);
  return answer;
}

PolicyAnswer not_found(AnswerKind kind) { return {{SocketmapStatus::not_found, ""}, kind}; }

}  // namespace

PolicyMap policy_map(std::string_view name) {
  return name == "tlsrpt" ? PolicyMap::tlsrpt : PolicyMap::plain;
}

std::optional<std::string> policy_domain_of(std::string_view key) {
  if (key.empty() || key.front() == '.' || key.find_first_of("[]:") != std::string_view::npos) {
    return std::nullopt;
  }
  auto domain = normalize_domain(key);
  if (!domain || canonical_ip(*domain)) return std::nullopt;
  return std::move(*domain);
}

std::string_view to_word(AnswerKind kind) {
  switch (kind) {
    case AnswerKind::enforced:
      return "enforced";
    case AnswerKind::testing:
      return "testing";
    case AnswerKind::dane:
      return "dane";
    case AnswerKind::no_policy:
      return "no-policy";
    case AnswerKind::unknown:
      return "unknown";
    case AnswerKind::not_a_domain:
      return "not-a-domain";
    case AnswerKind::put_off:
      return "put-off";
  }
  return "no-policy";
}

PolicyAnswer answer_policy(PolicyMap map, const std::string& domain, const StsStanding& standing,
                           DomainDane dane, const AnswerSettings& settings) {
  const bool enforced = in_mode(standing, StsMode::enforce) && !standing.policy->mx.empty();
  const bool testing =
      in_mode(standing, StsMode::testing) && settings.answer_testing && map == PolicyMap::tlsrpt;
  if (!enforced && !testing) {
    return not_found(standing.unknown && !standing.policy ? AnswerKind::unknown
                                                          : AnswerKind::no_policy);
  }
  // An answer would hide DANE from the MTA, also a failure of it, which has to stop the mail
  // (RFC 8461 section 2).
  if (dane == DomainDane::usable || dane == DomainDane::failed) {
    return not_found(AnswerKind::dane);
  }
  // The MTA has MX records and we cannot have them. They may be forged, which a policy that we hide
  // would have shown; or secure, with DANE that we would hide. So the mail has to wait, as it has
  // to for bogus ones (RFC 7672 section 2.1.2, R300).
  if (enforced && dane == DomainDane::mx_failed) {
    return {{SocketmapStatus::temporary, "cannot look up the MX records of " + domain},
            AnswerKind::put_off};
  }
  if (enforced) return enforced_answer(map, domain, standing, settings);
  // "may" is less than what unusable TLSA records ask for, and than DANE that nobody could look up.
  if (dane != DomainDane::none) return not_found(AnswerKind::dane);
  const std::string more = attributes(domain, *standing.policy, kMaxValue);
  if (more.empty()) return not_found(AnswerKind::no_policy);
  return {{SocketmapStatus::ok, "may" + more}, AnswerKind::testing};
}

std::optional<Outcome> outcome_of_problem(PolicyMap map, const std::string& domain,
                                          const StsStanding& standing, const PolicyAnswer& answer,
                                          const std::string& tlsrpt_record) {
  if (map == PolicyMap::plain || !standing.problem || answer.failure_told ||
      tlsrpt_record.empty() || in_mode(standing, StsMode::none)) {
    return std::nullopt;
  }
  const Policy policy =
      standing.policy ? report_policy(*standing.policy, domain) : Policy{"sts", {}, domain, {}};
  return Outcome{domain, tlsrpt_record, {problem_outcome(*standing.problem, policy)}};
}

}  // namespace tlsrpt::sender
