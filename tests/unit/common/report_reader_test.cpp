// SPDX-License-Identifier: BSD-2-Clause
#include "common/report_reader.hpp"

#include <gtest/gtest.h>

#include <random>

#include "common/report_writer.hpp"
#include "common/utf8.hpp"

namespace tlsrpt {
namespace {

constexpr std::string_view kRange =
    R"("start-datetime":"2026-03-01T00:00:00Z","end-datetime":"2026-03-01T23:59:59Z")";
constexpr std::string_view kPolicyMembers = R"("policy-type":"sts","policy-domain":"example.com")";
constexpr std::string_view kTotals =
    R"("total-successful-session-count":7,"total-failure-session-count":2)";

std::string policy_result(std::string_view policy, std::string_view summary,
                          std::string_view details = "") {
  std::string json =
      "{\"policy\":{" + std::string(policy) + "},\"summary\":{" + std::string(summary) + "}";
  if (!details.empty()) json += ",\"failure-details\":" + std::string(details);
  return json + "}";
}

std::string report(std::string_view policies, std::string_view range = kRange,
                   std::string_view id = "\"1\"") {
  return R"({"organization-name":"Sender","date-range":{)" + std::string(range) +
         R"(},"contact-info":"tls@sender.example","report-id":)" + std::string(id) +
         ",\"policies\":" + std::string(policies) + "}";
}

std::string with_policy(std::string_view members) {
  return report("[" + policy_result(members, kTotals) + "]");
}

std::string with_summary(std::string_view members) {
  return report("[" + policy_result(kPolicyMembers, members) + "]");
}

std::string with_details(std::string_view members) {
  return report("[" + policy_result(kPolicyMembers, kTotals, "[{" + std::string(members) + "}]") +
                "]");
}

const std::string kGood = report("[" +
                                 policy_result(kPolicyMembers, kTotals,
                                               R"([{"result-type":"dane-required",)"
                                               R"("failed-session-count":2}])") +
                                 "]");

ReadOutcome read_one(std::string_view json, const ReportLimits& limits = {}) {
  auto outcomes = read_reports(json, limits);
  EXPECT_EQ(outcomes.size(), 1u) << json.substr(0, 1000);
  return std::move(outcomes.front());
}

using Words = std::vector<std::string>;

Words refusals(std::string_view json, const ReportLimits& limits = {}) {
  Words words;
  for (const ReadOutcome& outcome : read_reports(json, limits)) {
    words.emplace_back(to_word(outcome.refusal));
  }
  return words;
}

TEST(ReportReader, reads_a_report_without_flags) {
  const ReadOutcome outcome = read_one(kGood);
  ASSERT_TRUE(outcome.accepted()) << outcome.detail;
  EXPECT_EQ(outcome.flags.words(), Words{});
  EXPECT_EQ(outcome.json, kGood);
  EXPECT_EQ(outcome.report.organization_name, "Sender");
  ASSERT_EQ(outcome.report.policies.size(), 1u);
  EXPECT_EQ(outcome.report.policies[0].total_successful_session_count, 7u);
  ASSERT_EQ(outcome.report.policies[0].failure_details.size(), 1u);
  EXPECT_EQ(outcome.report.policies[0].failure_details[0].result_type, "dane-required");
}

TEST(ReportReader, refuses_what_cannot_mean_anything) {
  const struct {
    std::string json;
    Refusal refusal;
  } table[] = {
      {"", Refusal::empty},
      {" \r\n", Refusal::empty},
      {"hello", Refusal::not_json},
      {"<html></html>", Refusal::not_json},
      {"{", Refusal::not_json},
      {"{\"policies\":[NaN]}", Refusal::not_json},
      {kGood.substr(0, kGood.size() - 1), Refusal::not_json},
      {"\xff\xfe{\0}\0", Refusal::not_json},
      {"{}", Refusal::not_a_report},
      {"[]", Refusal::not_a_report},
      {"[1,\"{}\",null]", Refusal::not_a_report},
      {"null", Refusal::not_a_report},
      {"42", Refusal::not_a_report},
      {R"({"feedback":{"report_metadata":{}}})", Refusal::not_a_report},
      {R"({"organization-name":"x"})", Refusal::no_date_range},
      {report("[" + policy_result(kPolicyMembers, kTotals) + "]", ""), Refusal::no_date_range},
      {report("[" + policy_result(kPolicyMembers, kTotals) + "]", R"("start-datetime":"soon")"),
       Refusal::no_date_range},
      {report("[]"), Refusal::no_policies},
      {report("null"), Refusal::no_policies},
      {report("\"x\""), Refusal::no_policies},
      {report("{}"), Refusal::no_policies},
      {report("[{},null,7,[]]"), Refusal::no_policies},
      {with_summary(""), Refusal::no_counts},
      {with_summary(R"("total-successful-session-count":null)"), Refusal::no_counts},
      {with_summary(R"("total-successful-session-count":"many")"), Refusal::no_counts},
  };
  for (const auto& row : table) {
    EXPECT_EQ(to_word(read_one(row.json).refusal), to_word(row.refusal)) << row.json;
  }
}

TEST(ReportReader, one_count_anywhere_is_enough) {
  EXPECT_TRUE(read_one(with_summary(R"("total-failure-session-count":0)")).accepted());
  const ReadOutcome rows = read_one(report(
      R"([{"policy":{"policy-type":"sts"},"failure-details":[{"failed-session-count":3}]}])"));
  EXPECT_TRUE(rows.accepted());
  EXPECT_TRUE(rows.flags.has(Flag::missing_summary));
}

TEST(ReportReader, counts_of_every_kind) {  // R50, R83
  const struct {
    const char* json;
    std::uint64_t count;
    Words flags;
  } table[] = {
      {"0", 0, {}},
      {"4294967296", 4294967296, {}},
      {"9007199254740991", kMaxCount, {}},
      {"9007199254740992", kMaxCount, {"count-saturated"}},
      {"9007199254740993", kMaxCount, {"count-saturated"}},
      {"18446744073709551615", kMaxCount, {"count-saturated"}},
      {"18446744073709551616", kMaxCount, {"count-saturated"}},
      {"1e400", kMaxCount, {"count-type", "count-saturated"}},
      {"\"99999999999999999999999\"", kMaxCount, {"count-type", "count-saturated"}},
      {"\"7\"", 7, {"count-type"}},
      {"\" 7 \"", 7, {"count-type"}},
      {"7.0", 7, {"count-type"}},
      {"7e2", 700, {"count-type"}},
      {"\"7.0\"", 7, {"count-type"}},
      {"-0", 0, {}},
      {"-0.0", 0, {"count-type"}},
      {"null", 0, {"missing-count", "count-type"}},
      {"\"\"", 0, {"missing-count", "count-type"}},
      {"-7", 0, {"count-invalid"}},
      {"-1e400", 0, {"count-invalid"}},
      {"1e-400", 0, {"count-invalid"}},
      {"7.5", 0, {"count-invalid"}},
      {"true", 0, {"count-invalid"}},
      {"\"many\"", 0, {"count-invalid"}},
      {"\"inf\"", 0, {"count-invalid"}},
      {"\"nan\"", 0, {"count-invalid"}},
      {"\"7x\"", 0, {"count-invalid"}},
      {"{}", 0, {"missing-count", "count-invalid"}},
      {"[7]", 0, {"missing-count", "count-invalid"}},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(row.json);
    const ReadOutcome outcome = read_one(
        with_summary(R"("total-failure-session-count":1,"total-successful-session-count":)" +
                     std::string(row.json)));
    ASSERT_TRUE(outcome.accepted()) << outcome.detail;
    EXPECT_EQ(outcome.report.policies[0].total_successful_session_count, row.count);
    EXPECT_EQ(outcome.report.policies[0].total_failure_session_count, 1u);
    EXPECT_EQ(outcome.flags.words(), row.flags);
  }
}

TEST(ReportReader, dates_of_every_kind) {  // R58-R61
  const struct {
    const char* range;
    const char* start;
    const char* end;
    Words flags;
  } table[] = {
      {R"("start-datetime":"2026-03-01T00:00:00Z","end-datetime":"2026-03-08T00:00:00Z")",
       "2026-03-01T00:00:00Z",
       "2026-03-08T00:00:00Z",
       {}},
      {R"("start-datetime":1772323200,"end-datetime":"1772409599")",
       "2026-03-01T00:00:00Z",
       "2026-03-01T23:59:59Z",
       {"date-format"}},
      {R"("start-datetime":1772323200.75,"end-datetime":1772409599.0)",
       "2026-03-01T00:00:00Z",
       "2026-03-01T23:59:59Z",
       {"date-format"}},
      {R"("start-datetime":"2026-03-01\u002006:00:00","end-datetime":"2026-03-02")",
       "2026-03-01T06:00:00Z",
       "2026-03-02T00:00:00Z",
       {"date-format"}},
      {R"("start-datetime":"2026-03-01T06:00:00Z")",
       "2026-03-01T06:00:00Z",
       "2026-03-01T23:59:59Z",
       {"date-format"}},
      {R"("end-datetime":"2026-03-01T23:59:59Z","start-datetime":null)",
       "2026-03-01T00:00:00Z",
       "2026-03-01T23:59:59Z",
       {"date-format"}},
      {R"("end-datetime":"2026-03-02T00:00:00Z","start-datetime":-5)",
       "2026-03-01T00:00:00Z",
       "2026-03-02T00:00:00Z",
       {"date-format"}},
      {R"("start-datetime":"2026-03-02T00:00:00Z","end-datetime":"2026-03-01T00:00:00Z")",
       "2026-03-02T00:00:00Z",
       "2026-03-01T00:00:00Z",
       {"date-range-reversed"}},
      {R"("end-datetime":"0000-01-01T00:00:00Z")",
       "0000-01-01T00:00:00Z",
       "0000-01-01T00:00:00Z",
       {"date-format"}},
      {R"("start-datetime":"0000-01-01T00:00:00+01:00","end-datetime":"9999-12-31T23:59:59-01:00")",
       "0000-01-01T00:00:00Z",
       "9999-12-31T23:59:59Z",
       {"date-format"}},
      {R"("start-datetime":"9999-12-31T00:00:00Z","end-datetime":"9999-12-31T23:59:59Z")",
       "9999-12-31T00:00:00Z",
       "9999-12-31T23:59:59Z",
       {}},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(row.range);
    const ReadOutcome outcome =
        read_one(report("[" + policy_result(kPolicyMembers, kTotals) + "]", row.range));
    ASSERT_TRUE(outcome.accepted()) << outcome.detail;
    EXPECT_EQ(format_rfc3339(outcome.report.date_range.start_datetime), row.start);
    EXPECT_EQ(format_rfc3339(outcome.report.date_range.end_datetime), row.end);
    EXPECT_GE(outcome.report.date_range.start_datetime, kEarliestTime);
    EXPECT_LE(outcome.report.date_range.end_datetime, kLatestTime);
    EXPECT_EQ(outcome.flags.words(), row.flags);
  }
}

TEST(ReportReader, texts_of_every_kind) {
  const struct {
    const char* id;
    std::string text;
    Words flags;
  } table[] = {
      {R"("a b")", "a b", {}},
      {R"("")", "", {"missing-report-id"}},
      {"null", "", {"text-type", "missing-report-id"}},
      {"true", "", {"text-type", "missing-report-id"}},
      {"{\"a\":\"b\"}", "", {"text-type", "missing-report-id"}},
      {"7", "7", {"text-type"}},
      {"-7", "-7", {"text-type"}},
      {"133925885310113267", "133925885310113267", {"text-type"}},
      {"13392588531011326700000000001", "13392588531011326700000000001", {"text-type"}},
      {"1.50", "1.50", {"text-type"}},
      {R"([null,"","a","b"])", "a", {"text-type"}},
      {R"([["x"],{"y":"z"},"a"])", "a", {"text-type"}},
      {R"("nul\u0000esc\u001b")", std::string("nul\0esc\x1b", 8), {}},
      {R"("\ud83d\udce7")", "\xf0\x9f\x93\xa7", {}},
      {R"("\ud83d")", "\xef\xbf\xbd", {"lone-surrogate"}},
      {"\"\xe9\"", "\xef\xbf\xbd", {"invalid-utf8"}},
      {"\"a\tb\"", "a\tb", {"repaired-json"}},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(row.id);
    const ReadOutcome outcome =
        read_one(report("[" + policy_result(kPolicyMembers, kTotals) + "]", kRange, row.id));
    ASSERT_TRUE(outcome.accepted()) << outcome.detail;
    EXPECT_EQ(outcome.report.report_id, row.text);
    EXPECT_EQ(outcome.flags.words(), row.flags);
  }
}

TEST(ReportReader, policies_of_every_kind) {  // R66-R82
  const Policy plain{"sts", {}, "example.com", {}};
  const auto policy = [&](std::vector<std::string> strings, std::vector<std::string> hosts) {
    return Policy{"sts", std::move(strings), "example.com", std::move(hosts)};
  };
  const struct {
    std::string members;
    Policy policy;
    Words flags;
  } table[] = {
      {"", plain, {}},
      {R"("policy-string":["a: 1\r"," b: 2 ","","\r\n"])", policy({"a: 1", "b: 2"}, {}), {}},
      {R"("policy-string":"a: 1\r\nb: 2\r\n")",
       policy({"a: 1", "b: 2"}, {}),
       {"policy-string-type"}},
      {R"("policy-string":["a: 1\nb: 2"])", policy({"a: 1", "b: 2"}, {}), {"policy-string-type"}},
      {R"("policy-string":["[\"3 1 1 AB\",\"3 1 1 CD\"]"])",
       policy({"3 1 1 AB", "3 1 1 CD"}, {}),
       {"policy-string-type"}},
      {R"("policy-string":"[\"3 1 1 AB\"]")", policy({"3 1 1 AB"}, {}), {"policy-string-type"}},
      {R"("policy-string":["[not json]"])", policy({"[not json]"}, {}), {}},
      {R"("policy-string":["[[\"x\"]]"])", policy({"[[\"x\"]]"}, {}), {}},
      {R"("policy-string":"")", plain, {}},
      {R"("policy-string":[])", plain, {}},
      {R"("policy-string":null)", plain, {"policy-string-type"}},
      {R"("policy-string":[7,null,{"a":[1]},["b"]])", policy({"7"}, {}), {"text-type"}},
      {R"("mx-host":"*.Example.COM.")", policy({}, {"*.example.com"}), {"mx-host-type"}},
      {R"("mx-host":["mx: a.example","MX:b.example"])",
       policy({}, {"a.example", "b.example"}),
       {"mx-host-type"}},
      {R"("mx-host":["a.example, b.example"])",
       policy({}, {"a.example", "b.example"}),
       {"mx-host-type"}},
      {R"("mx-host":[".not a name!"])", policy({}, {".not", "a", "name!"}), {"mx-host-type"}},
      {"\"mx-host\":[\"b\xc3\xbc"
       "cher.example\"]",
       policy({}, {"xn--bcher-kva.example"}),
       {}},
      {R"("mx-host-pattern":["a.example"])", policy({}, {"a.example"}), {"member-alias"}},
      {R"("mx-host":["a.example"],"mx-host-pattern":["b.example"])",
       policy({}, {"a.example"}),
       {"duplicate-member", "member-alias"}},
      {R"("mx-host-pattern":["b.example"],"mx-host":["a.example"])",
       policy({}, {"a.example"}),
       {"duplicate-member", "member-alias"}},
      {R"("mx-host":["a.example"],"mx-host":["b.example"])",
       policy({}, {"b.example"}),
       {"duplicate-member"}},
      {R"("mx-host":["a.example"],"mx-host":null)",
       policy({}, {"a.example"}),
       {"duplicate-member", "mx-host-type"}},
      {R"("x":{"policy-domain":["y",{}]},"policy-string":["a"])", policy({"a"}, {}), {}},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(row.members);
    const ReadOutcome outcome = read_one(
        with_policy(std::string(kPolicyMembers) + (row.members.empty() ? "" : ",") + row.members));
    ASSERT_TRUE(outcome.accepted()) << outcome.detail;
    EXPECT_EQ(outcome.report.policies[0].policy, row.policy) << write_report(outcome.report);
    EXPECT_EQ(outcome.flags.words(), row.flags);
  }
}

TEST(ReportReader, policy_domain_and_type_of_every_kind) {
  const struct {
    std::string members;
    const char* domain;
    const char* type;
    Words flags;
  } table[] = {
      {R"("policy-type":"STS ","policy-domain":" Example.COM. ")", "example.com", "sts", {}},
      {R"("policy-type":"dane","policy-domain":"_x.example")",
       "_x.example",
       "dane",
       {"unknown-policy-type"}},
      {R"("policy-domain":"example.com")", "example.com", "", {"missing-policy-type"}},
      {R"("policy-type":"sts","policy-domain":"")", "", "sts", {"missing-policy-domain"}},
      {R"("policy-type":"sts","policy-domain":"...")", "", "sts", {"missing-policy-domain"}},
      {"\"policy-type\":\"sts\",\"policy-domain\":\"EX\xc3\x84MPLE.com\"",
       "xn--exmple-cua.com",
       "sts",
       {}},
      {R"("policy-type":"sts","policy-domain":"a..B\u00ff\u0000c.")",
       "a..b???c",
       "sts",
       {"invalid-policy-domain"}},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(row.members);
    const ReadOutcome outcome = read_one(with_policy(row.members));
    ASSERT_TRUE(outcome.accepted()) << outcome.detail;
    EXPECT_EQ(outcome.report.policies[0].policy.policy_domain, row.domain);
    EXPECT_EQ(outcome.report.policies[0].policy.policy_type, row.type);
    EXPECT_EQ(outcome.flags.words(), row.flags);
  }
}

TEST(ReportReader, failure_details_of_every_kind) {  // R90-R101
  const std::string known = R"("result-type":"dane-required","failed-session-count":1)";
  const FailureDetails plain{"dane-required", "", "", "", "", 1, "", ""};
  const auto with = [&](std::string FailureDetails::*member, const char* text) {
    FailureDetails details = plain;
    details.*member = text;
    return details;
  };
  using D = FailureDetails;
  const struct {
    std::string members;
    FailureDetails details;
    Words flags;
  } table[] = {
      {known, plain, {}},
      {known + R"(,"sending-mta-ip":"")", plain, {}},
      {known + R"(,"sending-mta-ip":null)", plain, {"text-type"}},
      {known + R"(,"sending-mta-ip":"[IPv6:2001:DB8::1]")",
       with(&D::sending_mta_ip, "2001:db8::1"),
       {}},
      {known + R"(,"receiving-ip":"x.x.x.x")", with(&D::receiving_ip, "x.x.x.x"), {"invalid-ip"}},
      {known + R"(,"receiving-mx-hostname":"MX.Example.")",
       with(&D::receiving_mx_hostname, "mx.example"),
       {}},
      {known + R"(,"receiving-mx-hostname":"not a name")",
       with(&D::receiving_mx_hostname, "not a name"),
       {}},
      {known + R"(,"receiving-mx-helo":"[192.0.2.1]")",
       with(&D::receiving_mx_helo, "[192.0.2.1]"),
       {}},
      {known + R"(,"failure-reason-code":71)", with(&D::failure_reason_code, "71"), {"text-type"}},
      {known + R"(,"failure-error-code":"x")",
       with(&D::failure_reason_code, "x"),
       {"member-alias"}},
      {known + R"(,"additional-info-uri":"x")",
       with(&D::additional_information, "x"),
       {"member-alias"}},
      {known + R"(,"Failure-Reason-Code":"x")",
       with(&D::failure_reason_code, "x"),
       {"member-case"}},
      {known + R"(,"failure-reason-code":"a","Failure-Reason-Code":"b")",
       with(&D::failure_reason_code, "a"),
       {"duplicate-member", "member-case"}},
      {R"("result-type":"Other","failed-session-count":1)",
       with(&D::result_type, "Other"),
       {"unknown-result-type"}},
      {R"("failed-session-count":1)", with(&D::result_type, ""), {"missing-result-type"}},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(row.members);
    const ReadOutcome outcome = read_one(with_details(row.members));
    ASSERT_TRUE(outcome.accepted()) << outcome.detail;
    ASSERT_EQ(outcome.report.policies[0].failure_details.size(), 1u);
    EXPECT_EQ(outcome.report.policies[0].failure_details[0], row.details)
        << write_report(outcome.report);
    EXPECT_EQ(outcome.flags.words(), row.flags);
  }
}

TEST(ReportReader, entries_that_say_nothing_are_dropped_and_flagged) {
  const ReadOutcome outcome = read_one(
      report("[{}," + policy_result(kPolicyMembers, kTotals, R"([{},null,"x",[],{"y":1}])") + "]"));
  ASSERT_TRUE(outcome.accepted());
  EXPECT_EQ(outcome.report.policies.size(), 1u);
  EXPECT_TRUE(outcome.report.policies[0].failure_details.empty());
  EXPECT_EQ(outcome.flags.words(), Words{"details-dropped"});
}

TEST(ReportReader, members_one_level_up_fill_what_their_object_lacks) {
  const ReadOutcome outcome = read_one(
      report(R"([{"policy":{"policy-type":"tlsa"},"policy-type":"sts","policy-domain":"a.example",)"
             R"("total-successful-session-count":4}])"));
  ASSERT_TRUE(outcome.accepted());
  EXPECT_EQ(outcome.report.policies[0].policy, (Policy{"tlsa", {}, "a.example", {}}));
  EXPECT_EQ(outcome.report.policies[0].total_successful_session_count, 4u);
  EXPECT_EQ(outcome.flags.words(), (Words{"policy-not-nested", "missing-summary"}));
}

TEST(ReportReader, one_bad_report_does_not_cost_the_others) {
  EXPECT_EQ(refusals(kGood + "\n" + report("[]") + "\n" + kGood), (Words{"", "no-policies", ""}));
  EXPECT_EQ(refusals(kGood + "\n{\"policies\":[oops]}\n" + kGood), (Words{"", "not-json", ""}));
  EXPECT_EQ(refusals("[" + kGood + ",{\"a\":1}," + kGood + "]"), (Words{"", "not-a-report", ""}));
  EXPECT_EQ(refusals("[null," + kGood + ",7]"), (Words{""}));
}

TEST(ReportReader, what_surrounds_a_report_is_flagged) {
  const struct {
    std::string json;
    Words flags;
  } table[] = {
      {" \r\n" + kGood + "\n\n", {}},
      {"\xef\xbb\xbf" + kGood, {"byte-order-mark"}},
      {kGood + "\n-- \nfooter", {"trailing-data"}},
      {kGood + "}", {"trailing-data"}},
      {kGood + "\n[This mail was scanned]", {"trailing-data"}},
      {kGood + "\n{footer}", {"trailing-data"}},
      {kGood + std::string(3, '\0'), {"trailing-data"}},
      {"[" + kGood + "]", {"wrapped-in-array"}},
      {"[" + kGood + ",]", {"wrapped-in-array"}},
      {"[" + kGood, {"wrapped-in-array", "repaired-json"}},
      {"[" + kGood + "] x", {"trailing-data", "wrapped-in-array"}},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(row.json);
    const ReadOutcome outcome = read_one(row.json);
    EXPECT_TRUE(outcome.accepted()) << outcome.detail;
    // The order of words is that of the enumeration.
    EXPECT_EQ(outcome.flags.words(), row.flags);
    EXPECT_EQ(outcome.json, kGood);
  }
}

TEST(ReportReader, limits_end_in_a_verdict) {  // R108
  const std::string policy = policy_result(kPolicyMembers, kTotals);
  ReportLimits limits;
  limits.max_bytes = kGood.size();
  EXPECT_EQ(refusals(kGood, limits), Words{""});
  EXPECT_EQ(refusals(kGood + " ", limits), Words{"too-large"});

  limits = {};
  limits.max_depth = 5;  // report, policies, result, failure-details, row
  EXPECT_EQ(refusals(kGood, limits), Words{""});
  limits.max_depth = 4;
  EXPECT_EQ(refusals(kGood, limits), Words{"json-too-deep"});

  limits = {};
  limits.max_policies = 2;
  EXPECT_EQ(refusals(report("[" + policy + "," + policy + "]"), limits), Words{""});
  EXPECT_EQ(refusals(report("[" + policy + "," + policy + "," + policy + "]"), limits),
            Words{"too-many-policies"});

  limits = {};
  limits.max_reports = 2;
  EXPECT_EQ(refusals(kGood + kGood, limits), (Words{"", ""}));
  EXPECT_EQ(refusals(kGood + kGood + kGood + kGood, limits), (Words{"", "", "too-many-reports"}));
}

TEST(ReportReader, lists_and_texts_beyond_the_limit_are_cut_and_flagged) {  // R108
  ReportLimits limits;
  limits.max_failure_details = 2;
  const std::string row = R"({"result-type":"dane-required","failed-session-count":1})";
  ReadOutcome outcome =
      read_one(report("[" + policy_result(kPolicyMembers, kTotals, "[" + row + "," + row + "]") +
                      "," + policy_result(kPolicyMembers, kTotals, "[" + row + "]") + "]"),
               limits);
  EXPECT_EQ(outcome.report.policies[0].failure_details.size(), 2u);
  EXPECT_EQ(outcome.report.policies[1].failure_details.size(), 0u) << "the limit is the report's";
  EXPECT_EQ(outcome.flags.words(), Words{"details-dropped"});

  limits = {};
  limits.max_strings = 2;
  limits.max_string = 12;
  for (const char* list : {R"(["a","b","c"])", R"("a\nb\nc")", R"("[\"a\",\"b\",\"c\"]")"}) {
    outcome = read_one(
        with_policy(std::string(kPolicyMembers) + ",\"policy-string\":" + std::string(list)),
        limits);
    EXPECT_EQ(outcome.report.policies[0].policy.policy_string, (Words{"a", "b"})) << list;
    EXPECT_TRUE(outcome.flags.has(Flag::text_cut)) << list;
  }
  outcome = read_one(
      with_policy(std::string(kPolicyMembers) + R"(,"policy-string":"max_age:     7")"), limits);
  EXPECT_EQ(outcome.report.policies[0].policy.policy_string, Words{"max_age:"})
      << "no blank is left where the text was cut";
  outcome = read_one(with_policy(std::string(kPolicyMembers) + R"(,"mx-host":"a,b,c")"), limits);
  EXPECT_EQ(outcome.report.policies[0].policy.mx_host, (Words{"a", "b"}));
  EXPECT_TRUE(outcome.flags.has(Flag::text_cut));

  outcome = read_one(
      report("[" + policy_result(kPolicyMembers, kTotals) + "]", kRange, "\"0123456789a\xc3\xa9\""),
      limits);
  EXPECT_EQ(outcome.report.report_id, "0123456789a");
  EXPECT_TRUE(outcome.flags.has(Flag::text_cut));
}

std::string repeat(std::string_view text, std::size_t times) {
  std::string repeated;
  for (std::size_t i = 0; i < times; ++i) repeated += text;
  return repeated;
}

TEST(ReportReader, hostile_documents_get_one_verdict_each) {
  const std::string good_but = kGood.substr(0, kGood.size() - 1) + ",\"x\":";
  const struct {
    std::string json;
    const char* refusal;
  } table[] = {
      {repeat("[", 1000000), "json-too-deep"},
      {repeat("{\"a\":", 1000000), "json-too-deep"},
      {good_but + repeat("[", 1000000) + repeat("]", 1000000) + "}", "json-too-deep"},
      {good_but + "\"" + repeat("a", 4000000) + "\"}", ""},
      {good_but + repeat("1", 100000) + "}", ""},
      {good_but + "\"" + repeat("\x01\xff\\ud800", 100000) + "\"}", ""},
      {kGood.substr(0, kGood.size() - 1) + ",\"" + repeat("k", 100000) + "\":1}", ""},
      {report("[" + repeat("{\"policy\":{\"policy-type\":\"sts\"}},", 100000) + "{}]"),
       "too-many-policies"},
      {report("[" + repeat("{},", 100000) + "{}]"), "no-policies"},
      {report("[" +
              policy_result(kPolicyMembers, kTotals,
                            "[" + repeat("{\"result-type\":1},", 120000) + "1]") +
              "]"),
       ""},
      {good_but + repeat("0", 4000000) + "}", "not-json"},
      {good_but + repeat("1", 4000000) + ".}", "not-json"},
      {good_but + repeat("1", 4000000) + "e}", "not-json"},
      {"[" + repeat("{\"x\":,", 200000), "not-json"},
      {repeat("\"{", 1000000), "not-json"},
      {repeat(std::string_view("\0", 1), 1000000), "not-json"},
      {kGood + repeat("{", 1000000), ""},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(row.json.substr(0, 400));
    EXPECT_EQ(refusals(row.json), Words{row.refusal});
  }
}

void expect_sane(std::string_view json) {
  const auto outcomes = read_reports(json);
  ASSERT_GE(outcomes.size(), 1u);
  for (const ReadOutcome& outcome : outcomes) {
    if (!outcome.accepted()) {
      ASSERT_EQ(outcome.report, Report{});
      continue;
    }
    const std::string written = write_report(outcome.report);
    ASSERT_TRUE(is_valid_utf8(written));
    const auto again = read_reports(written);
    ASSERT_EQ(again.size(), 1u);
    ASSERT_TRUE(again[0].accepted()) << written;
    ASSERT_EQ(write_report(again[0].report), written);
  }
}

TEST(ReportReader, every_prefix_of_a_report_gets_a_verdict) {
  for (std::size_t size = 0; size <= kGood.size(); ++size) expect_sane(kGood.substr(0, size));
}

TEST(ReportReader, random_damage_never_costs_more_than_the_report) {
  std::mt19937 random(8460);
  const std::string original =
      "[" +
      report("[" +
             policy_result(R"("policy-type":"tlsa","policy-domain":"a.example",)"
                           R"("policy-string":"[\"3 1 1 AB\"]","mx-host":["mx: *.example"])",
                           kTotals,
                           R"([{"result-type":"\ud83d\udce7","failed-session-count":"1"},{}])") +
             "]") +
      "]{}";
  constexpr std::string_view kTelling = "{}[]\",:\\u0e-.\n\xc3\xff";
  for (int i = 0; i < 20000; ++i) {
    std::string json = original;
    for (auto changes = random() % 4; changes < 4; ++changes) {
      const std::size_t at = random() % json.size();
      const char byte = random() % 2 == 0 ? kTelling[random() % kTelling.size()]
                                          : static_cast<char>(random() % 256);
      switch (random() % 3) {
        case 0:
          json[at] = byte;
          break;
        case 1:
          json.insert(at, 1, byte);
          break;
        case 2:
          json.erase(at, 1 + random() % 20);
          break;
      }
    }
    SCOPED_TRACE(json);
    expect_sane(json);
    if (testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace tlsrpt
