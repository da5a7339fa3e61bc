// SPDX-License-Identifier: BSD-2-Clause
#include "sender/evaluation.hpp"

#include <openssl/x509_vfy.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "sender/outcome_text.hpp"
#include "sender/reason_code.hpp"

namespace tlsrpt::sender {

namespace {

using Failures = std::vector<FailureDetails>;

const OutcomeLimits kLimits;

FailureDetails failure(std::string_view result_type, std::string_view reason = {}) {
  FailureDetails details;
  details.result_type = result_type;
  details.failure_reason_code = reason;
  details.failed_session_count = 1;
  return details;
}

void add(Failures& failures, FailureDetails details) {
  if (std::find(failures.begin(), failures.end(), details) == failures.end()) {
    failures.push_back(std::move(details));
  }
}

bool is_silent(const Verification& verification) {
  return verification.errors.empty() && !verification.complete;
}

bool reached(const ObservedSession& session) {
  return session.starttls != StarttlsState::not_reached &&
         session.starttls != StarttlsState::skipped;
}

/// The MTA looked at a certificate, even if it then ended the session for what it saw.
bool certificate_seen(const ObservedSession& session) {
  return session.starttls == StarttlsState::established || !session.pkix.errors.empty() ||
         !session.dane.errors.empty();
}

/// What went wrong with TLS by this verification; nothing if that is not known.
std::optional<Failures> tls_failures(const ObservedSession& session,
                                     const Verification& verification) {
  switch (session.starttls) {
    case StarttlsState::not_reached:
    case StarttlsState::skipped:
      return std::nullopt;
    case StarttlsState::not_offered:
      return Failures{failure("starttls-not-supported")};
    case StarttlsState::refused:
      return Failures{failure("starttls-not-supported", session.reason_code)};
    case StarttlsState::failed:
    case StarttlsState::established:
      break;
  }
  if (!certificate_seen(session)) {
    return Failures{failure("validation-failure", session.reason_code)};
  }
  if (is_silent(verification)) return std::nullopt;
  Failures failures;
  for (const int error : verification.errors) add(failures, classify_certificate(error));
  return failures;
}

/// The MTA's one verdict, wherever the source of the session has put it.
const Verification& demanded(const ObservedSession& session) {
  return is_silent(session.dane) ? session.pkix : session.dane;
}

const StsPolicy* active_policy(const StsStanding& sts) {
  return sts.policy && sts.policy->mode != StsMode::none ? &*sts.policy : nullptr;
}

/// By which policy the MTA reached its one verdict.
Precedence enforced(const ObservedSession& session, const AppliedPolicies& applied) {
  if (applied.dane.status != DaneStatus::usable) return Precedence::sts;
  const StsPolicy* const policy = active_policy(applied.sts);
  if (policy == nullptr || applied.precedence == Precedence::dane) return Precedence::dane;
  // Nothing but TLSA records can be missed.
  const std::vector<int>& errors = session.dane.errors;
  if (std::find(errors.begin(), errors.end(), X509_V_ERR_DANE_NO_MATCH) != errors.end()) {
    return Precedence::dane;
  }
  // Most policy maps hide a policy of mode testing, and then DANE was enforced.
  return policy->mode == StsMode::enforce ? applied.precedence : Precedence::unknown;
}

/// What is known about the certificate by one of the policies.
const Verification& verification_by(Precedence policy, const ObservedSession& session,
                                    const AppliedPolicies& applied) {
  static const Verification kNothing;
  if (session.demanded_only) {
    return enforced(session, applied) == policy ? demanded(session) : kNothing;
  }
  return policy == Precedence::dane ? session.dane : session.pkix;
}

bool lacks_required_dane(const ObservedSession& session, const AppliedPolicies& applied) {
  // Without a host nobody can have looked for its records.
  return applied.dane_required && applied.dane.status == DaneStatus::none &&
         !applied.dane.unknown && !session.mx_host.empty();
}

/// The two ends, as far as they are known.
void set_place(Failures& failures, const ObservedSession& session) {
  for (FailureDetails& details : failures) {
    details.sending_mta_ip = canonical_address(session.sending_ip);
    details.receiving_mx_hostname = canonical_host(session.mx_host);
    details.receiving_mx_helo = announced_name(session.receiving_helo);
    details.receiving_ip = canonical_address(session.receiving_ip);
  }
}

/// Of a host that no policy allows: it was, or should have been, passed over (R291).
void set_host_only(Failures& failures, const ObservedSession& session) {
  for (FailureDetails& details : failures) {
    details.sending_mta_ip = canonical_address(session.sending_ip);
    details.receiving_mx_hostname = canonical_host(session.mx_host);
  }
}

void normalise(Policy& policy) {
  policy.policy_string =
      policy.policy_type == "tlsa"
          ? canonical_tlsa(policy.policy_string, kLimits.max_string)
          : canonical_sts(policy.policy_string, kLimits.max_string, kLimits.max_strings);
  policy.mx_host = canonical_mx_patterns(policy.mx_host, kLimits.max_string);
}

PolicyOutcome make_outcome(Policy policy, Failures failures) {
  normalise(policy);
  PolicyOutcome outcome;
  outcome.policy = std::move(policy);
  outcome.failed = !failures.empty();
  outcome.failure_details = std::move(failures);
  return outcome;
}

Policy plain_policy(std::string_view type, std::string_view domain) {
  Policy policy;
  policy.policy_type = type;
  policy.policy_domain = domain;
  return policy;
}

PolicyOutcome problem_in_session(const PolicyProblem& problem, const Policy& policy,
                                 const ObservedSession& session) {
  PolicyOutcome outcome = problem_outcome(problem, policy);
  outcome.failure_details.front().sending_mta_ip = canonical_address(session.sending_ip);
  return outcome;
}

std::optional<PolicyOutcome> judge_unusable(const ObservedSession& session,
                                            const DanePolicy& dane) {
  if (!reached(session)) return std::nullopt;
  Failures failures{failure("tlsa-invalid", reason::kAllTlsaUnusable)};
  // TLS is all that such records ask for (R302).
  if (!certificate_seen(session)) {
    for (FailureDetails& details : tls_failures(session, {}).value_or(Failures{})) {
      add(failures, std::move(details));
    }
  }
  set_place(failures, session);
  return make_outcome(report_policy(dane), std::move(failures));
}

std::optional<PolicyOutcome> judge_dane(const ObservedSession& session,
                                        const AppliedPolicies& applied) {
  const DanePolicy& dane = applied.dane;
  switch (dane.status) {
    case DaneStatus::none: {
      if (!lacks_required_dane(session, applied)) return std::nullopt;
      Failures failures{failure("dane-required")};
      set_host_only(failures, session);
      return make_outcome(plain_policy("tlsa", session.mx_host), std::move(failures));
    }
    case DaneStatus::failed:
      // Nobody may use such a host, so there need not be a session (R298). If there was one, the
      // MTA had an answer when it asked.
      if (session.demanded_only && reached(session)) return std::nullopt;
      return problem_in_session(dane.problem.value_or(PolicyProblem{"dnssec-invalid", {}, {}}),
                                report_policy(dane), session);
    case DaneStatus::unusable:
      return judge_unusable(session, dane);
    case DaneStatus::usable:
      break;
  }
  auto failures = tls_failures(session, verification_by(Precedence::dane, session, applied));
  if (!failures) return std::nullopt;
  set_place(*failures, session);
  return make_outcome(report_policy(dane), std::move(*failures));
}

bool is_foreign_mx(const ObservedSession& session, const StsPolicy& policy) {
  return !session.mx_host.empty() && !matches_mx(policy, session.mx_host);
}

/// What the session says under the policy in force; nothing if that is not known.
std::optional<Failures> sts_failures(const ObservedSession& session, const StsPolicy& policy,
                                     const AppliedPolicies& applied) {
  if (session.starttls == StarttlsState::not_reached) return std::nullopt;
  if (is_foreign_mx(session, policy)) {
    Failures failures{failure("validation-failure", reason::kMxNotInPolicy)};
    set_host_only(failures, session);
    return failures;
  }
  auto failures = tls_failures(session, verification_by(Precedence::sts, session, applied));
  // A host without a name may be one that the policy does not allow.
  if (failures && failures->empty() && session.mx_host.empty()) return std::nullopt;
  if (failures) set_place(*failures, session);
  return failures;
}

std::optional<PolicyOutcome> judge_sts(const ObservedSession& session,
                                       const AppliedPolicies& applied) {
  const StsStanding& sts = applied.sts;
  const StsPolicy* policy = active_policy(sts);
  const bool none = sts.policy && !policy;
  if (session.starttls == StarttlsState::not_reached || none) return std::nullopt;
  if (!policy) {
    if (!sts.problem) return std::nullopt;
    return problem_in_session(*sts.problem, plain_policy("sts", session.domain), session);
  }
  auto failures = sts_failures(session, *policy, applied);
  const Policy reported = report_policy(*policy, session.domain);
  if (!sts.problem) {
    if (!failures) return std::nullopt;
    return make_outcome(reported, std::move(*failures));
  }
  Failures all = problem_in_session(*sts.problem, reported, session).failure_details;
  for (FailureDetails& details : failures.value_or(Failures{})) add(all, std::move(details));
  return make_outcome(reported, std::move(all));
}

/// No policy applied, and that is known.
bool without_policy(const ObservedSession& session, const AppliedPolicies& applied) {
  const bool sts_known = applied.sts.policy || !applied.sts.unknown;
  return sts_known && !active_policy(applied.sts) && applied.dane.status == DaneStatus::none &&
         !applied.dane.unknown && !applied.dane_required && !session.mx_host.empty();
}

std::optional<PolicyOutcome> judge_unprotected(const ObservedSession& session) {
  if (!reached(session)) return std::nullopt;
  Failures failures;
  // Any certificate is good enough as long as nobody demanded a better one (A1).
  if (session.starttls != StarttlsState::established) {
    const bool by_dane = session.pkix.errors.empty();
    failures = tls_failures(session, by_dane ? session.dane : session.pkix).value_or(Failures{});
  }
  set_place(failures, session);
  return make_outcome(plain_policy("no-policy-found", session.domain), std::move(failures));
}

/// Was it shown that the session met the policy?
bool is_proven(const std::optional<Failures>& failures) { return failures && failures->empty(); }

}  // namespace

Outcome evaluate(const ObservedSession& session, const AppliedPolicies& applied) {
  Outcome outcome;
  outcome.domain = session.domain;
  // A record that was cut would name other addresses.
  if (applied.tlsrpt_record.size() <= kLimits.max_string) {
    outcome.tlsrpt_record = clean_text(applied.tlsrpt_record, kLimits.max_string);
  }
  const auto take = [&](std::optional<PolicyOutcome> judged) {
    if (judged) outcome.policies.push_back(std::move(*judged));
  };
  take(judge_dane(session, applied));
  take(judge_sts(session, applied));
  if (without_policy(session, applied)) take(judge_unprotected(session));
  return outcome;
}

Delivery may_deliver(const ObservedSession& session, const AppliedPolicies& applied) {
  const DanePolicy& dane = applied.dane;
  const bool secure = session.starttls == StarttlsState::established;
  if (dane.status == DaneStatus::failed || lacks_required_dane(session, applied)) {
    return Delivery::forbidden;
  }
  // A failure of DANE is final, whatever MTA-STS says (R317).
  if (dane.status == DaneStatus::usable &&
      !is_proven(tls_failures(session, verification_by(Precedence::dane, session, applied)))) {
    return Delivery::forbidden;
  }
  if (dane.status == DaneStatus::unusable && !secure) return Delivery::forbidden;
  const StsPolicy* policy = active_policy(applied.sts);
  if (policy != nullptr && policy->mode == StsMode::enforce &&
      !is_proven(sts_failures(session, *policy, applied))) {
    return Delivery::forbidden;
  }
  return dane.status == DaneStatus::unusable ? Delivery::tls_only : Delivery::allowed;
}

FailureDetails classify_certificate(int error) {
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return failure("certificate-expired");
    case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
      return failure("certificate-expired", reason::x509(error));
    case X509_V_ERR_HOSTNAME_MISMATCH:
      return failure("certificate-host-mismatch");
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return failure("certificate-host-mismatch", reason::x509(error));
    case X509_V_ERR_DANE_NO_MATCH:
      return failure("tlsa-invalid", reason::kNoTlsaMatch);
    default:
      return failure("certificate-not-trusted", reason::x509(error));
  }
}

PolicyOutcome problem_outcome(const PolicyProblem& problem, const Policy& policy) {
  return make_outcome(policy, {failure(problem.result_type, problem.reason_code)});
}

}  // namespace tlsrpt::sender
