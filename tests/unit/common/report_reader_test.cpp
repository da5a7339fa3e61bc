// SPDX-License-Identifier: BSD-2-Clause
#include "common/report_reader.hpp"

#include <gtest/gtest.h>

#include "common/report_writer.hpp"
#include "tests/unit/common/report_json.hpp"

namespace tlsrpt {
namespace {

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
      {"{\"policies\":[nonsense]}", Refusal::not_json},
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
      {"\"+7\"", 7, {"count-type"}},
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
      {R"([null,"","a"])", "a", {"text-type"}},
      {R"([null,"","a","b"])", "a", {"member-ignored", "text-type"}},
      {R"([["x"],{"y":"z"},"a"])", "a", {"text-type"}},
      {R"("nul\u0000esc\u001b")", std::string("nul\0esc\x1b", 8), {}},
      {R"("\ud83d\udce7")", "\xf0\x9f\x93\xa7", {}},
      {R"("\ud83d")", "\xef\xbf\xbd", {"lone-surrogate"}},
      {R"("\uffff \ud83f\udfff")", "\xef\xbf\xbd \xef\xbf\xbd", {"lone-surrogate"}},
      {"\"\xef\xbf\xbf\"", "\xef\xbf\xbd", {"lone-surrogate"}},
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
      {R"("policy-string":[7,null,{"a":[1]},["b"]])", policy({"7", "b"}, {}), {"text-type"}},
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
       {"duplicate-member", "member-alias", "member-ignored"}},
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
      {R"("policy-type":" sts ","policy-domain":" Example.COM. ")",
       "example.com",
       "sts",
       {"member-case", "policy-domain-form"}},
      {R"("policy-type":"sts","policy-domain":"Example.COM")", "example.com", "sts", {}},
      {R"("policy-type":"STS","policy-domain":"a.example")", "a.example", "sts", {"member-case"}},
      {R"("policy-type":"Dane","policy-domain":"a.example")",
       "a.example",
       "dane",
       {"unknown-policy-type"}},
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
       {"policy-domain-form"}},
      {R"("policy-type":"sts","policy-domain":"a..B\u00ff\u0000c.")",
       R"(a..b\xc3\xbf\x00c)",
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
  EXPECT_EQ(outcome.flags.words(), (Words{"wrapped-in-array", "details-dropped"}));
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
  EXPECT_EQ(refusals("[null," + kGood + ",7]"), (Words{""}));
}

TEST(ReportReader, arrays_around_what_is_one_thing_are_opened) {
  const std::string row = R"({"result-type":"dane-required","failed-session-count":2})";
  const std::string policy = std::string("{") + std::string(kPolicyMembers) + "}";
  const std::string summary = std::string("{") + std::string(kTotals) + "}";
  const std::string range = std::string("[{") + std::string(kRange) + "}]";
  const auto result = [](const std::string& one, const std::string& totals,
                         const std::string& rows) {
    return "{\"policy\":" + one + ",\"summary\":" + totals + ",\"failure-details\":" + rows + "}";
  };
  const std::string plain = result(policy, summary, "[" + row + "]");
  std::string in_range = kGood;
  const std::size_t at = in_range.find("{\"start");
  in_range.replace(at, in_range.find('}', at) + 1 - at, range);
  const Report expected = read_one(kGood).report;
  for (const std::string& json :
       {report("[[" + plain + "]]"), report("[[],[[" + plain + "]]]"),
        report("[" + result("[" + policy + "]", summary, "[" + row + "]") + "]"),
        report("[" + result(policy, "[" + summary + "]", "[" + row + "]") + "]"),
        report("[" + result(policy, summary, "[[" + row + "],[]]") + "]"), in_range}) {
    const ReadOutcome outcome = read_one(json);
    EXPECT_EQ(outcome.report, expected) << json;
    EXPECT_EQ(outcome.flags.words(), Words{"wrapped-in-array"}) << json;
  }
  const ReadOutcome texts = read_one(with_policy(
      std::string(kPolicyMembers) +
      R"(,"policy-string":[["a"],[["b",null]]],"mx-host":"[\"mx: a.example\",\"b.example\"]")"));
  EXPECT_EQ(texts.report.policies[0].policy.policy_string, (Words{"a", "b"}));
  EXPECT_EQ(texts.report.policies[0].policy.mx_host, (Words{"a.example", "b.example"}));
  EXPECT_EQ(texts.flags.words(), (Words{"text-type", "mx-host-type"}));
}

TEST(ReportReader, objects_without_the_array_around_them_are_taken_one_by_one) {
  const auto outcomes = read_reports(kGood + "," + kGood + ", footer");
  ASSERT_EQ(outcomes.size(), 2u);
  EXPECT_TRUE(outcomes[0].accepted() && outcomes[1].accepted());
  EXPECT_TRUE(outcomes[0].flags.has(Flag::trailing_data));
  EXPECT_TRUE(outcomes[1].flags.has(Flag::trailing_data));
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
      {std::string(3, '\0') + kGood, {"trailing-data"}},
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

}  // namespace
}  // namespace tlsrpt
