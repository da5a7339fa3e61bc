// SPDX-License-Identifier: BSD-2-Clause
// Reads whole files as senders made them, and compares with what a reader should make of them.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "common/ip_address.hpp"
#include "common/report_reader.hpp"
#include "common/report_writer.hpp"

namespace tlsrpt {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string without(std::string_view unwanted, std::string text) {
  std::erase_if(text, [&](char c) { return unwanted.find(c) != std::string_view::npos; });
  return text;
}

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// One spelling for what may be spelt in several ways.
Json canonical(const std::string& member, const Json& value) {
  if (value.is_array()) {
    Json list = Json::array();
    for (const Json& element : value) list.push_back(canonical(member, element));
    return list;
  }
  if (!value.is_string()) return value;
  std::string text = trimmed(value.get<std::string>());
  if (member.ends_with("-ip")) return canonical_ip(text).value_or(text);
  if (member == "receiving-mx-hostname" || member == "receiving-mx-helo" || member == "mx-host") {
    while (text.ends_with('.')) text.pop_back();
    std::transform(text.begin(), text.end(), text.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
  }
  return text;
}

/// 'wanted' may be a matcher: {"one-of": [..]}, {"any": true}, {"any-but": [..]}, {"squash": ".."}.
/// null in either stands for a member that is left out.
bool fits(const std::string& member, const Json& wanted, const Json& actual) {
  if (wanted.is_object() && wanted.size() == 1) {
    const std::string kind = wanted.begin().key();
    const Json& argument = wanted.begin().value();
    if (kind == "any") return true;
    if (kind == "one-of") {
      return std::any_of(argument.begin(), argument.end(),
                         [&](const Json& one) { return fits(member, one, actual); });
    }
    if (kind == "any-but") {
      return std::none_of(argument.begin(), argument.end(),
                          [&](const Json& one) { return one == actual; });
    }
    if (kind == "squash" && actual.is_string()) {
      const std::string loose(" \t\r\n\0", 5);
      return without(loose, argument.get<std::string>()) ==
             without(loose, actual.get<std::string>());
    }
    return false;
  }
  const bool list = member == "policy-string" || member == "mx-host";
  const Json nothing = list ? Json::array() : Json();
  return canonical(member, wanted.is_null() ? nothing : wanted) ==
         canonical(member, actual.is_null() ? nothing : actual);
}

Json member_of(const Json& object, const std::string& name) {
  return object.contains(name) ? object.at(name) : Json();
}

void compare(const std::string& member, const Json& wanted, const Json& actual) {
  EXPECT_TRUE(fits(member, wanted, actual)) << member << " is " << actual << ", not " << wanted;
}

void compare_details(const Json& wanted, const Json& actual) {
  Json rows = Json::array();
  for (const Json& row : wanted) {
    for (int i = row.value("repeat", 1); i > 0; --i) rows.push_back(row);
  }
  ASSERT_EQ(rows.size(), actual.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    SCOPED_TRACE("failure-details " + std::to_string(i));
    compare("failed-session-count", rows[i].at("count"), actual[i].at("failed-session-count"));
    for (const char* member :
         {"result-type", "sending-mta-ip", "receiving-ip", "receiving-mx-hostname",
          "receiving-mx-helo", "additional-information", "failure-reason-code"}) {
      compare(member, member_of(rows[i], member), member_of(actual[i], member));
      EXPECT_NE(member_of(actual[i], member), Json("")) << "R101: " << member;
    }
  }
}

void compare_report(const Json& wanted, const Json& actual) {
  for (const char* member : {"organization-name", "report-id", "contact-info"}) {
    compare(member, wanted.at(member), actual.at(member));
  }
  compare("start", wanted.at("start"), actual.at("date-range").at("start-datetime"));
  compare("end", wanted.at("end"), actual.at("date-range").at("end-datetime"));
  const Json& policies = wanted.at("policies");
  ASSERT_EQ(policies.size(), actual.at("policies").size());
  for (std::size_t i = 0; i < policies.size(); ++i) {
    SCOPED_TRACE("policy " + std::to_string(i));
    const Json& result = actual.at("policies")[i];
    const Json& summary = result.at("summary");
    for (const char* member : {"policy-type", "policy-domain", "policy-string", "mx-host"}) {
      compare(member, policies[i].at(member), member_of(result.at("policy"), member));
    }
    compare("success", policies[i].at("success"), summary.at("total-successful-session-count"));
    compare("failure", policies[i].at("failure"), summary.at("total-failure-session-count"));
    compare_details(policies[i].at("failure-details"),
                    result.value("failure-details", Json::array()));
  }
}

void judge(const Json& expected, const std::vector<ReadOutcome>& outcomes) {
  const std::string verdict = expected.at("verdict");
  const auto accepted = std::count_if(outcomes.begin(), outcomes.end(),
                                      [](const ReadOutcome& o) { return o.accepted(); });
  if (verdict == "rejected") {
    EXPECT_EQ(accepted, 0);
    return;
  }
  if (verdict == "either" && accepted == 0) return;
  const Json& reports = expected.at("expect");
  ASSERT_EQ(outcomes.size(), reports.size());
  bool flagged = false;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    ASSERT_TRUE(outcomes[i].accepted()) << to_word(outcomes[i].refusal) << outcomes[i].detail;
    flagged = flagged || !outcomes[i].flags.empty();
    compare_report(reports[i], Json::parse(write_report(outcomes[i].report)));
  }
  EXPECT_TRUE(flagged || !expected.value("flag", false)) << "no flag";
}

/// The number of files judged.
int judge_all(const fs::path& folder) {
  std::ifstream list(folder / "expected.jsonl");
  int judged = 0;
  for (std::string line; std::getline(list, line);) {
    const Json expected = Json::parse(line);
    const fs::path file = folder / expected.at("file").get<std::string>();
    if (file.extension() != ".json") continue;
    SCOPED_TRACE(file.filename().string() + ": " + expected.at("why").get<std::string>());
    judge(expected, read_reports(read_file(file)));
    ++judged;
  }
  return judged;
}

TEST(ReportCorpus, every_deviation_of_senders_is_read_as_it_should_be) {
  EXPECT_EQ(judge_all(fs::path(TEST_DATA_DIR) / "reports"), 77);
}

TEST(ReportCorpus, every_file_of_the_big_corpus_is_read_as_it_should_be) {
  const char* chosen = std::getenv("OPENTLSRPT_CORPUS");
  const fs::path corpus =
      chosen != nullptr ? fs::path(chosen) : fs::path(TEST_DATA_DIR) / "../../../shared/corpus";
  if (!fs::exists(corpus / "reports/expected.jsonl")) GTEST_SKIP() << "no corpus in " << corpus;
  EXPECT_GT(judge_all(corpus / "reports"), 100);
}

}  // namespace
}  // namespace tlsrpt
