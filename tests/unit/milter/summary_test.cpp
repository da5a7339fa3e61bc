// SPDX-License-Identifier: BSD-2-Clause
#include "milter/summary.hpp"

#include <gtest/gtest.h>

#include "received_samples.hpp"

namespace tlsrpt::milter {
namespace {

SummaryQuestion march_question() {
  SummaryQuestion question;
  question.now = march(8) + std::chrono::hours(9);
  question.since = march(1);
  return question;
}

Summary sum_up(const std::vector<ReceivedReport>& reports,
               const SummaryQuestion& question = march_question()) {
  SummaryBuilder builder(question);
  for (const ReceivedReport& one : reports) {
    builder.add(ListedReport{1, one.provenance, one.report, one.flags});
  }
  return builder.finish();
}

PolicyResult failing(const std::string& domain, const std::string& type, std::uint64_t failed,
                     std::vector<FailureDetails> details) {
  PolicyResult result = policy_result(domain, type, 10, failed);
  result.failure_details = std::move(details);
  return result;
}

TEST(Summary, never_adds_counts_of_different_policy_types) {
  SCOPED_TRACE("R242");
  const Summary summary = sum_up(
      {received(6, "a.example", "1",
                {policy_result("x.example", "sts", 100), policy_result("x.example", "tlsa", 100)}),
       received(7, "a.example", "2", {policy_result("x.example", "sts", 5)})});
  EXPECT_EQ(summary.reports, 2u);
  ASSERT_EQ(summary.domains.size(), 2u);
  EXPECT_EQ(summary.domains[0].sessions.successful, 105u);
  EXPECT_EQ(summary.domains[1].sessions.successful, 100u);
  EXPECT_EQ(summary.by_policy_type.at("sts").successful, 105u);
  EXPECT_EQ(summary.by_policy_type.at("tlsa").successful, 100u);
  ASSERT_EQ(summary.reporters.size(), 1u);
  EXPECT_EQ(summary.reporters[0].by_policy_type.at("tlsa").successful, 100u);
  EXPECT_FALSE(summary.failing());
}

TEST(Summary, shows_failures_that_no_details_explain_and_never_fewer_than_none) {
  SCOPED_TRACE("R243");
  const Summary summary =
      sum_up({received(6, "a.example", "1",
                       {failing("x.example", "sts", 5, {failure("tlsa-invalid", 2)})}),
              received(7, "a.example", "2",
                       {failing("y.example", "sts", 1, {failure("tlsa-invalid", 4)})})});
  ASSERT_EQ(summary.domains.size(), 2u);
  EXPECT_EQ(summary.domains[0].sessions.failed, 5u);
  EXPECT_EQ(summary.domains[0].sessions.unexplained, 3u);
  EXPECT_EQ(summary.domains[1].sessions.failed, 4u);
  EXPECT_EQ(summary.domains[1].sessions.unexplained, 0u);
  EXPECT_TRUE(summary.failing());
}

TEST(Summary, joins_failures_that_reporters_describe_alike) {
  FailureDetails shouted = failure("Certificate-Expired", 2);
  const Summary summary =
      sum_up({received(6, "a.example", "1",
                       {failing("x.example", "sts", 1, {failure("certificate-expired", 1)})}),
              received(6, "b.example", "1", {failing("x.example", "sts", 2, {shouted})}),
              received(6, "b.example", "2",
                       {failing("x.example", "sts", 9, {failure("validation-failure", 9)})})});
  ASSERT_EQ(summary.failures.size(), 2u);
  EXPECT_EQ(summary.failures[0].result_type, "validation-failure");
  EXPECT_EQ(summary.failures[1].result_type, "certificate-expired");
  EXPECT_EQ(summary.failures[1].sessions, 3u);
  EXPECT_EQ(summary.failures[1].reporters, (std::set<std::string>{"a.example", "b.example"}));
}

TEST(Summary, puts_failing_domains_first) {
  const Summary summary = sum_up(
      {received(6, "s.example", "1",
                {policy_result("b.example", "sts", 1), policy_result("c.example", "sts", 1, 1)})});
  ASSERT_EQ(summary.domains.size(), 2u);
  EXPECT_EQ(summary.domains[0].policy_domain, "c.example");
  EXPECT_EQ(summary.domains[1].policy_domain, "b.example");
}

TEST(Summary, keeps_what_is_about_domains_of_others_apart) {
  SCOPED_TRACE("R228");
  SummaryQuestion question = march_question();
  question.policy_domains = {"b.example", "mx.b.example"};
  PolicyResult foreign = policy_result("a.example", "sts", 1, 9);
  foreign.failure_details = {failure("certificate-expired", 9)};
  const std::vector<ReceivedReport> reports = {
      received(6, "s.example", "1",
               {foreign, policy_result("b.example", "sts", 1),
                policy_result("mx.b.example", "tlsa", 1)}),
      received(6, "t.example", "2", {foreign, policy_result("", "sts", 7)}),
      received(6, "s.example", "3", {})};
  Summary summary = sum_up(reports, question);
  EXPECT_EQ(summary.quarantined, 2u);
  EXPECT_EQ(summary.quarantined_domains, (std::set<std::string>{"", "a.example"}));
  EXPECT_EQ(summary.reports, 2u);
  EXPECT_EQ(summary.without_policies, 1u);
  ASSERT_EQ(summary.reporters.size(), 1u);
  EXPECT_EQ(summary.reporters[0].by_policy_type.at("sts").successful, 1u);
  EXPECT_EQ(summary.by_policy_type.at("sts").failed, 0u);
  EXPECT_EQ(summary.domains.size(), 2u);
  EXPECT_TRUE(summary.failures.empty());

  question.policy_domains.emplace_back("a.example");
  summary = sum_up(reports, question);
  EXPECT_EQ(summary.by_policy_type.at("sts").failed, 18u)
      << "adding a domain brings its reports in";
  EXPECT_EQ(summary.quarantined, 1u);

  question.domain = "c.example";
  EXPECT_EQ(sum_up(reports, question).quarantined, 0u) << "not what was asked for";
}

TEST(Summary, keeps_to_the_domain_that_was_asked_for) {
  SummaryQuestion question = march_question();
  question.domain = "x.example";
  const Summary summary = sum_up(
      {received(6, "s.example", "1",
                {policy_result("x.example", "sts", 1), policy_result("y.example", "sts", 7, 1)})},
      question);
  ASSERT_EQ(summary.domains.size(), 1u);
  EXPECT_EQ(summary.reporters[0].by_policy_type.at("sts").successful, 1u);
  EXPECT_FALSE(summary.failing());
}

TEST(Summary, tells_silent_reporters_from_those_without_failures) {
  SummaryQuestion question = march_question();
  question.since = march(5);
  const Summary summary =
      sum_up({received(2, "old.example", "1", {policy_result("x.example", "", 1)}),
              received(7, "new.example", "1", {policy_result("x.example", "", 1)})},
             question);
  EXPECT_EQ(summary.reports, 1u);
  ASSERT_EQ(summary.silent.size(), 1u);
  EXPECT_EQ(summary.silent[0].submitter, "old.example");
  EXPECT_EQ(summary.silent[0].newest_end, march(3) - std::chrono::seconds(1));
}

TEST(Summary, a_range_that_ends_with_the_first_midnight_is_not_about_the_first_day) {
  ReceivedReport report = received(1, "a.example", "1", {policy_result("x.example", "sts", 1)});
  report.report.date_range.end_datetime = march(2);
  SummaryQuestion question = march_question();
  question.since = march(2);
  EXPECT_EQ(sum_up({report}, question).reports, 0u);
  question.since = march(1);
  EXPECT_EQ(sum_up({report}, question).reports, 1u);
}

TEST(Summary, counts_the_signature_verdicts_of_each_reporter) {
  ReceivedReport unsigned_report = received(6, "a.example", "2", {});
  unsigned_report.provenance.dkim = DkimStatus::none;
  const Summary summary = sum_up({received(6, "a.example", "1", {}), unsigned_report});
  ASSERT_EQ(summary.reporters.size(), 1u);
  EXPECT_EQ(summary.reporters[0].dkim.at(DkimStatus::pass), 1u);
  EXPECT_EQ(summary.reporters[0].dkim.at(DkimStatus::none), 1u);
  EXPECT_EQ(summary.without_policies, 2u);
}

TEST(Summary, saturates_instead_of_wrapping) {
  constexpr std::uint64_t kMost = ~std::uint64_t{0};
  const Summary summary =
      sum_up({received(6, "a.example", "1", {policy_result("x.example", "sts", kMost)}),
              received(7, "a.example", "2", {policy_result("x.example", "sts", 7)})});
  EXPECT_EQ(summary.domains[0].sessions.successful, kMost);
}

TEST(Summary, is_bounded_against_floods_of_distinct_entries) {
  std::vector<PolicyResult> results;
  for (std::size_t i = 0; i < SummaryBuilder::kMaxGroups + 10; ++i) {
    results.push_back(policy_result(std::to_string(i) + ".example", "sts", 1));
  }
  const Summary summary = sum_up({received(6, "a.example", "1", std::move(results))});
  EXPECT_EQ(summary.domains.size(), SummaryBuilder::kMaxGroups);
  EXPECT_EQ(summary.left_out, 10u);
}

TEST(Summary, counts_refused_inputs_by_reason) {
  SummaryBuilder builder(march_question());
  ListedRefusal refusal;
  refusal.refusal = Refusal::not_json;
  refusal.times = 3;
  builder.add(refusal);
  builder.add(refusal);
  EXPECT_EQ(builder.finish().refused.at(Refusal::not_json), 6u);
}

}  // namespace
}  // namespace tlsrpt::milter
