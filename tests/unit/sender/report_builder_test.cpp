// SPDX-License-Identifier: BSD-2-Clause
#include "sender/report_builder.hpp"

#include <algorithm>
#include <random>
#include <set>

#include "common/gzip.hpp"
#include "common/report_mail.hpp"
#include "common/report_writer.hpp"
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

// R55, R56: whenever it is built
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

// R64, R65
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

TEST(ReportBuilder, a_year_of_reports_to_many_domains_has_no_id_twice) {  // R64
  std::set<std::string> ids;
  for (int days = 0; days < 365; ++days) {
    for (int domain = 0; domain < 100; ++domain) {
      const Day when = day("2026-01-01") + std::chrono::days(days);
      // The digest alone has to differ: longer domains leave nothing else.
      const std::string id =
          make_report_id(when, fmt::format("d{}.example", domain), "sender.example", "mx").value();
      ids.insert(id.substr(id.rfind('.', id.find('@')) + 1));
    }
  }
  EXPECT_EQ(ids.size(), 365u * 100u);
}

TEST(ReportBuilder, the_longest_domains_still_give_a_report_id_that_fits) {
  const std::string label(60, 'a');
  const std::string domain = label + "." + label + "." + label + "." + label + ".example";
  const auto id = make_report_id(day("2026-03-01"), domain, "sender.example", "mx");
  ASSERT_TRUE(id);
  EXPECT_LE(id->size(), kMaxReportId);
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

TEST(ReportBuilder, the_longest_submitter_still_gives_a_report_id_that_a_mail_may_carry) {
  const std::string label(60, 'a');
  const std::string longest = label + "." + label + "." + label + "." + label + ".example.a";
  ASSERT_EQ(longest.size(), 253u);
  ReportMail mail;
  mail.from = "tlsrpt@sender.example";
  mail.to = "tls@rcpt.example";
  mail.report_domain = longest;
  mail.submitter = longest;
  mail.report_id = make_report_id(day("2026-03-01"), longest, longest, "mx").value();
  const auto message = compose_report_mail(mail);
  EXPECT_TRUE(message) << "R65, R124: " << message.error().detail;
}

/// One session of a day with two policies of one domain, of which the second one was changed.
std::vector<CountedOutcome> sessions_of_a_day() {
  std::vector<CountedOutcome> all;
  for (const std::string mode : {"testing", "enforce"}) {
    for (const std::string reason : {"", "why", "w\u00ebird"}) {
      Outcome seen = outcome("rcpt.example", /*failed=*/true);
      seen.policies[0].failure_details[0].result_type = "validation-failure";
      seen.policies[0].failure_details[0].failure_reason_code = reason;
      PolicyOutcome sts;
      sts.policy = {"sts", {"version: STSv1", "mode: " + mode}, "rcpt.example", {}};
      seen.policies.push_back(sts);
      all.push_back({day("2026-03-01"), seen, 2});
    }
  }
  return all;
}

Report report_of(const std::vector<CountedOutcome>& outcomes) {
  const TempDir folder;
  auto store =
      OutboundStore::open(folder.path() + "/outbound.db", SqliteMode::read_write_create).value();
  for (const CountedOutcome& counted : outcomes) EXPECT_TRUE(store.add({counted}, {}, {}));
  const DomainDay data = store.load(day("2026-03-01"), "rcpt.example").value();
  return draft_report(data, test_settings().identity, "mx").value();
}

TEST(ReportBuilder, the_same_counts_give_the_same_bytes_whatever_came_first) {
  std::vector<CountedOutcome> outcomes = sessions_of_a_day();
  const std::string first = write_report(report_of(outcomes));
  std::mt19937 random(8460);
  for (int i = 0; i < 10; ++i) {
    std::shuffle(outcomes.begin(), outcomes.end(), random);
    const std::string again = write_report(report_of(outcomes));
    EXPECT_EQ(again, first);
    EXPECT_EQ(gzip(again), gzip(first));
  }
}

TEST(ReportBuilder, a_policy_that_was_changed_within_the_day_stands_there_twice) {  // R104, R105
  const Report report = report_of(sessions_of_a_day());
  ASSERT_EQ(report.policies.size(), 3u);
  EXPECT_EQ(report.policies[0].policy.policy_type, "no-policy-found");
  EXPECT_EQ(report.policies[0].total_failure_session_count, 12u);
  EXPECT_EQ(report.policies[1].policy.policy_string.back(), "mode: enforce");
  EXPECT_EQ(report.policies[2].policy.policy_string.back(), "mode: testing");
  EXPECT_EQ(report.policies[1].total_successful_session_count, 6u);
  EXPECT_EQ(report.policies[2].total_successful_session_count, 6u);
}

TEST(ReportBuilder, what_a_report_may_not_say_is_decided_when_it_is_built) {  // R99
  const Report report = report_of(sessions_of_a_day());
  std::vector<std::string> reasons;
  for (const FailureDetails& details : report.policies.at(0).failure_details)
    reasons.push_back(details.failure_reason_code);
  EXPECT_EQ(reasons, (std::vector<std::string>{"unspecified", "w?ird", "why"}));
}

}  // namespace
}  // namespace tlsrpt::sender
