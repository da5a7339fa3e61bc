// SPDX-License-Identifier: BSD-2-Clause
// Several reports in one document, and what stands beside and around them.
#include <gtest/gtest.h>

#include "common/report_shape.hpp"
#include "tests/unit/common/report_json.hpp"

namespace tlsrpt {
namespace {

std::string without(std::string text, std::string_view what) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.erase(at, what.size());
}

const std::string kWithoutDates = without(kGood, kRange);

std::string list_of(std::size_t count, const std::string& element = kGood) {
  std::string list = "[";
  for (std::size_t i = 0; i < count; ++i) list += (i == 0 ? "" : ",") + element;
  return list + "]";
}

TEST(ReportDocuments, every_report_of_a_wrapper_is_found) {
  EXPECT_EQ(refusals("{\"a\":" + kGood + ",\"b\":" + kGood + "}"), (Words{"", ""}));
  EXPECT_EQ(refusals("{\"reports\":" + list_of(100) + "}"), Words(100));
  EXPECT_EQ(refusals("{\"data\":{\"reports\":" + list_of(100) + "}}"), Words(100));
}

TEST(ReportDocuments, reports_count_for_the_limit_however_they_are_wrapped) {
  ReportLimits limits;
  limits.max_reports = 2;
  const Words expected = {"", "", "too-many-reports"};
  for (const std::size_t count : {std::size_t{3}, std::size_t{9}}) {
    const std::string list = list_of(count);
    EXPECT_EQ(refusals("{\"reports\":" + list + "}", limits), expected);
    EXPECT_EQ(refusals(list, limits), expected);
    EXPECT_EQ(refusals(kGood + "{\"reports\":" + list + "}" + kGood, limits), expected);
  }
  EXPECT_EQ(refusals("{\"reports\":" + list_of(2) + "}", limits), (Words{"", ""}));
}

TEST(ReportDocuments, a_refused_report_of_a_wrapper_is_told) {
  EXPECT_EQ(refusals("{\"a\":" + kGood + ",\"b\":" + kWithoutDates + ",\"c\":" + kGood + "}"),
            (Words{"", "no-date-range", ""}));
  EXPECT_EQ(refusals("{\"report\":" + report("[]") + "}"), Words{"no-policies"});
  EXPECT_EQ(read_one("{\"report\":" + report("[]") + "}").flags.words(),
            Words{"wrapped-in-object"});
  EXPECT_EQ(refusals("{\"meta\":{\"report-id\":\"7\",\"size\":1},\"report\":" + kGood + "}"),
            Words{""})
      << "what is said about a report is none";
}

TEST(ReportDocuments, an_envelope_may_use_the_words_of_a_report) {
  const Report expected = read_one(kGood).report;
  for (const std::string head :
       {R"("organization-name":"outer")", R"("report-id":"outer")", R"("date-range":null)"}) {
    const ReadOutcome outcome = read_one("{" + head + ",\"report\":" + kGood + "}");
    EXPECT_EQ(outcome.report, expected) << head;
    EXPECT_EQ(outcome.flags.words(), Words{"wrapped-in-object"});
  }
  EXPECT_EQ(refusals("{\"organization-name\":\"x\",\"report\":{\"a\":1}}"), Words{"no-date-range"});
}

TEST(ReportDocuments, other_json_beside_a_report_is_only_flagged) {
  for (const std::string& json : {kGood + "{}", "{}" + kGood, kGood + "\n{\"a\":1}\n",
                                  "{\"a\":{\"b\":1}}\n" + kGood, kGood + "{\"a\":"}) {
    const ReadOutcome outcome = read_one(json);
    EXPECT_EQ(outcome.report, read_one(kGood).report) << json;
    EXPECT_EQ(outcome.flags.words(), Words{"trailing-data"}) << json;
  }
  EXPECT_EQ(read_one("[" + kGood + ",{}]").flags.words(),
            (Words{"trailing-data", "wrapped-in-array"}));
  EXPECT_EQ(refusals("[" + kGood + ",{\"a\":1}," + kGood + "]"), (Words{"", ""}));
  EXPECT_EQ(refusals(kGood + kWithoutDates), (Words{"", "no-date-range"}))
      << "with members of a report it is told";
  EXPECT_EQ(refusals(kGood + kGood.substr(0, 60)), (Words{"", "not-json"}));
  EXPECT_EQ(refusals("{}{\"a\":1}[]"), Words{"not-a-report"}) << "one word for all of it";
}

TEST(ReportDocuments, other_json_has_a_limit_too) {
  ReportLimits limits;
  limits.max_reports = 3;
  EXPECT_EQ(refusals("{}{}{}" + kGood, limits), Words{""});
  EXPECT_EQ(refusals("{}{}{}{}" + kGood, limits), Words{"too-many-reports"});
}

TEST(ReportDocuments, whatever_separates_reports_costs_none) {
  for (const std::string between :
       {"\x1e", "\n---\n", "\n\xef\xbb\xbf", ";\n", "\n{footer}\n", "{"}) {
    EXPECT_EQ(refusals(kGood + between + kGood + between + kGood), (Words{"", "", ""})) << between;
    EXPECT_TRUE(read_reports(kGood + between + kGood)[0].flags.has(Flag::trailing_data));
  }
  EXPECT_EQ(refusals("[EXTERNAL] {not} from here.\n" + kGood + "\n--\n" + kGood), (Words{"", ""}));
}

TEST(ReportDocuments, tells_the_encoding_that_it_does_not_read) {
  std::string wide;
  for (const char c : kGood) wide += std::string(1, c) + std::string(3, '\0');
  for (const std::string& text :
       {wide, std::string("\xff\xfe\0\0", 4) + wide, std::string(3, '\0') + wide,
        std::string("\0\0\xfe\xff\0\0\0", 7) + wide}) {
    const ReadOutcome outcome = read_one(text);
    EXPECT_EQ(outcome.refusal, Refusal::not_json);
    EXPECT_EQ(outcome.detail, "UTF-32; a report is UTF-8");
  }
}

TEST(LikenessToReport, tells_a_report_from_other_json_by_the_names_of_members) {
  using enum Likeness;
  const struct {
    std::string json;
    Likeness likeness;
  } table[] = {
      {kGood, certain},
      {kGood.substr(0, 30), certain},
      {"\x01 \"organization-name\"", certain},
      {R"({"OrganizationName":"x","ReportId":"y"})", certain},
      {R"({"policies":[{"policy_type":"sts")", certain},
      {R"({"Policies":[{"PolicyName":"a"}]})", some},
      {R"({"organizationName":"x"})", some},
      {R"({"report_metadata":{"org_name":"x","report_id":"1","date_range":{"begin":1}}})", some},
      {R"({"feedback":{"policy_published":{}}})", none},
      {"organization-name", none},
      {"", none},
      {std::string(65536, ' ') + kGood, none},
  };
  for (const auto& row : table) EXPECT_EQ(likeness_to_report(row.json), row.likeness) << row.json;
}

}  // namespace
}  // namespace tlsrpt
