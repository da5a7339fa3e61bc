// SPDX-License-Identifier: BSD-2-Clause
// Names and values that are not the RFC's, but can mean one thing only: they are taken and flagged.
#include <gtest/gtest.h>

#include "tests/unit/common/report_json.hpp"

namespace tlsrpt {
namespace {

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), with);
}

/// JSON as the text of a JSON string.
std::string as_text(std::string_view json) {
  std::string text = "\"";
  for (const char c : json) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + '"';
}

TEST(ReportTolerance, counts_of_drafts_and_of_senders_have_many_names) {
  for (const char* name :
       {"message-count", "failure-sessions", "session-count", "session_count", "count", "sessions",
        "failure-count", "failed-count", "total-failure-count", "failedSessions", "messages"}) {
    const ReadOutcome outcome =
        read_one(with_details(R"("result-type":"dane-required",")" + std::string(name) + "\":3"));
    ASSERT_TRUE(outcome.accepted());
    EXPECT_EQ(outcome.report.policies[0].failure_details[0].failed_session_count, 3u) << name;
    EXPECT_EQ(outcome.flags.words(), Words{"member-alias"}) << name;
  }
  const struct {
    const char* successful;
    const char* failed;
  } sums[] = {{"success-aggregate", "failure-aggregate"},
              {"success-count", "failure-count"},
              {"successful-session-count", "failed-session-count"},
              {"total-success-count", "total-failure-count"},
              {"total-successful-sessions", "total-failed-sessions"},
              {"totalSuccessfulSessionsCount", "totalFailureSessionsCount"},
              {"successful", "failed"}};
  for (const auto& names : sums) {
    const ReadOutcome outcome = read_one(with_summary(
        "\"" + std::string(names.successful) + "\":7,\"" + std::string(names.failed) + "\":2"));
    ASSERT_TRUE(outcome.accepted()) << names.successful;
    EXPECT_EQ(outcome.report.policies[0].total_successful_session_count, 7u) << names.successful;
    EXPECT_EQ(outcome.report.policies[0].total_failure_session_count, 2u) << names.failed;
    EXPECT_EQ(outcome.flags.words(), Words{"member-alias"});
  }
}

TEST(ReportTolerance, other_words_are_no_counts) {
  for (const char* name : {"total", "successes", "success-count", "count-total", "sessions-total",
                           "total-count", "failed", "message"}) {
    const ReadOutcome outcome =
        read_one(with_details(R"("result-type":"dane-required",")" + std::string(name) + "\":3"));
    EXPECT_EQ(outcome.report.policies[0].failure_details[0].failed_session_count, 0u) << name;
    EXPECT_EQ(outcome.flags.words(), Words{"missing-count"}) << name;
  }
  for (const char* name : {"count", "sessions", "total", "aggregate", "total-session-count"}) {
    EXPECT_EQ(read_one(with_summary("\"" + std::string(name) + "\":3")).refusal, Refusal::no_counts)
        << name;
  }
  const ReadOutcome both =
      read_one(with_details(R"("result-type":"dane-required","failed-session-count":2,"count":9)"));
  EXPECT_EQ(both.report.policies[0].failure_details[0].failed_session_count, 2u)
      << "the RFC's name counts";
}

TEST(ReportTolerance, names_of_drafts_mean_what_they_meant) {
  const Report expected = read_one(kGood).report;
  for (const auto& [own, other] :
       {std::pair{"\"policy\"", "\"applied-policy\""},
        std::pair{"\"failure-details\"", "\"report-items\""},
        std::pair{"\"start-datetime\"", "\"begin-datetime\""},
        std::pair{"\"start-datetime\"", "\"startTime\""},
        std::pair{"\"start-datetime\"", "\"from\""}, std::pair{"\"end-datetime\"", "\"end-time\""},
        std::pair{"\"end-datetime\"", "\"to\""}}) {
    const ReadOutcome outcome = read_one(replaced(kGood, own, other));
    EXPECT_EQ(outcome.report, expected) << other;
    EXPECT_EQ(outcome.flags.words(), Words{"member-alias"}) << other;
  }
  const ReadOutcome host = read_one(with_details(
      R"("result-type":"x","failed-session-count":1,"receiving-mta-hostname":"mx.example")"));
  EXPECT_EQ(host.report.policies[0].failure_details[0].receiving_mx_hostname, "mx.example");
  EXPECT_TRUE(host.flags.has(Flag::member_alias));
}

TEST(ReportTolerance, the_first_drafts_had_one_policy_in_the_report_itself) {
  const std::string head = kGood.substr(0, kGood.find("\"policies\""));
  const ReadOutcome outcome =
      read_one(head + "\"policy\":{" + std::string(kPolicyMembers) +
               R"(},"summary":{"success-aggregate":7,"failure-aggregate":2},)"
               R"("report-items":[{"result-type":"dane-required","message-count":2}]})");
  EXPECT_EQ(outcome.report, read_one(kGood).report);
  EXPECT_EQ(outcome.flags.words(), (Words{"member-alias", "member-misplaced"}));
}

TEST(ReportTolerance, words_of_the_rfc_are_known_in_any_case) {
  const auto type_of = [](const std::string& word) {
    const ReadOutcome outcome =
        read_one(with_details("\"failed-session-count\":1,\"result-type\":\"" + word + "\""));
    std::string text = outcome.report.policies[0].failure_details[0].result_type;
    for (const std::string& flag : outcome.flags.words()) text += " " + flag;
    return text;
  };
  EXPECT_EQ(type_of("certificate-expired"), "certificate-expired");
  EXPECT_EQ(type_of("Certificate-Expired"), "certificate-expired member-case");
  EXPECT_EQ(type_of("STARTTLS-NOT-SUPPORTED"), "starttls-not-supported member-case");
  EXPECT_EQ(type_of("CertificateExpired"), "CertificateExpired unknown-result-type");
}

TEST(ReportTolerance, words_of_the_rfc_are_known_with_any_signs_between_them) {
  for (const std::string word :
       {"Certificate_Expired", "certificate expired", " certificate-expired ",
        "certificate\xe2\x80\x93"
        "expired."}) {
    const ReadOutcome outcome =
        read_one(with_details("\"failed-session-count\":1,\"result-type\":\"" + word + "\""));
    EXPECT_EQ(outcome.report.policies[0].failure_details[0].result_type, "certificate-expired");
    EXPECT_EQ(outcome.flags.words(), Words{"member-case"}) << word;
  }
  for (const std::string word : {"No Policy Found", "no_policy_found", " no-policy-found "}) {
    const ReadOutcome outcome =
        read_one(with_policy(R"("policy-domain":"a.example","policy-type":")" + word + "\""));
    EXPECT_EQ(outcome.report.policies[0].policy.policy_type, "no-policy-found");
    EXPECT_EQ(outcome.flags.words(), Words{"member-case"}) << word;
  }
}

TEST(ReportTolerance, counts_may_be_grouped_for_people) {
  const auto count_of = [](const std::string& text) {
    const ReadOutcome outcome = read_one(with_summary(
        R"("total-failure-session-count":1,"total-successful-session-count":")" + text + "\""));
    return std::to_string(outcome.report.policies[0].total_successful_session_count) + " " +
           outcome.flags.words().at(0);
  };
  EXPECT_EQ(count_of("1,234"), "1234 count-type");
  EXPECT_EQ(count_of("12 345 678"), "12345678 count-type");
  for (const char* text : {"1,23", "1,2345", "1234,567", ",123", "1,234 567", "1,", "1.234"})
    EXPECT_EQ(count_of(text), "0 count-invalid") << text;
}

TEST(ReportTolerance, a_range_of_dates_need_be_no_object) {
  const Report expected = read_one(kGood).report;
  const std::string range = "{" + std::string(kRange) + "}";
  const auto read_range = [&](const std::string& value) {
    return read_one(replaced(kGood, range, value));
  };
  const struct {
    const char* value;
    Words flags;
  } table[] = {
      {R"("2026-03-01T00:00:00Z/2026-03-01T23:59:59Z")", {"date-format"}},
      {R"("2026-03-01")", {"date-format"}},
      {R"("2026/03/01")", {"date-format"}},
      {"1772323200", {"date-format"}},
      {R"(["2026-03-01T00:00:00Z","2026-03-01T23:59:59Z"])", {"wrapped-in-array"}},
      {"[1772323200,1772409599]", {"wrapped-in-array", "date-format"}},
      {R"(["2026-03-01T00:00:00Z","2026-03-01T23:59:59Z","2027-03-01"])",
       {"wrapped-in-array", "date-format"}},
  };
  for (const auto& row : table) {
    const ReadOutcome outcome = read_range(row.value);
    EXPECT_EQ(outcome.report, expected) << row.value;
    EXPECT_EQ(outcome.flags.words(), row.flags) << row.value;
  }
  for (const char* value : {"\"soon\"", "[]", "[null]", "true", "\"a/b\"", "7"})
    EXPECT_EQ(read_range(value).refusal, Refusal::no_date_range) << value;
  EXPECT_NE(read_range("\"soon\"").detail.find("'soon'"), std::string::npos);
}

TEST(ReportTolerance, json_in_a_text_is_taken_for_what_it_holds) {
  const Report expected = read_one(kGood).report;
  const std::string rows = R"([{"result-type":"dane-required","failed-session-count":2}])";
  const std::string policies = kGood.substr(kGood.find("[{\"policy\""));
  const std::string list = policies.substr(0, policies.size() - 1);
  const std::string policy = "{" + std::string(kPolicyMembers) + "}";
  const std::string range = "{" + std::string(kRange) + "}";
  const struct {
    const char* why;
    std::string json;
    Words flags;
  } table[] = {
      {"failure-details",
       replaced(kGood, rows, as_text(rows)),
       {"text-type", "failure-details-type"}},
      {"a row",
       replaced(kGood, rows, "[" + as_text(rows.substr(1, rows.size() - 2)) + "]"),
       {"text-type"}},
      {"policies", replaced(kGood, list, as_text(list)), {"text-type", "policies-not-array"}},
      {"policy", replaced(kGood, policy, as_text(policy)), {"text-type"}},
      {"date-range", replaced(kGood, range, as_text(" " + range + " ")), {"text-type"}},
  };
  for (const auto& row : table) {
    const ReadOutcome outcome = read_one(row.json);
    EXPECT_EQ(outcome.report, expected) << row.why;
    EXPECT_EQ(outcome.flags.words(), row.flags) << row.why;
  }
}

TEST(ReportTolerance, json_in_a_text_is_unpacked_once_and_within_the_limits) {
  const std::string row = R"({"result-type":"dane-required","failed-session-count":2})";
  const std::string rows = "[" + row + "]";
  const auto with_rows = [&rows](const std::string& value) { return replaced(kGood, rows, value); };
  for (const std::string& value :
       {as_text("[" + as_text(row) + "]"), as_text(rows.substr(1)), as_text("[" + row + ",]"),
        as_text(rows + "x"), std::string("\"x\"")}) {
    const ReadOutcome outcome = read_one(with_rows(value));
    ASSERT_TRUE(outcome.accepted()) << value;
    EXPECT_TRUE(outcome.report.policies[0].failure_details.empty()) << value;
    EXPECT_TRUE(outcome.flags.has(Flag::failure_details_type)) << value;
  }
  ReportLimits limits;
  limits.max_depth = 5;
  EXPECT_TRUE(read_one(with_rows(as_text(rows)), limits).accepted());
  limits.max_depth = 4;
  EXPECT_EQ(read_one(with_rows(as_text(rows)), limits).refusal, Refusal::json_too_deep);
  limits = {};
  limits.max_members = 19;  // the text itself is one
  EXPECT_TRUE(read_one(with_rows(as_text(rows)), limits).accepted());
  limits.max_members = 18;
  EXPECT_EQ(read_one(with_rows(as_text(rows)), limits).refusal, Refusal::json_too_many_members);
}

TEST(ReportTolerance, a_number_that_is_none_costs_only_itself) {
  const struct {
    const char* json;
    std::uint64_t count;
    Words flags;
  } table[] = {
      {"+3", 3, {"repaired-json", "count-type"}},
      {"03", 3, {"repaired-json"}},
      {"3.", 3, {"repaired-json", "count-type"}},
      {".5", 0, {"repaired-json", "count-invalid"}},
      {"NaN", 0, {"repaired-json", "count-invalid"}},
      {"-Infinity", 0, {"repaired-json", "count-invalid"}},
      {"0x7", 0, {"repaired-json", "count-invalid"}},
      {"True", 0, {"repaired-json", "count-invalid"}},
      {"None", 0, {"repaired-json", "missing-count", "count-type"}},
      {"undefined", 0, {"repaired-json", "missing-count", "count-type"}},
  };
  for (const auto& row : table) {
    const ReadOutcome outcome = read_one(
        with_summary(R"("total-failure-session-count":1,"total-successful-session-count":)" +
                     std::string(row.json)));
    ASSERT_TRUE(outcome.accepted()) << row.json << outcome.detail;
    EXPECT_EQ(outcome.report.policies[0].total_successful_session_count, row.count) << row.json;
    EXPECT_EQ(outcome.flags.words(), row.flags) << row.json;
  }
  const ReadOutcome nameless = read_one(replaced(kGood, "\"Sender\"", "NaN"));
  EXPECT_EQ(nameless.report.organization_name, "") << "no text, either";
}

TEST(ReportTolerance, domains_that_are_none_stay_apart) {
  const auto domain_of = [](const std::string& text) {
    const ReadOutcome outcome =
        read_one(with_policy(R"("policy-type":"sts","policy-domain":")" + text + "\""));
    EXPECT_TRUE(outcome.flags.has(Flag::invalid_policy_domain)) << text;
    const std::string domain = outcome.report.policies[0].policy.policy_domain;
    const ReadOutcome again = read_one(with_policy(R"("policy-type":"sts","policy-domain":")" +
                                                   replaced(domain, "\\", "\\\\") + "\""));
    EXPECT_EQ(again.report.policies[0].policy.policy_domain, domain) << "written and read again";
    return domain;
  };
  EXPECT_EQ(domain_of("exa mple.com"), R"(exa\x20mple.com)");
  EXPECT_EQ(domain_of("\xf0\x9f\x98\x80.example."), R"(\xf0\x9f\x98\x80.example)");
  EXPECT_EQ(domain_of("\xf0\x9f\x98\x81.example."), R"(\xf0\x9f\x98\x81.example)");
  ReportLimits limits;
  limits.max_string = 20;
  const ReadOutcome cut = read_one(
      with_policy("\"policy-type\":\"sts\",\"policy-domain\":\"" + std::string(20, '\x7f') + "\""),
      limits);
  EXPECT_EQ(cut.report.policies[0].policy.policy_domain, R"(\x7f\x7f\x7f\x7f\x7f)");
  EXPECT_TRUE(cut.flags.has(Flag::text_cut));
}

}  // namespace
}  // namespace tlsrpt
