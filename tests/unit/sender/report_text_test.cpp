// SPDX-License-Identifier: BSD-2-Clause
#include "sender/report_text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace tlsrpt::sender {
namespace {

FailureDetails failure(std::string result_type, std::uint64_t sessions, std::string host = "",
                       std::string reason = "") {
  FailureDetails details;
  details.result_type = std::move(result_type);
  details.receiving_mx_hostname = std::move(host);
  details.failure_reason_code = std::move(reason);
  details.failed_session_count = sessions;
  return details;
}

PolicyResult policy(std::string type, std::string domain, std::uint64_t successful,
                    std::uint64_t failed) {
  PolicyResult result;
  result.policy.policy_type = std::move(type);
  result.policy.policy_domain = std::move(domain);
  result.total_successful_session_count = successful;
  result.total_failure_session_count = failed;
  return result;
}

Report report(std::vector<PolicyResult> policies) {
  Report report;
  report.organization_name = "Sender Org";
  report.contact_info = "tlsrpt@sender.example";
  report.report_id = "20260301.rcpt.example.1@sender.example";
  const Seconds midnight{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1}};
  report.date_range = {midnight, midnight + std::chrono::seconds{86399}};
  report.policies = std::move(policies);
  return report;
}

std::string about_one_policy(const PolicyResult& result) {
  return summarize(report({result}), "rcpt.example");
}

bool has_line(const std::string& text, const std::string& wanted) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line == wanted) return true;
  return false;
}

TEST(ReportText, tells_what_comes_why_and_what_went_wrong) {  // R113
  PolicyResult tlsa = policy("tlsa", "mx2.rcpt.example", 41, 0);
  PolicyResult sts = policy("sts", "rcpt.example", 7, 2);
  sts.failure_details = {
      failure("certificate-expired", 1, "mx1.rcpt.example", "X509_V_ERR_CERT_HAS_EXPIRED"),
      failure("sts-policy-fetch-error", 3)};
  EXPECT_EQ(summarize(report({tlsa, sts}), "rcpt.example"),
            "This is a report about TLS in mail that was sent to rcpt.example (SMTP\n"
            "TLS Reporting, RFC 8460). It comes because the DNS record\n"
            "_smtp._tls.rcpt.example asks for such reports.\n"
            "\n"
            "From:      Sender Org\n"
            "About:     rcpt.example\n"
            "Day:       Sun, 01 Mar 2026, the whole day in UTC\n"
            "Report-ID: 20260301.rcpt.example.1@sender.example\n"
            "\n"
            "MTA-STS policy of rcpt.example\n"
            "  9 sessions: 7 succeeded, 2 failed; success rate 77.7%\n"
            "  - 3 sessions: sts-policy-fetch-error\n"
            "    (the MTA-STS policy could not be fetched over HTTPS)\n"
            "  - 1 session: certificate-expired at mx1.rcpt.example, reason\n"
            "    X509_V_ERR_CERT_HAS_EXPIRED\n"
            "    (the MX's certificate has expired)\n"
            "\n"
            "DANE (TLSA records) of mx2.rcpt.example\n"
            "  41 sessions: 41 succeeded, 0 failed; success rate 100%\n"
            "\n"
            "What to do: repair what is named above; the report about the day after\n"
            "the repair shows whether it helped.\n"
            "\n"
            "The attached file holds the whole report as JSON, packed with gzip.\n"
            "Questions and complaints: tlsrpt@sender.example\n");
}

TEST(ReportText, tells_that_nothing_has_to_be_done) {
  EXPECT_EQ(about_one_policy(policy("no-policy-found", "rcpt.example", 1, 0)),
            "This is a report about TLS in mail that was sent to rcpt.example (SMTP\n"
            "TLS Reporting, RFC 8460). It comes because the DNS record\n"
            "_smtp._tls.rcpt.example asks for such reports.\n"
            "\n"
            "From:      Sender Org\n"
            "About:     rcpt.example\n"
            "Day:       Sun, 01 Mar 2026, the whole day in UTC\n"
            "Report-ID: 20260301.rcpt.example.1@sender.example\n"
            "\n"
            "No policy found for rcpt.example (neither MTA-STS nor DANE)\n"
            "  1 session: 1 succeeded, 0 failed; success rate 100%\n"
            "\n"
            "What to do: nothing, no session failed.\n"
            "\n"
            "The attached file holds the whole report as JSON, packed with gzip.\n"
            "Questions and complaints: tlsrpt@sender.example\n");
}

TEST(ReportText, never_rounds_a_failure_away) {
  const struct {
    std::uint64_t successful, failed;
    const char* rate;
  } rows[] = {{0, 1, "0%"},
              {1, 0, "100%"},
              {1, 1, "50%"},
              {2, 1, "66.6%"},
              {999999, 1, "99.9%"},
              {kMaxCount - 1, 1, "99.9%"},
              {UINT64_MAX, UINT64_MAX, "50%"},
              {1, 99999, "<0.1%"}};
  for (const auto& row : rows) {
    const std::string text =
        about_one_policy(policy("sts", "rcpt.example", row.successful, row.failed));
    EXPECT_NE(text.find(std::string("success rate ") + row.rate + "\n"), std::string::npos) << text;
  }
  EXPECT_TRUE(has_line(about_one_policy(policy("sts", "rcpt.example", 0, 0)), "  no sessions"));
}

TEST(ReportText, adds_up_failures_of_one_kind_and_host_and_shows_the_most_frequent_first) {
  PolicyResult result = policy("sts", "rcpt.example", 0, 20);
  result.failure_details = {failure("certificate-expired", 2, "a.example"),
                            failure("certificate-expired", 5, "b.example"),
                            failure("certificate-expired", 4, "a.example")};
  result.failure_details[2].receiving_ip = "192.0.2.1";
  const std::string text = about_one_policy(result);
  const std::size_t first = text.find("  - 6 sessions: certificate-expired at a.example\n");
  const std::size_t second = text.find("  - 5 sessions: certificate-expired at b.example\n");
  ASSERT_NE(first, std::string::npos) << text;
  ASSERT_NE(second, std::string::npos) << text;
  EXPECT_LT(first, second);
}

TEST(ReportText, explains_a_result_by_the_policy_that_was_broken) {
  PolicyResult result = policy("tlsa", "mx.rcpt.example", 0, 1);
  result.failure_details = {
      failure("certificate-not-trusted", 1, "mx.rcpt.example", "unspecified")};
  EXPECT_NE(about_one_policy(result).find("DANE authentication failed"), std::string::npos);
}

TEST(ReportText, shows_the_worst_and_says_how_much_is_left_out) {
  std::vector<PolicyResult> policies;
  for (int i = 0; i < 13; ++i) policies.push_back(policy("sts", "rcpt.example", 1, 0));
  policies.back() = policy("tlsa", "mx.rcpt.example", 1, 7);
  for (int i = 0; i < 12; ++i) {
    policies.back().failure_details.push_back(
        failure("tlsa-invalid", 1, "mx" + std::to_string(i) + ".rcpt.example"));
  }
  const std::string text = summarize(report(policies), "rcpt.example");
  EXPECT_TRUE(has_line(text, "And 3 more in the attached report.")) << text;
  EXPECT_TRUE(has_line(text, "  - and 7 more")) << text;
  EXPECT_LT(text.find("DANE (TLSA records)"), text.find("MTA-STS policy"));
}

TEST(ReportText, stays_short_and_harmless_whatever_the_report_holds) {
  PolicyResult evil = policy("sts", "rcpt.example", 1, 5000);
  for (int i = 0; i < 5000; ++i) {
    evil.failure_details.push_back(
        failure("evil\n--boundary\x1b[2J", 1, "mx" + std::to_string(i), "x\r\nFrom: x\u202e"));
  }
  Report given = report(std::vector<PolicyResult>(5000, policy("sts", "rcpt.example", 1, 0)));
  std::fill_n(given.policies.begin(), 20, evil);
  given.organization_name = "Org\r\nX: y";
  const std::string text = summarize(given, "rcpt.example");
  EXPECT_LT(text.size(), 16384u);
  for (const char* bad : {"\n--boundary", "\x1b", "\r", "\nX: y", "\nFrom: x", "\u202e"})
    EXPECT_EQ(text.find(bad), std::string::npos) << bad;
}

TEST(ReportText, has_short_lines_of_ascii_where_no_name_needs_more) {
  PolicyResult result = policy("sts", "rcpt.example", 3, 5);
  for (const char* type : {"certificate-not-trusted", "validation-failure", "dnssec-invalid"})
    result.failure_details.push_back(failure(type, 1, "mx1.a-rather-long-name.rcpt.example",
                                             "self-signed certificate in certificate chain"));
  const std::string text = about_one_policy(result);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 72u) << line;
  EXPECT_TRUE(std::all_of(text.begin(), text.end(),
                          [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
  Report named = report({result});
  named.organization_name = "Soci\u00e9t\u00e9 d\u2019Exemple";
  EXPECT_TRUE(
      has_line(summarize(named, "rcpt.example"), "From:      Soci\u00e9t\u00e9 d\u2019Exemple"));
}

TEST(ReportText, names_both_times_of_a_range_that_is_no_day) {
  Report given = report({policy("sts", "rcpt.example", 1, 0)});
  given.date_range.end_datetime += std::chrono::seconds{1};
  EXPECT_TRUE(has_line(summarize(given, "rcpt.example"),
                       "Day:       2026-03-01T00:00:00Z to 2026-03-02T00:00:00Z"));
}

}  // namespace
}  // namespace tlsrpt::sender
