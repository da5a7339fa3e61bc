// SPDX-License-Identifier: BSD-2-Clause
#include "sender/reporter_command.hpp"

#include <gtest/gtest.h>

#include "tests/unit/sender/times.hpp"

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

TEST(ReporterCommand, send_rehearses_to_an_address_of_the_operators) {
  const auto command = parse({"send", "--to", "me@own.example", "a.example"});
  ASSERT_TRUE(command);
  ASSERT_TRUE(command->rehearsal_to);
  EXPECT_EQ(command->rehearsal_to->address, "me@own.example");
  EXPECT_EQ(command->day, day("2026-03-01"));
  EXPECT_EQ(parse({"send", "--to=me@own.example", "--day=today", "a.example"})->day,
            day("2026-03-02"));
  EXPECT_TRUE(parse({"send", "--day", "yesterday", "--dry-run"})->dry_run);
}

TEST(ReporterCommand, queue_is_narrowed_by_day_state_and_domain) {
  const auto all = parse({"queue"});
  ASSERT_TRUE(all);
  EXPECT_FALSE(all->day_given);
  EXPECT_EQ(all->states.size(), 3u) << "what is open";
  EXPECT_TRUE(parse({"queue", "--state", "all"})->states.empty());
  const auto some =
      parse({"queue", "--day", "today", "--state", "deferred,failed", "--json", "B.Example."});
  ASSERT_TRUE(some);
  EXPECT_TRUE(some->day_given);
  EXPECT_TRUE(some->json);
  EXPECT_EQ(some->states, (std::vector{DeliveryState::deferred, DeliveryState::failed}));
  EXPECT_EQ(some->domains, std::vector<std::string>{"b.example"});
}

TEST(ReporterCommand, status_explains_a_domain) {
  EXPECT_EQ(parse({"status", "--explain", "A.Example"})->explain, "a.example");
  EXPECT_TRUE(parse({"status", "--day", "today"})->day_given);
}

TEST(ReporterCommand, retry_wants_to_know_what) {
  EXPECT_TRUE(parse({"retry", "--all"}));
  EXPECT_TRUE(parse({"retry", "--day", "yesterday"}));
  EXPECT_EQ(parse({"retry", "A.example"})->domains, std::vector<std::string>{"a.example"});
}

TEST(ReporterCommand, suppress_lists_adds_and_removes) {
  EXPECT_EQ(parse({"suppress"})->suppress, SuppressAction::list);
  EXPECT_EQ(parse({"suppress", "list"})->suppress, SuppressAction::list);
  const auto added = parse({"suppress", "add", "--for", "7d", "A@x.example", "--reason", "asked",
                            "https://X.example/R"});
  ASSERT_TRUE(added);
  EXPECT_EQ(added->suppress, SuppressAction::add);
  EXPECT_EQ(added->destinations, (std::vector<std::string>{"a@x.example", "https://x.example/R"}));
  EXPECT_EQ(added->suppress_time, std::chrono::hours(7 * 24));
  EXPECT_EQ(added->reason, "asked");
  EXPECT_EQ(parse({"suppress", "remove", "mailto:a@x.example"})->suppress, SuppressAction::remove);
}

TEST(ReporterCommand, genkey_keeps_its_own_words) {
  const auto command = parse({"genkey", "--type", "ed25519", "-c", "x", "s1", "--output=f"});
  ASSERT_TRUE(command);
  EXPECT_EQ(command->genkey_words,
            (std::vector<std::string>{"--type=ed25519", "--output=f", "s1"}));
  EXPECT_EQ(parse({"testkey"})->kind, CommandKind::testkey);
  EXPECT_EQ(parse({"bounce", "-l"})->kind, CommandKind::bounce);
}

TEST(ReporterCommand, every_command_is_found_by_its_name_and_in_the_usage) {
  for (const CommandInfo& info : command_table()) {
    EXPECT_EQ(&command_info(info.kind), &info);
    EXPECT_NE(reporter_usage().find(info.name), std::string::npos);
  }
}

using Line = std::vector<std::string>;

TEST(ReporterCommand, what_makes_no_sense_is_refused) {
  for (const Line& words : std::vector<Line>{{"frobnicate"},
                                             {""},
                                             {"send"},
                                             {"send", "a.example"},
                                             {"send", "--to", "x", "a.example"},
                                             {"send", "--to", "https://x.example/", "a.example"},
                                             {"send", "--to", "me@own.example"},
                                             {"send", "--to", "me@own.example", "--dry-run", "a"},
                                             {"preview", "--day"},
                                             {"preview", "--day", "2026-02-30"},
                                             {"preview", "--dry-run"},
                                             {"preview", "-n"},
                                             {"--day", "today"},
                                             {"status", "a.example"},
                                             {"status", "--explain", "a b"},
                                             {"status", "--prometheus", "--explain", "a"},
                                             {"status", "--prometheus=yes"},
                                             {"preview", "--prometheus"},
                                             {"queue", "--state", "sent"},
                                             {"queue", "--state="},
                                             {"queue", "a b"},
                                             {"retry"},
                                             {"retry", "--all", "a.example"},
                                             {"suppress", "a@x.example"},
                                             {"suppress", "add"},
                                             {"suppress", "list", "a@x.example"},
                                             {"suppress", "list", "--for", "1d"},
                                             {"suppress", "add", "a@x.example", "--for", "1"},
                                             {"suppress", "remove", "nowhere"},
                                             {"bounce", "x"},
                                             {"testkey", "s1"},
                                             {"--prometheus"},
                                             {"-x"},
                                             {"preview", "-c"}}) {
    EXPECT_FALSE(parse(words)) << words[0] << " " << words.back();
  }
}

TEST(ReporterCommand, errors_say_what_to_do) {
  const auto error = [](const Line& words) { return parse(words).error().detail; };
  EXPECT_EQ(error({"preview", "--prometheus"}), "--prometheus does not go with preview");
  EXPECT_EQ(error({"--json"}), "--json does not go with the daemon");
  EXPECT_EQ(error({"queue", "-n"}), "queue: unknown option \"-n\"");
  EXPECT_EQ(error({"retry"}), "retry needs a day or domains, or else --all");
  EXPECT_EQ(error({"suppress", "remove"}), "suppress remove needs an address or URI");
  EXPECT_TRUE(
      error({"queue", "--state", "sent"}).starts_with("\"sent\" is no state; there are all,"));
}

}  // namespace
}  // namespace tlsrpt::sender
