// SPDX-License-Identifier: BSD-2-Clause
// The reader's bounds, and documents of people who mean harm.
#include <gtest/gtest.h>

#include <random>

#include "common/report_reader.hpp"
#include "common/report_writer.hpp"
#include "common/utf8.hpp"
#include "tests/unit/common/report_json.hpp"

namespace tlsrpt {
namespace {

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
  limits.max_members = 18;
  EXPECT_EQ(refusals(kGood, limits), Words{""});
  EXPECT_EQ(refusals(kGood + kGood, limits), (Words{"", ""})) << "the limit is the report's";
  limits.max_members = 17;
  EXPECT_EQ(refusals(kGood, limits), Words{"json-too-many-members"});

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

  const auto named = [](std::size_t size) {
    return "{\"" + std::string(size, 'x') + "\":1," + kGood.substr(1);
  };
  limits.max_string = 100;
  EXPECT_FALSE(read_one(named(100), limits).flags.has(Flag::text_cut));
  EXPECT_TRUE(read_one(named(101), limits).flags.has(Flag::text_cut)) << "names count, too";
  limits.max_string = 12;
  EXPECT_TRUE(read_one(report("[" + policy_result(R"("policy-domain":"")", kTotals) + "]"), limits)
                  .flags.has(Flag::text_cut))
      << "also those that were to be expected";
}

TEST(ReportReader, lists_and_texts_that_just_reach_the_limit_are_whole) {  // R108
  const std::string row = R"({"result-type":"dane-required","failed-session-count":1})";
  const auto flags_of = [&row](std::size_t details, std::size_t strings, std::size_t bytes) {
    ReportLimits limits;
    limits.max_failure_details = details;
    limits.max_strings = strings;
    limits.max_string = bytes;
    const std::string policy =
        std::string(kPolicyMembers) + R"(,"policy-string":["a","123456789012345678901234567890"])";
    return read_one(report("[" + policy_result(policy, kTotals, "[" + row + "," + row + "]") + "]"),
                    limits)
        .flags.words();
  };
  EXPECT_EQ(flags_of(2, 2, 30), Words{});
  EXPECT_EQ(flags_of(1, 2, 30), Words{"details-dropped"});
  EXPECT_EQ(flags_of(2, 1, 30), Words{"text-cut"});
  EXPECT_EQ(flags_of(2, 2, 29), Words{"text-cut"});
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
      {good_but + "1" + repeat(",\"y\":1", 1000000) + "}", "json-too-many-members"},
      {good_but + "[1" + repeat(",1", 1000000) + "]}", "json-too-many-members"},
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
