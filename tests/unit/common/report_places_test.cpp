// SPDX-License-Identifier: BSD-2-Clause
// Members of a report at other places, under other names and in other company than RFC 8460 has.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "common/report_members.hpp"
#include "tests/unit/common/report_json.hpp"

namespace tlsrpt {
namespace {

const std::string kPolicy = "\"policy\":{" + std::string(kPolicyMembers);
const std::string kSummary = "\"summary\":{" + std::string(kTotals);
const std::string kDetails =
    R"("failure-details":[{"result-type":"dane-required","failed-session-count":2}])";

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), with);
}

TEST(ReportPlaces, nothing_is_lost_when_a_member_stands_in_a_neighbour) {
  const Report expected = read_one(kGood).report;
  const struct {
    const char* why;
    std::string policy;
    Words flags;
  } table[] = {
      {"failure-details in policy",
       kPolicy + "," + kDetails + "}," + kSummary + "}",
       {"member-misplaced"}},
      {"failure-details in summary",
       kPolicy + "}," + kSummary + "," + kDetails + "}",
       {"member-misplaced"}},
      {"summary in policy", kPolicy + "," + kSummary + "}}," + kDetails, {"member-misplaced"}},
      {"all in policy", kPolicy + "," + kSummary + "}," + kDetails + "}", {"member-misplaced"}},
      {"counts in policy",
       kPolicy + "," + std::string(kTotals) + "}," + kDetails,
       {"member-misplaced", "missing-summary"}},
      {"policy-domain in summary",
       R"("policy":{"policy-type":"sts"},)" + kSummary + R"(,"policy-domain":"example.com"},)" +
           kDetails,
       {"member-misplaced", "policy-not-nested"}},
      {"policy in policy",
       "\"policy\":{" + kPolicy + "}}," + kSummary + "}," + kDetails,
       {"member-misplaced"}},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(row.why);
    const ReadOutcome outcome = read_one(report("[{" + row.policy + "}]"));
    EXPECT_EQ(outcome.report, expected);
    EXPECT_EQ(outcome.flags.words(), row.flags);
  }
}

TEST(ReportPlaces, the_members_of_the_only_policy_may_stand_in_the_report) {
  const Report expected = read_one(kGood).report;
  const std::string head = kGood.substr(0, kGood.find("\"policies\""));
  const ReadOutcome flat = read_one(head + kPolicy + "}," + kSummary + "}," + kDetails + "}");
  EXPECT_EQ(flat.report, expected);
  EXPECT_EQ(flat.flags.words(), Words{"member-misplaced"});
  const ReadOutcome flatter =
      read_one(head + std::string(kPolicyMembers) + "," + std::string(kTotals) + "}");
  EXPECT_EQ(flatter.report.policies.at(0).policy, expected.policies[0].policy);
  EXPECT_EQ(flatter.report.policies[0].total_successful_session_count, 7u);
  EXPECT_EQ(flatter.flags.words(),
            (Words{"member-misplaced", "policy-not-nested", "missing-summary"}));
  const ReadOutcome below =
      read_one(head + "\"policies\":[{" + kPolicy + "}}]," + kSummary + "}," + kDetails + "}");
  EXPECT_EQ(below.report, expected);
  EXPECT_TRUE(below.flags.has(Flag::member_misplaced));
}

TEST(ReportPlaces, what_a_policy_has_itself_counts) {
  const Report expected = read_one(kGood).report;
  const std::string other =
      R"("summary":{"total-successful-session-count":900,"total-failure-session-count":900})";
  const std::string good = kPolicy + "}," + kSummary + "}," + kDetails;
  const std::string in_policy = kPolicy + "," + other + "}," + kSummary + "}," + kDetails;
  const std::string after = kSummary + "}," + kDetails + "," + kPolicy + "," + other + "}";
  const std::string head = kGood.substr(0, kGood.find("\"policies\""));
  for (const std::string& json :
       {report("[{" + in_policy + "}]"), report("[{" + after + "}]"),
        head + "\"policies\":[{" + good + "}]," + other + "}",
        head + other + ",\"policies\":[{" + good + "}]}",
        report("[{" + good +
               R"(,"result-type":"x","date-range":{},"policies":[{"policy":{}}]}])")}) {
    const ReadOutcome outcome = read_one(json);
    EXPECT_EQ(outcome.report, expected) << json;
    EXPECT_TRUE(outcome.flags.has(Flag::member_ignored)) << json;
  }
}

TEST(ReportPlaces, members_of_a_report_fill_its_gaps_from_where_they_stand) {
  const Report expected = read_one(kGood).report;
  const std::string flat = replaced(kGood, "\"date-range\":{" + std::string(kRange) + "}", kRange);
  EXPECT_EQ(read_one(flat).report, expected);
  EXPECT_EQ(read_one(flat).flags.words(), Words{"member-misplaced"});
  const std::string in_range = replaced(replaced(kGood, R"(,"report-id":"1")", ""),
                                        "\"date-range\":{", R"("date-range":{"report-id":"1",)");
  EXPECT_EQ(read_one(in_range).report, expected);
  EXPECT_EQ(read_one(in_range).flags.words(), Words{"member-misplaced"});
  const std::string both = replaced(kGood, kPolicy, kPolicy + R"(,"report-id":"2")");
  EXPECT_EQ(read_one(both).report, expected);
  EXPECT_EQ(read_one(both).flags.words(), Words{"member-ignored"});
}

TEST(ReportPlaces, a_list_may_have_names_for_its_elements) {
  const std::string domain = R"("policy-domain":"example.com")";
  const std::string nameless = replaced(kGood, "," + domain, "");
  const std::string policy = nameless.substr(
      nameless.find("[{\"policy\"") + 1, nameless.rfind(']') - nameless.find("[{\"policy\"") - 1);
  const ReadOutcome keyed =
      read_one(report("{\"Example.com\":" + policy + ",\"b.example\":" + policy + "}"));
  ASSERT_EQ(keyed.report.policies.size(), 2u);
  EXPECT_EQ(keyed.report.policies[0].policy.policy_domain, "example.com");
  EXPECT_EQ(keyed.report.policies[1].policy.policy_domain, "b.example");
  EXPECT_EQ(keyed.report.policies[1].total_successful_session_count, 7u);
  EXPECT_EQ(keyed.flags.words(), Words{"policies-not-array"});
  const std::string row = R"({"result-type":"dane-required","failed-session-count":2})";
  const std::string rows =
      replaced(kGood, "[" + row + "]", R"({"dane-required":)" + row + R"(,"1":)" + row + "}");
  EXPECT_EQ(read_one(rows).report.policies.at(0).failure_details.size(), 2u);
  EXPECT_EQ(read_one(rows).flags.words(), Words{"failure-details-type"});
  // One policy with members of its sender's own is no such list.
  const std::string extra = R"({"x":{"y":1},)" + policy.substr(1);
  EXPECT_EQ(read_one(report(extra)).report.policies.size(), 1u);
}

TEST(ReportPlaces, names_are_known_however_they_are_spelt) {
  const Report expected = read_one(kGood).report;
  const auto renamed = [](char with) {
    std::string json = kGood;
    for (std::size_t at = 0; (at = json.find('-', at)) != std::string::npos; ++at) {
      const bool in_name = at > 0 && json[at - 1] >= 'a' && json[at + 1] >= 'a';
      const bool of_value = json.compare(at - 4, 5, "dane-") == 0;
      if (in_name && !of_value) json[at] = with;
    }
    return json;
  };
  for (const char mark : {'_', ' ', '.', '\n'}) {
    const ReadOutcome outcome = read_one(renamed(mark));
    EXPECT_EQ(outcome.report, expected) << renamed(mark);
    EXPECT_TRUE(outcome.flags.has(Flag::member_alias));
  }
  const auto found = find_member(ReportObject::report, "ReportID ");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->member, Member::report_id);
  EXPECT_TRUE(found->alias);
  for (const char* name :
       {"", "-", "x", "report-ids", "id", "start", "reportidreportidreportidrepo"})
    EXPECT_FALSE(find_member(ReportObject::report, name)) << name;
  EXPECT_FALSE(find_member(ReportObject::report, std::string(100'000, 'x')));
}

TEST(ReportPlaces, a_report_is_found_in_other_text) {
  const Report expected = read_one(kGood).report;
  const struct {
    std::string json;
    Words flags;
  } table[] = {
      {"[EXTERNAL] {not} from here.\r\n\r\n" + kGood, {"trailing-data"}},
      {")]}',\n" + kGood, {"trailing-data"}},
      {"\x1e" + kGood, {"trailing-data"}},
      {"callback(" + kGood + ");", {"trailing-data"}},
      {"\r\n\xef\xbb\xbf" + kGood, {"trailing-data"}},
      {"[[" + kGood + "]]", {"trailing-data", "wrapped-in-array"}},
      {"{\"id\":7,\"data\":{\"reports\":[" + kGood + "]}}", {"wrapped-in-object"}},
      {"{\"report\":" + kGood + "}", {"wrapped-in-object"}},
  };
  for (const auto& row : table) {
    const ReadOutcome outcome = read_one(row.json);
    EXPECT_EQ(outcome.report, expected) << row.json;
    EXPECT_EQ(outcome.flags.words(), row.flags) << row.json;
  }
}

TEST(ReportPlaces, other_json_is_still_no_report) {
  const std::string feedback =
      R"({"report_metadata":{"org_name":"x","date_range":{"begin":1747872000,"end":1747958399}},)"
      R"("policy_published":{"domain":"a.example"},"records":[{"row":{"count":7}}]})";
  for (const std::string& json :
       {feedback, "{\"feedback\":" + feedback + "}", "[[" + feedback + "]]",
        std::string(R"({"kind":"PolicyReport","summary":{"pass":1},"policy":"x"})"),
        std::string(R"({"dateRange":{"startDate":"2025-05-22"},"reports":[{"data":{}}]})"),
        std::string(R"({"Policies":[{"PolicyName":"a"}]})"), "see {\"a\":" + kGood.substr(0, 200),
        "x\n" + kGood.substr(0, kGood.size() - 1), std::string("tar\0", 4) + kGood}) {
    for (const ReadOutcome& outcome : read_reports(json)) EXPECT_FALSE(outcome.accepted()) << json;
  }
}

TEST(ReportPlaces, a_number_beyond_all_bounds_costs_nothing_else) {  // R50, R244
  const Report expected = read_one(kGood).report;
  for (const std::string& number :
       {std::string("1e999"), std::string("-1e999"), std::string("1e-999"), std::string(5000, '9'),
        "-" + std::string(5000, '9'), "0." + std::string(5000, '9')}) {
    SCOPED_TRACE(number.substr(0, 10));
    Report report = read_one(replaced(kGood, ":7", ":" + number)).report;
    const bool huge = number[0] != '-' && number[1] != '.' && number != "1e-999";
    ASSERT_EQ(report.policies.size(), 1u);
    EXPECT_EQ(report.policies[0].total_successful_session_count, huge ? kMaxCount : 0);
    report.policies[0].total_successful_session_count = 7;
    EXPECT_EQ(report, expected);
    const ReadOutcome unknown = read_one(replaced(kGood, "{\"org", "{\"x\":" + number + ",\"org"));
    EXPECT_EQ(unknown.report, expected);
    EXPECT_TRUE(unknown.flags.empty());
    const ReadOutcome dated = read_one(replaced(kGood, "\"2026-03-01T00:00:00Z\"", number));
    EXPECT_EQ(dated.report, expected);
    EXPECT_EQ(dated.flags.words(), Words{"date-format"});
  }
}

TEST(ReportPlaces, a_refusal_shows_what_stood_where_a_date_belongs) {
  const ReadOutcome outcome = read_one(replaced(kGood, kRange, R"("start-datetime":"05/06/2025")"));
  EXPECT_EQ(outcome.refusal, Refusal::no_date_range);
  EXPECT_NE(outcome.detail.find("'05/06/2025'"), std::string::npos) << outcome.detail;
  const ReadOutcome array =
      read_one(replaced(kGood, "\"2026-03-01T00:00:00Z\"", "[\"2026-03-01T00:00:00Z\"]"));
  EXPECT_EQ(array.report, read_one(kGood).report);
  EXPECT_EQ(array.flags.words(), Words{"date-format"});
}

/// Blanks behind names, so that none is known before it is read.
std::string with_blanks_behind_names(std::string json) {
  for (std::size_t at = 0; (at = json.find("\":", at)) != std::string::npos; at += 3)
    json.insert(at + 1, " ");
  return json;
}

TEST(ReportPlaces, expecting_a_name_changes_nothing_about_what_is_read) {
  std::vector<std::string> members = {
      R"("result-type":"dane-required")",  R"("sending-mta-ip":"192.0.2.1")",
      R"("receiving-ip":"2001:db8::1")",   R"("receiving-mx-hostname":"mx.example.com")",
      R"("x":{"result-type":"y"})",        R"("Receiving-MX-Helo":"mx.example.com")",
      R"("failure-error-code":"timeout")", R"("failed-session-count":2)",
      R"("policy-type":"tlsa")",           R"("failed-session-count":3)"};
  std::mt19937 random(8460);
  for (int i = 0; i < 200; ++i) {
    std::string rows;
    for (int row = 0; row < 4; ++row) {
      if (random() % 2 == 0) std::shuffle(members.begin(), members.end(), random);
      std::string text;
      for (std::size_t member = 0; member < 1 + random() % members.size(); ++member)
        text += (member == 0 ? "" : ",") + members[member];
      rows += (row == 0 ? "{" : ",{") + text + "}";
    }
    const std::string policies = policy_result(kPolicyMembers, kTotals, "[" + rows + "]");
    const std::string json = report("[" + policies + ",{" + kSummary + "}," + kPolicy + "}}]");
    const ReadOutcome outcome = read_one(json);
    ASSERT_TRUE(outcome.accepted());
    const ReadOutcome unforeseen = read_one(with_blanks_behind_names(json));
    EXPECT_EQ(outcome.report, unforeseen.report) << json;
    EXPECT_EQ(outcome.flags, unforeseen.flags) << json;
  }
}

TEST(ReportPlaces, the_order_of_members_is_learnt) {
  MemberOrder order;
  const auto next = [&order](ReportObject object, const FoundMember* last) {
    const FoundMember* member = order.next(object, last);
    return member == nullptr ? "" : std::string(member->name);
  };
  const auto* type = find_member(ReportObject::failure_details, "result-type");
  const auto* count = find_member(ReportObject::failure_details, "failed-session-count");
  const auto* code = find_member(ReportObject::failure_details, "failure-reason-code");
  const auto* alias = find_member(ReportObject::failure_details, "failure-error-code");
  EXPECT_EQ(next(ReportObject::report, nullptr), "organization-name");
  EXPECT_EQ(next(ReportObject::failure_details, nullptr), "result-type");
  EXPECT_EQ(next(ReportObject::failure_details, type), "sending-mta-ip");
  EXPECT_EQ(next(ReportObject::failure_details, code), "");
  order.learn(ReportObject::failure_details, nullptr, *count);
  order.learn(ReportObject::failure_details, code, *type);
  order.learn(ReportObject::failure_details, type, *alias);
  EXPECT_EQ(next(ReportObject::failure_details, nullptr), "failed-session-count");
  EXPECT_EQ(next(ReportObject::failure_details, code), "result-type");
  EXPECT_EQ(next(ReportObject::failure_details, type), "sending-mta-ip") << "an own name only";
  EXPECT_EQ(next(ReportObject::policy, code), "") << "in its own object only";
}

}  // namespace
}  // namespace tlsrpt
