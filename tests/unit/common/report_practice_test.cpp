// SPDX-License-Identifier: BSD-2-Clause

// What RFC 8460 allows, or every large sender does, is no oddity: it leaves no flag.

#include <gtest/gtest.h>

#include "tests/unit/common/report_json.hpp"

namespace tlsrpt {
namespace {

TEST(ReportPractice, the_order_of_members_means_nothing) {  // R51
  const ReadOutcome outcome = read_one(
      R"({"policies":[{"failure-details":[{"failed-session-count":2,"result-type":"sts-webpki-invalid"}],)"
      R"("summary":{"total-failure-session-count":2,"total-successful-session-count":7},)"
      R"("policy":{"policy-domain":"example.com","policy-type":"sts"}}],"report-id":"1",)"
      R"("contact-info":"tls@sender.example","date-range":{"end-datetime":"2026-03-01T23:59:59Z",)"
      R"("start-datetime":"2026-03-01T00:00:00Z"},"organization-name":"Sender"})");
  ASSERT_TRUE(outcome.accepted()) << outcome.detail;
  EXPECT_EQ(outcome.flags.words(), Words{});
  EXPECT_EQ(outcome.report.policies[0].policy.policy_domain, "example.com");
  EXPECT_EQ(outcome.report.policies[0].total_successful_session_count, 7u);
  EXPECT_EQ(outcome.report.policies[0].failure_details[0].failed_session_count, 2u);
}

TEST(ReportPractice, unknown_members_are_ignored_at_each_level) {  // R52
  const std::string extra = R"("x":{"policies":[1,{"report-id":"2"}]},"y":null,)";
  std::string json = kGood;
  for (std::size_t at = json.find('{'); at != std::string::npos; at = json.find('{', at + 1)) {
    json.insert(at + 1, extra);
    at += extra.size();
  }
  const ReadOutcome outcome = read_one(json);
  ASSERT_TRUE(outcome.accepted()) << outcome.detail;
  EXPECT_EQ(outcome.flags.words(), Words{});
  EXPECT_TRUE(outcome.report == read_one(kGood).report) << json;
}

TEST(ReportPractice, failure_details_may_be_absent_or_empty) {  // R88
  for (const char* details : {"", "[]"}) {
    const ReadOutcome outcome =
        read_one(report("[" + policy_result(kPolicyMembers, kTotals, details) + "]"));
    ASSERT_TRUE(outcome.accepted()) << outcome.detail;
    EXPECT_EQ(outcome.flags.words(), Words{}) << details;
  }
}

TEST(ReportPractice, details_need_not_add_up_to_the_total) {  // R102, R243
  for (const char* count : {"1", "2", "500"}) {
    const ReadOutcome outcome = read_one(with_details(
        std::string(R"("result-type":"certificate-expired","failed-session-count":)") + count));
    ASSERT_TRUE(outcome.accepted()) << outcome.detail;
    EXPECT_EQ(outcome.flags.words(), Words{}) << count;
    EXPECT_EQ(outcome.report.policies[0].total_failure_session_count, 2u);
  }
}

TEST(ReportPractice, one_domain_may_have_several_policies) {  // R104, R242
  const std::string one = policy_result(kPolicyMembers, kTotals);
  const ReadOutcome outcome = read_one(report("[" + one + "," + one + "]"));
  ASSERT_TRUE(outcome.accepted()) << outcome.detail;
  EXPECT_EQ(outcome.flags.words(), Words{});
  ASSERT_EQ(outcome.report.policies.size(), 2u);
  for (const PolicyResult& result : outcome.report.policies) {
    EXPECT_EQ(result.total_successful_session_count, 7u);
  }
}

}  // namespace
}  // namespace tlsrpt
