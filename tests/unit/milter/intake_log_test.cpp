// SPDX-License-Identifier: BSD-2-Clause
#include "milter/intake_log.hpp"

#include <gtest/gtest.h>

#include "tests/unit/milter/received_samples.hpp"

namespace tlsrpt::milter {
namespace {

ReadOutcome report(const std::string& id, std::uint64_t failures) {
  ReadOutcome outcome;
  outcome.report =
      received(1, "sender.example", id, {policy_result("example.org", "sts", 10, failures)}).report;
  return outcome;
}

std::vector<std::string> lines_of(const IntakeResult& result) {
  std::vector<std::string> lines;
  for (const LogEntry& entry : describe_mail(result, "QID")) lines.push_back(entry.line.text());
  return lines;
}

bool has(const std::string& line, const std::string& text) {
  return line.find(text) != std::string::npos;
}

TEST(IntakeLog, has_one_line_for_each_report_of_a_mail) {
  IntakeResult result;
  result.disposition = Disposition::stored;
  result.facts.from_domain = "sender.example";
  result.dkim.status = DkimStatus::pass;
  result.dkim.best.domain = "sender.example";
  result.outcomes = {report("one", 0), report("two", 3), report("three", 0)};
  result.stored = {{1, false}, {2, true}, {3, false}};
  const auto lines = lines_of(result);
  ASSERT_EQ(lines.size(), 3u);
  for (const auto& [index, tag, id] : {std::tuple{0u, "report-stored ", "report_id=one"},
                                       std::tuple{1u, "report-duplicate ", "report_id=two"},
                                       std::tuple{2u, "report-stored ", "report_id=three"}}) {
    SCOPED_TRACE(lines[index]);
    EXPECT_EQ(lines[index].rfind(tag, 0), 0u);
    for (const char* word : {"queue_id=QID", "from_domain=sender.example", "dkim=pass",
                             "dkim_domain=sender.example", "domain=example.org", id}) {
      EXPECT_TRUE(has(lines[index], word)) << word;
    }
  }
  EXPECT_TRUE(has(lines[1], "sessions=13 failures=3")) << lines[1];
}

TEST(IntakeLog, says_beside_the_reports_what_was_refused) {
  IntakeResult result;
  result.disposition = Disposition::stored;
  ReadOutcome bad;
  bad.refusal = Refusal::gzip_damaged;
  result.outcomes = {report("one", 0), bad, bad};
  result.stored = {{1, false}};
  result.detail = "cut";
  const auto entries = describe_mail(result, "");
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].level, LogLevel::info);
  EXPECT_EQ(entries[1].level, LogLevel::notice);
  const std::string refused = entries[1].line.text();
  EXPECT_EQ(refused.rfind("report-refused queue_id=- ", 0), 0u) << refused;
  EXPECT_TRUE(has(refused, "refused=2 reason=gzip-damaged detail=cut")) << refused;
  EXPECT_FALSE(has(refused, "report_id=")) << refused;
}

TEST(IntakeLog, names_the_report_that_has_to_come_again) {
  IntakeResult result;
  result.outcomes = {report("one", 0)};
  for (const auto& [disposition, tag, level] :
       {std::tuple{Disposition::dns_error, "dns-error ", LogLevel::warning},
        std::tuple{Disposition::over_limit, "over-limit ", LogLevel::warning},
        std::tuple{Disposition::failed, "intake-failed ", LogLevel::error}}) {
    result.disposition = disposition;
    const auto entries = describe_mail(result, "QID");
    ASSERT_EQ(entries.size(), 1u);
    EXPECT_EQ(entries[0].level, level);
    EXPECT_EQ(entries[0].line.text().rfind(tag, 0), 0u);
    EXPECT_TRUE(has(entries[0].line.text(), "report_id=one"));
  }
}

TEST(IntakeLog, bounds_its_lines_and_says_how_many_reports_have_none) {
  IntakeResult result;
  result.disposition = Disposition::stored;
  for (const std::size_t count : {50u, 51u, 500u}) {
    result.outcomes.assign(count, report("x", 0));
    result.stored.assign(count, {1, false});
    const auto lines = lines_of(result);
    ASSERT_EQ(lines.size(), 50u);
    EXPECT_EQ(has(lines.back(), "more_reports="), count > 50);
    if (count > 50) {
      EXPECT_TRUE(has(lines.back(), fmt::format("more_reports={}", count - 50))) << lines.back();
    }
  }
}

TEST(IntakeLog, escapes_the_words_of_strangers) {
  IntakeResult result;
  result.disposition = Disposition::stored;
  result.outcomes = {report("a\nreport-stored queue_id=FORGED", 0)};
  result.stored = {{1, false}};
  const auto lines = lines_of(result);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_FALSE(has(lines[0], "\n"));
  EXPECT_TRUE(has(lines[0], "report_id=\"a\\x0areport-stored queue_id=FORGED\"")) << lines[0];
}

}  // namespace
}  // namespace tlsrpt::milter
