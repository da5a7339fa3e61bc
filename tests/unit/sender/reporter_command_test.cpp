// SPDX-License-Identifier: BSD-2-Clause
#include "sender/reporter_command.hpp"

#include "tests/unit/sender/sending_house.hpp"

namespace tlsrpt::sender {
namespace {

Result<ReporterCommand> parse(std::vector<std::string> words) {
  words.insert(words.begin(), "opentlsrpt-reporter");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  return parse_reporter_command(static_cast<int>(arguments.size()), arguments.data(),
                                day("2026-03-02"));
}

TEST(ReporterCommand, is_the_daemon_without_a_command) {
  const auto command = parse({"-fc", "/etc/x.conf", "-v"});
  ASSERT_TRUE(command);
  EXPECT_EQ(command->kind, CommandKind::daemon);
  EXPECT_EQ(command->options.config_file, "/etc/x.conf");
  EXPECT_TRUE(command->options.foreground);
}

TEST(ReporterCommand, preview_shows_yesterday_unless_told_otherwise) {
  EXPECT_EQ(parse({"preview"})->day, day("2026-03-01"));
  EXPECT_EQ(parse({"preview", "--day", "today"})->day, day("2026-03-02"));
  EXPECT_EQ(parse({"preview", "--day=yesterday"})->day, day("2026-03-01"));
  EXPECT_EQ(parse({"preview", "--day=2024-02-29"})->day, day("2024-02-29"));
}

TEST(ReporterCommand, options_may_stand_on_both_sides_of_the_command) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"-c", "x", "send", "--day", "today", "a.example", "b.example"},
           {"send", "a.example", "-cx", "--day=today", "b.example"}}) {
    const auto command = parse(words);
    ASSERT_TRUE(command);
    EXPECT_EQ(command->kind, CommandKind::send);
    EXPECT_EQ(command->options.config_file, "x");
    EXPECT_EQ(command->domains, (std::vector<std::string>{"a.example", "b.example"}));
  }
}

TEST(ReporterCommand, status_is_for_people_or_for_prometheus) {
  EXPECT_EQ(parse({"status"})->kind, CommandKind::status);
  EXPECT_FALSE(parse({"status"})->prometheus);
  EXPECT_TRUE(parse({"status", "-c", "x", "--prometheus"})->prometheus);
}

TEST(ReporterCommand, genkey_gets_its_own_options_as_words) {
  const auto command = parse({"-c", "x", "genkey", "--type", "rsa", "--domain=a.example", "s1"});
  ASSERT_TRUE(command);
  EXPECT_EQ(command->kind, CommandKind::genkey);
  EXPECT_EQ(command->options.config_file, "x");
  EXPECT_EQ(command->domains,
            (std::vector<std::string>{"--type", "rsa", "--domain=a.example", "s1"}));
  EXPECT_FALSE(parse({"--type", "rsa", "genkey", "s1"}));
}

TEST(ReporterCommand, testkey_is_a_command) {
  EXPECT_EQ(parse({"testkey", "-c", "x"})->kind, CommandKind::testkey);
  EXPECT_FALSE(parse({"testkey", "s1"}));
}

TEST(ReporterCommand, what_makes_no_sense_is_refused) {
  for (const auto& words : std::vector<std::vector<std::string>>{{"frobnicate"},
                                                                 {"send"},
                                                                 {"send", "a.example"},
                                                                 {"preview", "--day"},
                                                                 {"preview", "--day", "2026-02-30"},
                                                                 {"--day", "today"},
                                                                 {"status", "a.example"},
                                                                 {"status", "--day", "today"},
                                                                 {"preview", "--prometheus"},
                                                                 {"--prometheus"},
                                                                 {"-x"},
                                                                 {"preview", "-c"}}) {
    EXPECT_FALSE(parse(words)) << words[0];
  }
}

}  // namespace
}  // namespace tlsrpt::sender
