// SPDX-License-Identifier: BSD-2-Clause
#include "common/report_writer.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "common/report_reader.hpp"
#include "common/result_type.hpp"
#include "common/utf8.hpp"

namespace tlsrpt {
namespace {

using nlohmann::json;

Report small_report() {
  Report report;
  report.organization_name = "Sender Example";
  report.date_range = {Day{std::chrono::year{2026} / 3 / 1},
                       Day{std::chrono::year{2026} / 3 / 2} - std::chrono::seconds{1}};
  report.contact_info = "tls@sender.example";
  report.report_id = "1@sender.example";
  PolicyResult result;
  result.policy = {"sts", {"version: STSv1", "mode: enforce"}, "example.com", {"*.example.com"}};
  result.total_successful_session_count = 7;
  result.total_failure_session_count = 2;
  result.failure_details = {{"certificate-expired", "192.0.2.1", "mx.example.com", "",
                             "2001:db8::1", 2, "", "X509_V_ERR"}};
  report.policies = {result};
  return report;
}

TEST(ReportWriter, members_stand_in_the_order_of_the_rfc) {
  EXPECT_EQ(
      write_report(small_report()),
      R"({"organization-name":"Sender Example","date-range":{"start-datetime":"2026-03-01T00:00:00Z",)"
      R"("end-datetime":"2026-03-01T23:59:59Z"},"contact-info":"tls@sender.example",)"
      R"("report-id":"1@sender.example","policies":[{"policy":{"policy-type":"sts",)"
      R"("policy-string":["version: STSv1","mode: enforce"],"policy-domain":"example.com",)"
      R"("mx-host":["*.example.com"]},"summary":{"total-successful-session-count":7,)"
      R"("total-failure-session-count":2},"failure-details":[{"result-type":"certificate-expired",)"
      R"("sending-mta-ip":"192.0.2.1","receiving-mx-hostname":"mx.example.com",)"
      R"("receiving-ip":"2001:db8::1","failed-session-count":2,)"
      R"("failure-reason-code":"X509_V_ERR"}]}]})");
}

TEST(ReportWriter, members_without_a_value_are_left_out) {  // R101
  Report report;
  report.policies.emplace_back();
  report.policies.front().failure_details.emplace_back();
  EXPECT_EQ(write_report(report),
            R"({"organization-name":"","date-range":{"start-datetime":"1970-01-01T00:00:00Z",)"
            R"("end-datetime":"1970-01-01T00:00:00Z"},"contact-info":"","report-id":"",)"
            R"("policies":[{"policy":{"policy-domain":""},)"
            R"("summary":{"total-successful-session-count":0,"total-failure-session-count":0},)"
            R"("failure-details":[{"failed-session-count":0}]}]})");
  report.policies.front().failure_details.clear();
  EXPECT_EQ(write_report(report).find("failure-details"), std::string::npos);
  report.policies.clear();
  EXPECT_NE(write_report(report).find(R"("policies":[])"), std::string::npos);  // R66
}

TEST(ReportWriter, counts_are_saturated_at_what_i_json_can_hold) {  // R50
  Report report = small_report();
  report.policies[0].total_successful_session_count = UINT64_MAX;
  report.policies[0].total_failure_session_count = kMaxCount;
  report.policies[0].failure_details[0].failed_session_count = kMaxCount + 1;
  const json written = json::parse(write_report(report));
  const json& result = written["policies"][0];
  EXPECT_EQ(result["summary"]["total-successful-session-count"], 9007199254740991u);
  EXPECT_EQ(result["summary"]["total-failure-session-count"], 9007199254740991u);
  EXPECT_EQ(result["failure-details"][0]["failed-session-count"], 9007199254740991u);
}

TEST(ReportWriter, texts_are_escaped_and_valid) {  // R46, R49
  const struct {
    std::string text;
    const char* json;
  } table[] = {
      {"quote \" and backslash \\", R"("quote \" and backslash \\")"},
      {std::string("\0\x01\x1f\x7f", 4), R"("\u0000\u0001\u001f\u007f")"},
      {"\b\f\n\r\t", R"("\u0008\u000c\n\r\t")"},
      {"caf\xc3\xa9 \xf0\x9f\x93\xa7", "\"caf\xc3\xa9 \xf0\x9f\x93\xa7\""},
      {"latin \xe9 one", "\"latin \xef\xbf\xbd one\""},
      {"surrogate \xed\xa0\x80", "\"surrogate \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
      {"noncharacter \xef\xbf\xbf\xef\xb7\x90", "\"noncharacter \xef\xbf\xbd\xef\xbf\xbd\""},
      {"</script>/", R"("</script>/")"},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(row.json);
    Report report;
    report.organization_name = row.text;
    const std::string written = write_report(report);
    EXPECT_TRUE(written.starts_with(std::string(R"({"organization-name":)") + row.json + ","));
    EXPECT_TRUE(json::accept(written));
    EXPECT_EQ(written.find('\n'), std::string::npos);
  }
}

/// Random reports as a sender could make them, and texts as nobody would.
class RandomReport {
 public:
  explicit RandomReport(unsigned seed) : random_(seed) {}

  Report make() {
    Report report;
    report.organization_name = text();
    report.contact_info = text();
    report.report_id = text();
    const Seconds start = Day{std::chrono::days{below(40000)}} + std::chrono::seconds{below(86400)};
    report.date_range = {start, start + std::chrono::seconds{below(1000000)}};
    const int policies = 1 + below(4);
    for (int i = 0; i < policies; ++i) report.policies.push_back(result());
    return report;
  }

 private:
  int below(int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(random_); }

  std::string text() {
    std::string text = "t";  // a text of blanks alone means absent
    const int length = below(30);
    for (int i = 0; i < length; ++i) {
      static constexpr std::array<std::string_view, 10> kPieces = {
          "\"", "\\", "\xc3\xa9", "\xf0\x9f\x93\xa7", "\r\n", " ", "{}", "[", "\\u", ":,"};
      const int kind = below(12);
      if (kind < 10) {
        text += kPieces[static_cast<std::size_t>(kind)];
      } else {
        text += static_cast<char>(below(128));
      }
    }
    return text;
  }

  std::string maybe(std::string value) { return below(2) == 0 ? std::string{} : value; }

  std::uint64_t count() {
    switch (below(3)) {
      case 0:
        return 0;
      case 1:
        return kMaxCount - static_cast<std::uint64_t>(below(3));
    }
    return static_cast<std::uint64_t>(below(100000));
  }

  PolicyResult result() {
    PolicyResult result;
    const auto type = static_cast<std::size_t>(below(3));
    result.policy.policy_type = kPolicyTypes[type];
    result.policy.policy_domain = "d" + std::to_string(below(1000)) + ".example";
    for (int i = below(4); i > 0; --i) {
      result.policy.policy_string.push_back("mx: m" + std::to_string(i) + ".example");
      result.policy.mx_host.push_back("*.m" + std::to_string(i) + ".example");
    }
    result.total_successful_session_count = count();
    result.total_failure_session_count = count();
    for (int i = below(5); i > 0; --i) result.failure_details.push_back(details());
    return result;
  }

  FailureDetails details() {
    FailureDetails details;
    details.result_type =
        below(8) == 0 ? "Other"
                      : kResultTypes[static_cast<std::size_t>(below(int{kResultTypes.size()}))];
    details.sending_mta_ip = maybe("192.0.2." + std::to_string(below(256)));
    details.receiving_mx_hostname = maybe("mx" + std::to_string(below(10)) + ".example");
    details.receiving_mx_helo = maybe(text());
    details.receiving_ip = maybe("2001:db8::1:" + std::to_string(1 + below(9)));
    details.failed_session_count = count();
    details.additional_information = maybe(text());
    details.failure_reason_code = maybe(text());
    return details;
  }

  std::mt19937 random_;
};

TEST(ReportWriter, what_is_written_is_read_back_the_same) {
  RandomReport random(8460);
  for (int i = 0; i < 2000; ++i) {
    const Report report = random.make();
    const std::string written = write_report(report);
    SCOPED_TRACE(written);
    ASSERT_TRUE(is_valid_utf8(written));
    const auto outcomes = read_reports(written);
    ASSERT_EQ(outcomes.size(), 1u);
    ASSERT_TRUE(outcomes[0].accepted()) << outcomes[0].detail;
    ASSERT_EQ(outcomes[0].report, report);
    ASSERT_EQ(write_report(outcomes[0].report), written);
    ASSERT_EQ(outcomes[0].json, written);
  }
}

TEST(ReportWriter, a_report_that_follows_the_rfc_earns_no_flag) {
  const auto outcomes = read_reports(write_report(small_report()));
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].report, small_report());
  EXPECT_EQ(outcomes[0].flags.words(), std::vector<std::string>{});
}

}  // namespace
}  // namespace tlsrpt
