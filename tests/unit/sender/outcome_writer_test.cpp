// SPDX-License-Identifier: BSD-2-Clause
#include "sender/outcome_writer.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/result_type.hpp"

namespace tlsrpt::sender {
namespace {

FailureDetails detail(std::string_view result_type, std::string reason = {}) {
  FailureDetails details;
  details.result_type = result_type;
  details.failed_session_count = 1;
  details.failure_reason_code = std::move(reason);
  return details;
}

Policy sts_policy() {
  return {"sts",
          {"version: STSv1", "mode: enforce", "mx: *.a.example", "max_age: 86400", "note: \"x\""},
          "a.example",
          {"*.a.example", "mx.b.example"}};
}

Outcome outcome_of(std::vector<PolicyOutcome> policies) {
  return {"a.example", "v=TLSRPTv1; rua=mailto:r@a.example", std::move(policies)};
}

void expect_same(const Outcome& outcome) {
  const std::string text = write_outcome(outcome);
  EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; }))
      << text;
  const ReadOutcomeResult read = read_outcome(text);
  EXPECT_TRUE(read.bad.empty()) << read.detail << "\n" << text;
  EXPECT_EQ(read.outcome, outcome) << text;
}

TEST(OutcomeWriter, is_read_back_for_each_result_type) {
  for (const std::string_view type : kResultTypes) {  // R89
    expect_same(outcome_of({{sts_policy(), true, {detail(type), detail(type, "a-reason")}}}));
  }
}

TEST(OutcomeWriter, is_read_back_with_each_member_of_a_failure) {
  FailureDetails details = detail("certificate-expired", "X509_V_ERR_CERT_HAS_EXPIRED");
  details.sending_mta_ip = "192.0.2.1";
  details.receiving_mx_hostname = "mx.a.example";
  details.receiving_mx_helo = "250";
  details.receiving_ip = "2001:db8::1";
  details.additional_information =
      "https://a.example/gr\xc3\xbc\xc3\x9f"
      "e?\"\\";
  expect_same(outcome_of({{sts_policy(), true, {details}}}));
  details.receiving_mx_helo = "mx.a.example";
  expect_same(outcome_of({{sts_policy(), true, {details}}}));
}

TEST(OutcomeWriter, is_read_back_for_each_policy_type) {
  const Policy tlsa{"tlsa", {"2 0 1 AB", "3 1 1 CD"}, "mx.a.example", {}};
  const Policy none{"no-policy-found", {}, "a.example", {}};
  const Policy bare{"sts", {}, "a.example", {}};
  for (const Policy& policy : {tlsa, none, bare, sts_policy()}) {
    expect_same(outcome_of({{policy, false, {}}}));
    expect_same(outcome_of({{policy, true, {}}}));
  }
  expect_same(outcome_of({{sts_policy(), true, {detail("sts-policy-fetch-error", "timeout")}},
                          {tlsa, false, {}},
                          {none, false, {detail("dnssec-invalid")}}}));
}

TEST(OutcomeWriter, keeps_what_the_reader_did_not_know) {
  const ReadOutcomeResult read =
      read_outcome(R"({"d":"a.example","policies":[{"policy-type":7,"policy-string":["x"],)"
                   R"("failure-details":[{"c":999,"f":"why"}],"f":1}]})");
  ASSERT_EQ(read.outcome.policies.size(), 1u);
  EXPECT_EQ(read_outcome(write_outcome(read.outcome)).outcome, read.outcome);
}

TEST(OutcomeWriter, is_read_back_without_a_record_or_policies) {
  Outcome outcome = outcome_of({{sts_policy(), false, {}}});
  outcome.tlsrpt_record.clear();
  expect_same(outcome);
  EXPECT_EQ(read_outcome(write_outcome(outcome_of({}))).outcome.domain, "a.example");
}

TEST(OutcomeWriter, stays_within_what_the_reader_takes) {
  PolicyOutcome policy{sts_policy(), true, {}};
  for (int i = 0; i < 600; ++i) {
    policy.policy.policy_string.push_back(fmt::format("x{}: ", i) + std::string(5000, '\xff'));
    policy.failure_details.push_back(detail("validation-failure", fmt::format("reason-{}", i)));
  }
  Outcome outcome = outcome_of(std::vector<PolicyOutcome>(70, policy));
  outcome.tlsrpt_record = "v=TLSRPTv1; rua=mailto:" + std::string(5000, 'a') + "@a.example";
  const std::string text = write_outcome(outcome);
  EXPECT_LE(text.size(), 200u << 10);
  const ReadOutcomeResult read = read_outcome(text);
  EXPECT_TRUE(read.bad.empty()) << read.detail;
  EXPECT_EQ(read.outcome.policies.size(), 64u);
  EXPECT_TRUE(read.outcome.policies.front().failed);
  EXPECT_EQ(read.outcome.tlsrpt_record, "");
}

}  // namespace
}  // namespace tlsrpt::sender
