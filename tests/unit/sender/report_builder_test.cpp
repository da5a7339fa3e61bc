// SPDX-License-Identifier: BSD-2-Clause
#include "sender/report_builder.hpp"

#include "tests/unit/sender/sending_house.hpp"

namespace tlsrpt::sender {
namespace {

DomainDay domain_day() {
  DomainDay result;
  result.day = day("2026-03-01");
  result.domain = "rcpt.example";
  PolicyResult policy;
  policy.policy.policy_type = "sts";
  policy.policy.policy_domain = "rcpt.example";
  policy.total_successful_session_count = 7;
  policy.total_failure_session_count = 2;
  for (const char* host : {"mx1.rcpt.example", "mx2.rcpt.example"}) {
    FailureDetails details;
    details.result_type = "certificate-expired";
    details.receiving_mx_hostname = host;
    details.failed_session_count = 1;
    policy.failure_details.push_back(details);
  }
  result.policies.push_back(policy);
  return result;
}

TEST(ReportBuilder, the_range_is_the_stored_day_from_first_to_last_second) {
  const DateRange range = date_range_of(day("2026-02-28"));
  EXPECT_EQ(format_rfc3339(range.start_datetime), "2026-02-28T00:00:00Z");
  EXPECT_EQ(format_rfc3339(range.end_datetime), "2026-02-28T23:59:59Z");
}

TEST(ReportBuilder, a_report_says_who_about_what_and_holds_every_policy) {
  const DomainDay data = domain_day();
  const Report report = build_report(data, test_settings().identity, "id@sender.example");
  EXPECT_EQ(report.organization_name, "Sender Org");
  EXPECT_EQ(report.contact_info, "tlsrpt@sender.example");
  EXPECT_EQ(report.report_id, "id@sender.example");
  EXPECT_EQ(report.policies, data.policies);
  EXPECT_EQ(report.date_range, date_range_of(data.day));
}

TEST(ReportBuilder, a_report_id_is_the_same_for_the_same_and_differs_for_anything_else) {
  const auto id = [](std::string_view when, std::string_view domain, std::string_view host) {
    return make_report_id(day(when), domain, "sender.example", host).value();
  };
  const std::string first = id("2026-03-01", "rcpt.example", "mx1");
  EXPECT_EQ(first, id("2026-03-01", "rcpt.example", "mx1"));
  EXPECT_NE(first, id("2026-03-02", "rcpt.example", "mx1"));
  EXPECT_NE(first, id("2026-03-01", "other.example", "mx1"));
  EXPECT_NE(first, id("2026-03-01", "rcpt.example", "mx2"));
  EXPECT_TRUE(first.starts_with("20260301.rcpt.example.")) << first;
  EXPECT_TRUE(first.ends_with("@sender.example")) << first;
  EXPECT_EQ(first.find_first_of(":<> "), std::string::npos) << "R124: " << first;
}

TEST(ReportBuilder, the_longest_domains_still_give_a_report_id_that_fits) {
  const std::string label(60, 'a');
  const std::string domain = label + "." + label + "." + label + "." + label + ".example";
  const auto id = make_report_id(day("2026-03-01"), domain, "sender.example", "mx");
  ASSERT_TRUE(id);
  EXPECT_LE(id->size(), 255u);
  EXPECT_NE(*id, make_report_id(day("2026-03-01"), "b" + domain.substr(1), "sender.example", "mx"));
}

TEST(ReportBuilder, failures_are_seen_in_counts_and_in_details) {
  DomainDay data = domain_day();
  EXPECT_TRUE(has_failures(data));
  data.policies[0].total_failure_session_count = 0;
  EXPECT_TRUE(has_failures(data)) << "details without a failed session count as well";
  data.policies[0].failure_details.clear();
  EXPECT_FALSE(has_failures(data));
}

TEST(ReportBuilder, the_summary_adds_failures_by_type) {
  const Report report = build_report(domain_day(), test_settings().identity, "id@sender.example");
  const std::string text = summarize(report, "rcpt.example");
  EXPECT_NE(text.find("Policy sts for rcpt.example:\n  7 sessions succeeded, 2 failed\n"
                      "  certificate-expired: 2 sessions\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("2026-03-01T00:00:00Z to 2026-03-01T23:59:59Z"), std::string::npos);
}

TEST(ReportBuilder, the_summary_stays_short_and_harmless_whatever_the_report_holds) {
  DomainDay data = domain_day();
  data.policies[0].failure_details[0].result_type = "evil\n--boundary\x1b[2J";
  data.policies.resize(5000, data.policies[0]);
  const Report report = build_report(data, test_settings().identity, "id@sender.example");
  const std::string text = summarize(report, "rcpt.example");
  EXPECT_LT(text.size(), 8192u);
  EXPECT_EQ(text.find("\n--boundary"), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(text.find("4980 more"), std::string::npos);
}

}  // namespace
}  // namespace tlsrpt::sender
