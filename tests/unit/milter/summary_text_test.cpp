// SPDX-License-Identifier: BSD-2-Clause
#include "milter/summary_text.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "received_samples.hpp"

namespace tlsrpt::milter {
namespace {

Summary sum_up(const std::vector<ReceivedReport>& reports) {
  SummaryQuestion question;
  question.now = march(8) + std::chrono::hours(9);
  question.since = march(5);
  SummaryBuilder builder(question);
  for (const ReceivedReport& one : reports) {
    builder.add(ListedReport{1, one.provenance, one.report, one.flags});
  }
  if (!reports.empty()) {
    ListedRefusal refusal;
    refusal.refusal = Refusal::not_authentic;
    builder.add(refusal);
  }
  return builder.finish();
}

std::vector<ReceivedReport> bad_week() {
  FailureDetails details = failure("certificate-expired", 2);
  details.receiving_mx_hostname = "mx1.x.example";
  details.receiving_ip = "192.0.2.1";
  details.failure_reason_code = "X509_V_ERR_CERT_HAS_EXPIRED";
  PolicyResult sts = policy_result("x.example", "sts", 1997, 3);
  sts.failure_details = {details};
  return {received(7, "a.example", "1", {sts, policy_result("mx1.x.example", "tlsa", 2000)}),
          received(6, "b.example", "1", {policy_result("x.example", "sts", 40)}),
          received(2, "quiet.example", "1", {policy_result("x.example", "sts", 1)})};
}

TEST(SummaryText, says_what_a_failure_means_under_dane) {  // R256
  PolicyResult sts = policy_result("x.example", "sts", 0, 1);
  sts.failure_details = {failure("validation-failure", 1)};
  PolicyResult tlsa = policy_result("mx1.x.example", "tlsa", 0, 4);
  tlsa.failure_details = {failure("validation-failure", 2), failure("certificate-expired", 2)};
  const std::string text = summary_text(sum_up({received(7, "a.example", "1", {sts, tlsa})}));
  const std::size_t dane = text.find("\nvalidation-failure: DANE authentication failed");
  const std::size_t other = text.find("\nvalidation-failure: TLS failed");
  ASSERT_NE(dane, std::string::npos) << text;
  ASSERT_NE(other, std::string::npos) << text;
  EXPECT_LT(dane, other) << "it has more sessions";
  EXPECT_NE(text.find("\ncertificate-expired: the MX's certificate has expired\n"),
            std::string::npos)
      << text;
}

TEST(SummaryText, is_not_flooded_by_types_that_a_sender_makes_up) {
  std::vector<PolicyResult> policies = {policy_result("x.example", "tlsa", 7)};
  for (int i = 0; i < 500; ++i) {
    policies.push_back(
        policy_result("x.example", fmt::format("a{}{}", i, std::string(4000, 'a')), 1, 1));
    // Three bytes each, so that no bound in bytes falls between two of them.
    std::string type = std::to_string(i);
    for (int j = 0; j < 1000; ++j) type += "\xe2\x82\xac";
    policies.back().failure_details = {failure(type, 1)};
  }
  const std::string text = summary_text(sum_up({received(7, "a.example", "1", policies)}));
  EXPECT_LT(text.size(), 40'000u);
  EXPECT_NE(text.find("All 7 sessions under tlsa were safe.\n"), std::string::npos);
  EXPECT_NO_THROW(nlohmann::json(text).dump()) << "it is UTF-8";
}

TEST(SummaryText, shows_failures_before_everything_else) {
  EXPECT_EQ(summary_text(sum_up(bad_week())),
            R"(TLS reports with days since 2026-03-05
2 reports from 2 reporters, 2026-03-06 to 2026-03-07; the newest arrived 2026-03-08 07:00 UTC

FAILURES under sts: 3 of 2,040 sessions failed (99.85 % successful).
All 2,000 sessions under tlsa were safe.
(A session may be counted under sts and tlsa: these numbers are not to be added.)

FAILURES

certificate-expired: the MX's certificate has expired
  SESSIONS  DOMAIN     POLICY  MX             ADDRESS    REASON                       REPORTED BY
         2  x.example  sts     mx1.x.example  192.0.2.1  X509_V_ERR_CERT_HAS_EXPIRED  a.example

Unexplained: failed sessions that were counted, but not described
  SESSIONS  DOMAIN     POLICY
         1  x.example  sts

DOMAINS
  DOMAIN         POLICY  SUCCESSFUL  FAILED  SUCCESS RATE
  x.example      sts          2,037       3       99.85 %
  mx1.x.example  tlsa         2,000       0         100 %

REPORTERS
  REPORTER   ORGANIZATION   REPORTS  NEWEST DAY  POLICY  SESSIONS  FAILED  DKIM
  a.example  a.example Ltd        1  2026-03-07  sts        2,000       3  pass
                                                 tlsa       2,000       0
  b.example  b.example Ltd        1  2026-03-06  sts           40       0  pass

SILENT: reported before, but not about the last three days
  REPORTER       LAST DAY REPORTED
  quiet.example  2026-03-02

REFUSED (list --rejected shows each)
  INPUTS  REASON
       1  not-authentic
)");
}

TEST(SummaryText, says_that_all_sessions_were_safe) {
  const std::string text = summary_text(
      sum_up({received(7, "a.example", "1", {policy_result("x.example", "sts", 1203)})}));
  EXPECT_NE(text.find("\nAll 1,203 sessions under sts were safe.\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("FAILURES"), std::string::npos);
}

TEST(SummaryText, never_calls_safe_what_was_described_as_a_failure) {
  PolicyResult described = policy_result("x.example", "sts", 10);
  described.failure_details = {failure("validation-failure", 0)};
  const std::string text = summary_text(sum_up({received(7, "a.example", "1", {described})}));
  EXPECT_EQ(text.find("safe"), std::string::npos) << text;
  EXPECT_NE(text.find("validation-failure"), std::string::npos);
}

TEST(SummaryText, says_when_no_report_came) {
  EXPECT_EQ(summary_text(sum_up({})),
            "TLS reports with days since 2026-03-05\nNo report has come for these days.\n");
}

TEST(SummaryText, escapes_every_text_of_a_stranger) {
  SCOPED_TRACE("R237");
  const std::string evil = "\x1b]0;x\x07\n\xe2\x80\xae";
  PolicyResult result = policy_result(evil, evil, 1, 2);
  FailureDetails details = failure(evil, 1);
  details.receiving_mx_hostname = evil;
  details.receiving_ip = evil;
  details.failure_reason_code = evil;
  result.failure_details = {details};
  ReceivedReport report = received(7, evil, evil, {result});
  const std::string text = summary_text(sum_up({report}));
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\x07'), std::string::npos);
  EXPECT_EQ(text.find("\xe2\x80\xae"), std::string::npos);
}

TEST(SummaryText, shows_what_was_only_counted_behind_what_was_refused) {
  SummaryQuestion question;
  question.now = march(8);
  question.since = march(5);
  SummaryBuilder builder(question);
  ListedRefusal refusal;
  refusal.refusal = Refusal::not_authentic;
  builder.add(refusal);
  builder.set_counters({{"mails_seen", 9}, {"put_off_over_limit", 3}});
  const Summary summary = builder.finish();
  const std::string text = summary_text(summary);
  EXPECT_NE(text.find("\nNOT TAKEN"), std::string::npos) << text;
  EXPECT_GT(text.find("\nNOT TAKEN"), text.find("\nREFUSED"));
  const auto object = nlohmann::json::parse(summary_json(summary));
  EXPECT_EQ(object["counters"], (nlohmann::json{{"mails_seen", 9}, {"put_off_over_limit", 3}}));
}

TEST(SummaryJson, has_the_same_numbers) {
  const auto object = nlohmann::json::parse(summary_json(sum_up(bad_week())));
  EXPECT_EQ(object["reports"], 2);
  EXPECT_EQ(object["since"], "2026-03-05T00:00:00Z");
  EXPECT_EQ(object["sessions"][0]["policy-type"], "sts");
  EXPECT_EQ(object["sessions"][0]["failed"], 3);
  EXPECT_EQ(object["failures"][0]["receiving-ip"], "192.0.2.1");
  EXPECT_EQ(object["failures"][0]["reporters"][0], "a.example");
  EXPECT_EQ(object["reporters"][0]["dkim"]["pass"], 1);
  EXPECT_EQ(object["silent"][0]["submitter"], "quiet.example");
  EXPECT_EQ(object["refused"]["not-authentic"], 1);
}

TEST(SummaryJson, is_valid_whatever_strangers_wrote) {
  const auto object = nlohmann::json::parse(summary_json(
      sum_up({received(7, "\xff\x1b", "1", {policy_result("\xc3", "s\xfft", 1, 1)})})));
  EXPECT_EQ(object["reports"], 1);
}

}  // namespace
}  // namespace tlsrpt::milter
