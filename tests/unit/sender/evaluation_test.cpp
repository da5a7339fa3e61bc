// SPDX-License-Identifier: BSD-2-Clause
#include "sender/evaluation.hpp"

#include <gtest/gtest.h>
#include <openssl/x509_vfy.h>

#include <fstream>
#include <iterator>

#include "sender/outcome_text.hpp"
#include "sender/reason_code.hpp"

namespace tlsrpt::sender {
namespace {

const std::string kDomain = "rcpt.example";
const std::string kMx = "mx1.rcpt.example";

ObservedSession session(StarttlsState state = StarttlsState::established) {
  ObservedSession session;
  session.domain = kDomain;
  session.mx_host = kMx;
  session.receiving_ip = "192.0.2.25";
  session.sending_ip = "198.51.100.1";
  session.receiving_helo = "helo.rcpt.example";
  session.starttls = state;
  if (state == StarttlsState::established) {
    session.pkix.complete = true;
    session.dane.complete = true;
  }
  return session;
}

ObservedSession with_pkix(std::vector<int> errors) {
  ObservedSession seen = session();
  seen.pkix.errors = std::move(errors);
  return seen;
}

ObservedSession with_dane(std::vector<int> errors) {
  ObservedSession seen = session();
  seen.dane.errors = std::move(errors);
  return seen;
}

ObservedSession failed(std::string_view reason) {
  ObservedSession seen = session(StarttlsState::failed);
  seen.reason_code = reason;
  return seen;
}

ObservedSession refused() {
  ObservedSession seen = session(StarttlsState::refused);
  seen.reason_code = reason::starttls_reply(454);
  return seen;
}

StsPolicy sts_policy(StsMode mode = StsMode::enforce, std::vector<std::string> mx = {kMx}) {
  StsPolicy policy;
  policy.mode = mode;
  policy.max_age = std::chrono::seconds(86400);
  policy.lines = {"version: STSv1", fmt::format("mode: {}", to_word(mode))};
  for (const std::string& pattern : mx) policy.lines.push_back("mx: " + pattern);
  policy.lines.emplace_back("max_age: 86400");
  policy.mx = std::move(mx);
  return policy;
}

AppliedPolicies none() { return {}; }

AppliedPolicies sts(StsMode mode = StsMode::enforce, std::vector<std::string> mx = {kMx}) {
  AppliedPolicies applied;
  applied.sts.policy = sts_policy(mode, std::move(mx));
  return applied;
}

AppliedPolicies dane(DaneStatus status = DaneStatus::usable) {
  AppliedPolicies applied;
  applied.dane.status = status;
  applied.dane.base_domain = kMx;
  applied.dane.records = {{3, 1, 1, std::string(32, '\xab')}};
  if (status == DaneStatus::usable) applied.dane.usable = applied.dane.records;
  return applied;
}

AppliedPolicies dane_failed(std::string_view reason) {
  AppliedPolicies applied;
  applied.dane.status = DaneStatus::failed;
  applied.dane.base_domain = kMx;
  applied.dane.problem = PolicyProblem{"dnssec-invalid", std::string(reason), "text"};
  return applied;
}

AppliedPolicies sts_problem(std::string_view type, std::string_view reason) {
  AppliedPolicies applied;
  applied.sts.problem = PolicyProblem{std::string(type), std::string(reason), "words"};
  return applied;
}

/// "sts F certificate-expired, certificate-host-mismatch" for each policy, joined by " | ".
std::string summary(const Outcome& outcome) {
  std::string text;
  for (const PolicyOutcome& one : outcome.policies) {
    if (!text.empty()) text += " | ";
    text += one.policy.policy_type + (one.failed ? " F" : " S");
    EXPECT_EQ(one.failed, !one.failure_details.empty());
    for (const FailureDetails& details : one.failure_details) {
      EXPECT_EQ(details.failed_session_count, 1u);
      text += " " + details.result_type;
      if (!details.failure_reason_code.empty()) text += "(" + details.failure_reason_code + ")";
    }
  }
  return text;
}

std::string judge(const ObservedSession& seen, const AppliedPolicies& applied) {
  return summary(evaluate(seen, applied));
}

// Without a policy: A1 to A3

TEST(Evaluation, a1_any_certificate_is_a_success_without_a_policy) {
  EXPECT_EQ(judge(session(), none()), "no-policy-found S");
  EXPECT_EQ(judge(with_pkix({X509_V_ERR_CERT_HAS_EXPIRED}), none()), "no-policy-found S");
  ObservedSession unknown = session();
  unknown.pkix.complete = unknown.dane.complete = false;
  EXPECT_EQ(judge(unknown, none()), "no-policy-found S");
  EXPECT_EQ(may_deliver(session(), none()), Delivery::allowed);
}

TEST(Evaluation, a2_missing_starttls_counts_without_a_policy) {  // R286, R323
  const ObservedSession seen = session(StarttlsState::not_offered);
  EXPECT_EQ(judge(seen, none()), "no-policy-found F starttls-not-supported");
  EXPECT_EQ(may_deliver(seen, none()), Delivery::allowed);
  EXPECT_EQ(judge(refused(), none()),
            "no-policy-found F starttls-not-supported(smtp-starttls-reply-code-454)");
}

TEST(Evaluation, a3_failed_handshake_counts_without_a_policy) {  // R290
  EXPECT_EQ(judge(failed(reason::remote_alert(40)), none()),
            "no-policy-found F validation-failure(tls-remote-alert-40-handshake-failure)");
}

// MTA-STS: B1 to B15

TEST(Evaluation, b1_no_valid_record_is_no_policy) {  // R284
  EXPECT_EQ(judge(session(), none()), "no-policy-found S");
}

TEST(Evaluation, b2_failed_fetch_is_reported_beside_the_session) {  // R271, R281
  const AppliedPolicies applied = sts_problem("sts-policy-fetch-error", "http-status-404");
  const Outcome outcome = evaluate(session(), applied);
  EXPECT_EQ(summary(outcome), "sts F sts-policy-fetch-error(http-status-404) | no-policy-found S");
  const PolicyOutcome& problem = outcome.policies[0];
  EXPECT_EQ(problem.policy.policy_domain, kDomain);
  EXPECT_TRUE(problem.policy.policy_string.empty());
  EXPECT_EQ(problem.failure_details[0].sending_mta_ip, "198.51.100.1");
  EXPECT_EQ(problem.failure_details[0].receiving_mx_hostname, "");
  EXPECT_EQ(problem.failure_details[0].receiving_ip, "");
  EXPECT_EQ(problem.failure_details[0].receiving_mx_helo, "");
  EXPECT_EQ(problem.failure_details[0].additional_information, "");  // R328: no words of strangers
  EXPECT_EQ(may_deliver(session(), applied), Delivery::allowed);
  EXPECT_EQ(judge(session(StarttlsState::not_offered), applied),
            "sts F sts-policy-fetch-error(http-status-404) | "
            "no-policy-found F starttls-not-supported");
}

TEST(Evaluation, b3_policy_host_certificate) {  // R282
  EXPECT_EQ(judge(session(), sts_problem("sts-webpki-invalid", "X509_V_ERR_CERT_HAS_EXPIRED")),
            "sts F sts-webpki-invalid(X509_V_ERR_CERT_HAS_EXPIRED) | no-policy-found S");
}

TEST(Evaluation, b4_bad_policy_body) {  // R283
  EXPECT_EQ(judge(session(), sts_problem("sts-policy-invalid", "no-mode")),
            "sts F sts-policy-invalid(no-mode) | no-policy-found S");
}

TEST(Evaluation, b5_failed_refresh_counts_under_the_policy_in_force) {  // R270, R285
  AppliedPolicies applied = sts();
  applied.sts.problem = PolicyProblem{"sts-policy-fetch-error", "timeout", {}};
  const Outcome outcome = evaluate(session(), applied);
  EXPECT_EQ(summary(outcome), "sts F sts-policy-fetch-error(timeout)");
  EXPECT_EQ(outcome.policies[0].policy.policy_string.size(), 4u);
  EXPECT_EQ(may_deliver(session(), applied), Delivery::allowed);
  const ObservedSession expired = with_pkix({X509_V_ERR_CERT_HAS_EXPIRED});
  EXPECT_EQ(judge(expired, applied), "sts F sts-policy-fetch-error(timeout) certificate-expired");
  EXPECT_EQ(may_deliver(expired, applied), Delivery::forbidden);
}

TEST(Evaluation, b6_b8_mode_none_is_no_policy) {  // R272
  AppliedPolicies applied = sts(StsMode::none, {});
  EXPECT_EQ(judge(session(), applied), "no-policy-found S");
  applied.sts.problem = PolicyProblem{"sts-policy-fetch-error", "timeout", {}};
  EXPECT_EQ(judge(session(), applied), "no-policy-found S");
  EXPECT_EQ(may_deliver(session(StarttlsState::not_offered), applied), Delivery::allowed);
}

TEST(Evaluation, b7_an_expired_policy_is_as_none) {
  EXPECT_EQ(judge(session(), sts_problem("sts-policy-fetch-error", "connection-refused")),
            "sts F sts-policy-fetch-error(connection-refused) | no-policy-found S");
}

TEST(Evaluation, b9_host_that_the_policy_does_not_name) {  // R276, R291
  const AppliedPolicies applied = sts(StsMode::enforce, {"other.rcpt.example"});
  for (const StarttlsState state : {StarttlsState::skipped, StarttlsState::established}) {
    const Outcome outcome = evaluate(session(state), applied);
    EXPECT_EQ(summary(outcome), "sts F validation-failure(mx-not-in-sts-policy)");
    const FailureDetails& details = outcome.policies[0].failure_details[0];
    EXPECT_EQ(details.receiving_mx_hostname, kMx);
    EXPECT_EQ(details.receiving_ip, "");
    EXPECT_EQ(may_deliver(session(state), applied), Delivery::forbidden);
  }
}

TEST(Evaluation, b10_testing_mode_reports_and_delivers) {  // R273
  const AppliedPolicies applied = sts(StsMode::testing, {"*.other.example"});
  EXPECT_EQ(judge(session(), applied), "sts F validation-failure(mx-not-in-sts-policy)");
  EXPECT_EQ(may_deliver(session(), applied), Delivery::allowed);
}

TEST(Evaluation, b11_missing_starttls) {  // R274, R286
  const ObservedSession seen = session(StarttlsState::not_offered);
  EXPECT_EQ(judge(seen, sts()), "sts F starttls-not-supported");
  EXPECT_EQ(may_deliver(seen, sts()), Delivery::forbidden);
  EXPECT_EQ(may_deliver(seen, sts(StsMode::testing)), Delivery::allowed);
}

TEST(Evaluation, b12_expired) {  // R287
  const ObservedSession seen = with_pkix({X509_V_ERR_CERT_HAS_EXPIRED});
  const Outcome outcome = evaluate(seen, sts());
  EXPECT_EQ(summary(outcome), "sts F certificate-expired");
  const FailureDetails& details = outcome.policies[0].failure_details[0];
  EXPECT_EQ(details.sending_mta_ip, "198.51.100.1");
  EXPECT_EQ(details.receiving_mx_hostname, kMx);
  EXPECT_EQ(details.receiving_mx_helo, "helo.rcpt.example");
  EXPECT_EQ(details.receiving_ip, "192.0.2.25");
  EXPECT_EQ(may_deliver(seen, sts()), Delivery::forbidden);
}

TEST(Evaluation, b13_wrong_host) {  // R277, R288
  EXPECT_EQ(judge(with_pkix({X509_V_ERR_HOSTNAME_MISMATCH}), sts()),
            "sts F certificate-host-mismatch");
}

TEST(Evaluation, b14_untrusted_for_every_reason) {  // R289
  for (const int error :
       {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
        X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_REVOKED, X509_V_ERR_PERMITTED_VIOLATION,
        X509_V_ERR_INVALID_PURPOSE}) {
    EXPECT_EQ(judge(with_pkix({error}), sts()),
              "sts F certificate-not-trusted(" + reason::x509(error) + ")");
  }
  EXPECT_EQ(judge(with_pkix({X509_V_ERR_UNSPECIFIED}), sts()), "sts F certificate-not-trusted");
}

TEST(Evaluation, b15_failed_handshake) {  // R290
  EXPECT_EQ(judge(failed(reason::kHandshakeTimeout), sts()),
            "sts F validation-failure(tls-handshake-timeout)");
}

TEST(Evaluation, sts_success) {
  const Outcome outcome = evaluate(session(), sts(StsMode::enforce, {"*.rcpt.example"}));
  EXPECT_EQ(summary(outcome), "sts S");
  EXPECT_EQ(outcome.policies[0].policy.mx_host, std::vector<std::string>{"*.rcpt.example"});
}

// DANE: D1 to D12

TEST(Evaluation, d1_match_is_a_success_whatever_else_the_certificate_is) {  // R306, R307
  const ObservedSession seen =
      with_pkix({X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_HOSTNAME_MISMATCH});
  const Outcome outcome = evaluate(seen, dane());
  EXPECT_EQ(summary(outcome), "tlsa S");
  EXPECT_EQ(outcome.policies[0].policy.policy_domain, kMx);
  EXPECT_EQ(may_deliver(seen, dane()), Delivery::allowed);
}

TEST(Evaluation, d2_d3_trust_anchor_with_wrong_name_or_date) {  // R308, R310
  EXPECT_EQ(judge(with_dane({X509_V_ERR_HOSTNAME_MISMATCH}), dane()),
            "tlsa F certificate-host-mismatch");
  EXPECT_EQ(judge(with_dane({X509_V_ERR_CERT_HAS_EXPIRED}), dane()), "tlsa F certificate-expired");
}

TEST(Evaluation, d4_no_match) {  // R304, R305
  const ObservedSession seen = with_dane({X509_V_ERR_DANE_NO_MATCH});
  EXPECT_EQ(judge(seen, dane()), "tlsa F tlsa-invalid(tlsa-no-match)");
  EXPECT_EQ(may_deliver(seen, dane()), Delivery::forbidden);
}

TEST(Evaluation, d5_all_unusable) {  // R302, R303, R311
  const AppliedPolicies applied = dane(DaneStatus::unusable);
  EXPECT_EQ(judge(session(), applied), "tlsa F tlsa-invalid(all-tlsa-unusable)");
  EXPECT_EQ(may_deliver(session(), applied), Delivery::tls_only);
  const ObservedSession clear = session(StarttlsState::not_offered);
  EXPECT_EQ(judge(clear, applied), "tlsa F tlsa-invalid(all-tlsa-unusable) starttls-not-supported");
  EXPECT_EQ(may_deliver(clear, applied), Delivery::forbidden);
}

TEST(Evaluation, d6_d7_failed_lookup_needs_no_session) {  // R298, R299
  for (const std::string_view reason : {"ede-6", "servfail", "timeout"}) {
    for (const StarttlsState state : {StarttlsState::not_reached, StarttlsState::established}) {
      const Outcome outcome = evaluate(session(state), dane_failed(reason));
      EXPECT_EQ(summary(outcome), fmt::format("tlsa F dnssec-invalid({})", reason));
      EXPECT_EQ(outcome.policies[0].policy.policy_domain, kMx);
      EXPECT_EQ(may_deliver(session(state), dane_failed(reason)), Delivery::forbidden);
    }
  }
}

TEST(Evaluation, d7_a_session_in_a_log_shows_that_the_mta_had_an_answer) {
  ObservedSession seen = session();
  seen.demanded_only = true;
  EXPECT_EQ(judge(seen, dane_failed("timeout")), "");
}

TEST(Evaluation, d8_insecure_records_are_none) {  // R301
  EXPECT_EQ(judge(session(), dane(DaneStatus::none)), "no-policy-found S");
}

TEST(Evaluation, d9_dane_required_by_local_configuration_only) {  // R316
  AppliedPolicies applied = dane(DaneStatus::none);
  EXPECT_EQ(judge(session(StarttlsState::not_offered), applied),
            "no-policy-found F starttls-not-supported");
  applied.dane_required = true;
  EXPECT_EQ(judge(session(StarttlsState::not_reached), applied), "tlsa F dane-required");
  EXPECT_EQ(judge(session(), applied), "tlsa F dane-required");
  EXPECT_EQ(may_deliver(session(), applied), Delivery::forbidden);
}

TEST(Evaluation, d10_missing_starttls) {  // R315
  const ObservedSession seen = session(StarttlsState::not_offered);
  EXPECT_EQ(judge(seen, dane()), "tlsa F starttls-not-supported");
  EXPECT_EQ(may_deliver(seen, dane()), Delivery::forbidden);
}

TEST(Evaluation, d11_failed_handshake) {
  EXPECT_EQ(judge(failed(reason::kHandshakeFailure), dane()),
            "tlsa F validation-failure(tls-handshake-failure)");
}

TEST(Evaluation, d12_without_a_host_nothing_is_known) {  // R300
  ObservedSession seen = session(StarttlsState::not_reached);
  seen.mx_host.clear();
  EXPECT_EQ(judge(seen, none()), "");
}

TEST(Evaluation, x1_transient_trouble_is_not_reported) {  // R292
  const ObservedSession seen = session(StarttlsState::not_reached);
  EXPECT_EQ(judge(seen, none()), "");
  EXPECT_EQ(judge(seen, sts()), "");
  EXPECT_EQ(judge(seen, dane()), "");
  EXPECT_EQ(judge(seen, dane(DaneStatus::unusable)), "");
  EXPECT_EQ(judge(seen, sts_problem("sts-policy-fetch-error", "timeout")), "");
}

// Several policies, several failures, and what is not known

TEST(Evaluation, both_policies_are_two_outcomes) {  // R318
  AppliedPolicies applied = dane();
  applied.sts = sts().sts;
  EXPECT_EQ(judge(session(), applied), "tlsa S | sts S");
  EXPECT_EQ(judge(with_pkix({X509_V_ERR_CERT_HAS_EXPIRED}), applied),
            "tlsa S | sts F certificate-expired");
  EXPECT_EQ(judge(with_dane({X509_V_ERR_DANE_NO_MATCH}), applied),
            "tlsa F tlsa-invalid(tlsa-no-match) | sts S");
}

TEST(Evaluation, neither_policy_overrides_a_failure_of_the_other) {  // R317, R319
  AppliedPolicies applied = dane();
  applied.sts = sts().sts;
  EXPECT_EQ(may_deliver(session(), applied), Delivery::allowed);
  EXPECT_EQ(may_deliver(with_dane({X509_V_ERR_DANE_NO_MATCH}), applied), Delivery::forbidden);
  EXPECT_EQ(may_deliver(with_pkix({X509_V_ERR_CERT_HAS_EXPIRED}), applied), Delivery::forbidden);
}

TEST(Evaluation, every_reason_is_one_entry_of_one_session) {  // R320, R322
  EXPECT_EQ(judge(with_pkix({X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_HOSTNAME_MISMATCH,
                             X509_V_ERR_CERT_HAS_EXPIRED}),
                  sts()),
            "sts F certificate-expired certificate-host-mismatch");
}

TEST(Evaluation, each_host_is_a_session_of_its_own) {  // R321
  EXPECT_EQ(judge(with_pkix({X509_V_ERR_CERT_HAS_EXPIRED}), sts()), "sts F certificate-expired");
  EXPECT_EQ(judge(session(), sts()), "sts S");
}

TEST(Evaluation, nothing_is_guessed_about_a_certificate) {
  ObservedSession seen = session();
  seen.pkix.complete = seen.dane.complete = false;
  EXPECT_EQ(judge(seen, sts()), "");
  EXPECT_EQ(judge(seen, dane()), "");
  EXPECT_EQ(may_deliver(seen, sts()), Delivery::forbidden);
  EXPECT_EQ(judge(seen, sts(StsMode::enforce, {"other.example"})),
            "sts F validation-failure(mx-not-in-sts-policy)");
}

TEST(Evaluation, nothing_is_guessed_about_policies) {
  AppliedPolicies applied;
  applied.sts.unknown = true;
  EXPECT_EQ(judge(session(), applied), "");
  applied.sts.policy = sts_policy();
  EXPECT_EQ(judge(session(), applied), "sts S");
  AppliedPolicies hidden;
  hidden.dane.unknown = true;
  EXPECT_EQ(judge(session(), hidden), "");
  hidden.dane_required = true;
  EXPECT_EQ(judge(session(), hidden), "");
  ObservedSession nameless = session();
  nameless.mx_host.clear();
  EXPECT_EQ(judge(nameless, none()), "");
  EXPECT_EQ(judge(nameless, sts()), "");
  nameless.starttls = StarttlsState::not_offered;
  EXPECT_EQ(judge(nameless, sts()), "sts F starttls-not-supported");
}

TEST(Evaluation, the_verdict_of_an_mta_is_of_the_policy_that_it_enforced) {
  ObservedSession seen = session();
  seen.demanded_only = true;
  seen.dane = {};
  AppliedPolicies both = dane();
  both.sts = sts().sts;
  both.precedence = Precedence::dane;
  EXPECT_EQ(judge(seen, both), "tlsa S");
  EXPECT_EQ(judge(seen, sts()), "sts S");
  seen.pkix.errors = {X509_V_ERR_CERT_HAS_EXPIRED};
  EXPECT_EQ(judge(seen, both), "tlsa F certificate-expired");
  EXPECT_EQ(judge(seen, sts()), "sts F certificate-expired");
  ObservedSession clear = session(StarttlsState::not_offered);
  clear.demanded_only = true;
  EXPECT_EQ(judge(clear, both), "tlsa F starttls-not-supported | sts F starttls-not-supported");
  both.sts = sts(StsMode::enforce, {"other.example"}).sts;
  EXPECT_EQ(judge(seen, both),
            "tlsa F certificate-expired | sts F validation-failure(mx-not-in-sts-policy)");
}

class EvaluationOfOneVerdict : public testing::Test {
 protected:
  EvaluationOfOneVerdict() {
    both_.sts = sts().sts;
    good_.demanded_only = true;
  }
  static ObservedSession bad(int error) {
    ObservedSession seen = session();
    seen.demanded_only = true;
    seen.pkix.complete = seen.dane.complete = false;
    seen.dane.errors = {error};
    if (error != X509_V_ERR_DANE_NO_MATCH) seen.pkix.errors = {error};
    return seen;
  }
  std::string judge_by(Precedence precedence, const ObservedSession& seen) {
    both_.precedence = precedence;
    return judge(seen, both_);
  }

  AppliedPolicies both_ = dane();
  ObservedSession good_ = session();
};

TEST_F(EvaluationOfOneVerdict, is_counted_under_the_policy_that_the_mta_enforces) {
  const ObservedSession expired = bad(X509_V_ERR_CERT_HAS_EXPIRED);
  EXPECT_EQ(judge_by(Precedence::sts, good_), "sts S");
  EXPECT_EQ(judge_by(Precedence::sts, expired), "sts F certificate-expired");
  EXPECT_EQ(judge_by(Precedence::dane, good_), "tlsa S");
  EXPECT_EQ(judge_by(Precedence::dane, expired), "tlsa F certificate-expired");
}

TEST_F(EvaluationOfOneVerdict, is_counted_under_neither_if_it_may_be_of_either) {
  EXPECT_EQ(judge_by(Precedence::unknown, good_), "");
  EXPECT_EQ(judge_by(Precedence::unknown, bad(X509_V_ERR_CERT_HAS_EXPIRED)), "");
  EXPECT_EQ(judge_by(Precedence::unknown, bad(X509_V_ERR_UNSPECIFIED)), "");
  EXPECT_EQ(may_deliver(good_, both_), Delivery::forbidden);
}

TEST_F(EvaluationOfOneVerdict, is_of_dane_if_nothing_else_can_fail_so) {
  const ObservedSession no_match = bad(X509_V_ERR_DANE_NO_MATCH);
  for (const Precedence precedence : {Precedence::unknown, Precedence::dane, Precedence::sts}) {
    EXPECT_EQ(judge_by(precedence, no_match), "tlsa F tlsa-invalid(tlsa-no-match)");
  }
}

TEST_F(EvaluationOfOneVerdict, is_of_nobody_knows_what_beside_a_policy_that_the_mta_may_not_see) {
  both_.sts = sts(StsMode::testing).sts;
  EXPECT_EQ(judge_by(Precedence::sts, good_), "");
  EXPECT_EQ(judge_by(Precedence::dane, good_), "tlsa S");
}

TEST_F(EvaluationOfOneVerdict, is_no_question_where_one_policy_applies_or_none_is_needed) {
  for (const Precedence precedence : {Precedence::unknown, Precedence::dane, Precedence::sts}) {
    AppliedPolicies one = dane();
    one.precedence = precedence;
    EXPECT_EQ(judge(good_, one), "tlsa S");
    one.sts = sts(StsMode::none).sts;
    EXPECT_EQ(judge(good_, one), "tlsa S");
    one = sts(StsMode::testing);
    one.precedence = precedence;
    EXPECT_EQ(judge(good_, one), "sts S");
    // Each of them wants TLS, and none came about.
    ObservedSession clear = session(StarttlsState::not_offered);
    clear.demanded_only = true;
    EXPECT_EQ(judge_by(precedence, clear),
              "tlsa F starttls-not-supported | sts F starttls-not-supported");
    EXPECT_EQ(judge_by(precedence, failed(reason::kHandshakeFailure)),
              "tlsa F validation-failure(tls-handshake-failure) | "
              "sts F validation-failure(tls-handshake-failure)");
    // Two verdicts, each with its policy.
    EXPECT_EQ(judge_by(precedence, session()), "tlsa S | sts S");
  }
}

TEST(Evaluation, an_mta_that_ends_the_session_for_the_certificate_has_seen_it) {
  ObservedSession seen = failed(reason::kHandshakeFailure);
  seen.pkix.errors = {X509_V_ERR_HOSTNAME_MISMATCH};
  EXPECT_EQ(judge(seen, sts()), "sts F certificate-host-mismatch");
  EXPECT_EQ(judge(seen, none()), "no-policy-found F certificate-host-mismatch");
}

TEST(Evaluation, outcomes_are_normalised) {
  AppliedPolicies applied = sts(StsMode::enforce, {"b.example", kMx});
  applied.sts.policy->lines = {"max_age:86400", "mx: " + kMx, "mx:B.Example", "mode: enforce",
                               "version: STSv1"};
  applied.tlsrpt_record = "v=TLSRPTv1; rua=mailto:r@rcpt.example";
  const Outcome outcome = evaluate(session(), applied);
  const std::vector<std::string> lines = {"version: STSv1", "mode: enforce", "mx: b.example",
                                          "mx: " + kMx, "max_age: 86400"};
  EXPECT_EQ(outcome.policies.at(0).policy.policy_string, lines);
  EXPECT_EQ(outcome.domain, kDomain);
  EXPECT_EQ(outcome.tlsrpt_record, applied.tlsrpt_record);
}

TEST(ReasonCode, names_are_stable) {  // R328
  EXPECT_EQ(reason::x509(X509_V_ERR_CERT_HAS_EXPIRED), "X509_V_ERR_CERT_HAS_EXPIRED");
  EXPECT_EQ(reason::x509(9999), "X509_V_ERR_9999");
  EXPECT_EQ(reason::x509(X509_V_ERR_UNSPECIFIED), "");
  EXPECT_EQ(reason::remote_alert(40), "tls-remote-alert-40-handshake-failure");
  EXPECT_EQ(reason::remote_alert(70), "tls-remote-alert-70-protocol-version");
  EXPECT_EQ(reason::remote_alert(254), "tls-remote-alert-254");
  EXPECT_EQ(reason::starttls_reply(454), "smtp-starttls-reply-code-454");
}

TEST(ReasonCode, the_manual_lists_them) {  // R328
  std::ifstream file(TEST_SOURCE_DIR "/man/opentlsrpt.7");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  for (const std::string_view code :
       {reason::kMxNotInPolicy, reason::kNoTlsaMatch, reason::kAllTlsaUnusable,
        reason::kHandshakeFailure, reason::kHandshakeTimeout, reason::kConnectionClosed,
        reason::kProtocolVersion}) {
    EXPECT_NE(page.find(code), std::string::npos) << code;
  }
  EXPECT_NE(page.find(reason::remote_alert(40)), std::string::npos);
  EXPECT_NE(page.find(reason::starttls_reply(454)), std::string::npos);
}

}  // namespace
}  // namespace tlsrpt::sender
