// SPDX-License-Identifier: BSD-2-Clause
#include "milter/reports_options.hpp"

#include <gtest/gtest.h>

namespace tlsrpt::milter {
namespace {

Result<ReportsOptions> parse(std::vector<std::string> words) {
  words.insert(words.begin(), "opentlsrpt-reports");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  return parse_reports_options(static_cast<int>(words.size()), argv.data());
}

TEST(ReportsOptions, may_stand_before_and_after_the_command_and_its_arguments) {
  const auto options = parse({"-c", "/c", "parse", "a", "--database", "sqlite:/d", "-", "b"});
  ASSERT_TRUE(options) << options.error().detail;
  EXPECT_EQ(options->command, Command::parse);
  EXPECT_EQ(options->config_file, "/c");
  EXPECT_EQ(options->database, "sqlite:/d");
  EXPECT_EQ(options->inputs, (std::vector<std::string>{"a", "-", "b"}));
}

TEST(ReportsOptions, two_dashes_end_the_options) {
  const auto options = parse({"parse", "--", "-c", "--json"});
  ASSERT_TRUE(options) << options.error().detail;
  EXPECT_EQ(options->inputs, (std::vector<std::string>{"-c", "--json"}));
}

TEST(ReportsOptions, of_list_are_read) {
  const auto options = parse({"list", "--since=2026-03-01", "--until", "2026-03-02", "--domain",
                              "X.Example.", "--failures", "--limit", "0", "--json"});
  ASSERT_TRUE(options) << options.error().detail;
  EXPECT_EQ(format_day(*options->since), "2026-03-01");
  EXPECT_EQ(format_day(*options->until), "2026-03-02");
  EXPECT_EQ(options->domain, "x.example");
  EXPECT_TRUE(options->failures);
  EXPECT_TRUE(options->json);
  EXPECT_EQ(options->limit, 0u);
}

TEST(ReportsOptions, narrow_a_list_down) {
  const auto options = parse({"list", "--day", "2026-03-01", "--reporter", "Some Org", "--type",
                              "certificate-expired", "--quarantined"});
  ASSERT_TRUE(options) << options.error().detail;
  EXPECT_EQ(format_day(*options->since), "2026-03-01");
  EXPECT_EQ(format_day(*options->until), "2026-03-01");
  EXPECT_EQ(options->reporter, "Some Org");
  EXPECT_EQ(options->type, "certificate-expired");
  EXPECT_TRUE(options->quarantined);
  EXPECT_TRUE(parse({"list", "--rejected"})->refused);
  EXPECT_TRUE(parse({"show", "--refused", "7"})->refused);
}

TEST(ReportsOptions, of_prune_are_read) {
  EXPECT_EQ(parse({"prune"})->command, Command::prune);
  EXPECT_EQ(parse({"prune", "--keep", "30", "--dry-run"})->keep, 30u);
  EXPECT_TRUE(parse({"prune", "--keep", "30", "--dry-run"})->dry_run);
  EXPECT_EQ(format_day(*parse({"prune", "--before=2026-03-01"})->before), "2026-03-01");
}

TEST(ReportsOptions, of_show_take_one_id) {
  EXPECT_EQ(parse({"show", "7", "--raw"})->id, 7);
  EXPECT_TRUE(parse({"show", "7", "--raw"})->raw);
}

TEST(ReportsOptions, that_are_wrong_are_refused_with_a_reason) {
  struct {
    std::vector<std::string> words;
    const char* reason;
  } const cases[] = {
      {{}, "which command?"},
      {{"frobnicate"}, "no such command"},
      {{"parse"}, "which file?"},
      {{"parse", "--raw", "a"}, "--raw: no such option here"},
      {{"--json", "list"}, "--json: no such option here"},
      {{"list", "x"}, "x is not expected"},
      {{"list", "--since", "2026-02-30"}, "2026-02-30 is not a day"},
      {{"list", "--limit", "-1"}, "-1 is not a number"},
      {{"list", "--limit"}, "--limit: a value is missing"},
      {{"list", "--json=yes"}, "not with a value"},
      {{"show"}, "give one ID"},
      {{"show", "1", "2"}, "give one ID"},
      {{"show", "7x"}, "7x is not a number"},
      {{"summary", "--days", "0"}, "between 1 and"},
      {{"summary", "--domain", "a b"}, ""},
      {{"prune", "--keep", "0"}, "between 1 and"},
      {{"prune", "--keep", "1", "--before", "2026-03-01"}, "not both"},
      {{"prune", "x"}, "x is not expected"},
  };
  for (const auto& one : cases) {
    const auto options = parse(one.words);
    ASSERT_FALSE(options) << one.reason;
    EXPECT_NE(options.error().detail.find(one.reason), std::string::npos) << options.error().detail;
  }
}

TEST(ReportsOptions, help_needs_neither_command_nor_arguments) {
  EXPECT_TRUE(parse({"-h"})->help);
  EXPECT_TRUE(parse({"show", "--help"})->help);
  EXPECT_TRUE(parse({"-V"})->version);
  EXPECT_NE(reports_help(Command::list).find("--failures"), std::string::npos);
  EXPECT_EQ(reports_help(Command::parse).find("--failures"), std::string::npos);
  EXPECT_NE(reports_help(Command::none).find("import FILE"), std::string::npos);
}

TEST(ReportsOptions, pipe_stands_for_all_that_a_mail_server_needs) {
  const auto options = parse({"import", "--pipe"});
  ASSERT_TRUE(options) << options.error().detail;
  EXPECT_EQ(options->inputs, std::vector<std::string>{"-"});
  EXPECT_TRUE(options->quiet && options->record_refused && options->require_dkim);
  EXPECT_EQ(parse({"import", "--pipe", "a"})->inputs, std::vector<std::string>{"a"});
}

TEST(ReportsOptions, of_import_are_its_own_and_rejected_takes_no_files) {
  const auto options = parse({"import", "-q", "--dry-run", "a"});
  ASSERT_TRUE(options) << options.error().detail;
  EXPECT_TRUE(options->quiet && options->dry_run);
  EXPECT_FALSE(options->require_dkim);
  EXPECT_TRUE(parse({"import", "--rejected", "--dry-run"}));
  for (const std::vector<std::string>& words : {std::vector<std::string>{"import"},
                                                {"import", "--rejected", "a"},
                                                {"import", "--rejected", "--pipe"},
                                                {"parse", "--dry-run", "a"},
                                                {"list", "--pipe"}}) {
    EXPECT_FALSE(parse(words)) << words.back();
  }
}

}  // namespace
}  // namespace tlsrpt::milter
