// SPDX-License-Identifier: BSD-2-Clause
#include "sender/collector_config.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::sender {
namespace {

Config config_of(const std::string& text) {
  ReadConfig read = read_config_text(text, "test.conf");
  EXPECT_TRUE(read.problems.empty()) << read.problems.front().to_string();
  return read.config;
}

using Problems = std::vector<std::string>;

Problems problems_of(const std::string& text, const Inherited& inherited) {
  Problems problems;
  for (const ConfigProblem& problem : check_collector_config(config_of(text), inherited)) {
    problems.push_back(problem.to_string());
  }
  return problems;
}

TEST(CollectorConfig, a_usable_one_has_no_problems) {
  const std::string text =
      "Database sqlite:/\nOutcomeSocket /s\nOutcomeSocketGroup root\nOutcomeSocketMode 0620\n";
  EXPECT_EQ(problems_of(text, {}), Problems{});
  const auto settings = socket_settings(config_of(text), {});
  ASSERT_TRUE(settings);
  ASSERT_EQ(settings->size(), 1u);
  EXPECT_EQ(settings->front().kind, SocketKind::datagram);
  EXPECT_EQ(settings->front().group, 0u);
  EXPECT_EQ(settings->front().owner, std::nullopt);
  EXPECT_EQ(settings->front().mode, 0620u);
}

TEST(CollectorConfig, every_problem_is_named_at_once_with_its_line) {
  const Problems problems = problems_of(
      "Database postgresql://host/db\nOutcomeSocket /no/such/folder/s\n"
      "\nOutcomeSocketGroup no-such-group\nUserID no-such-user\n",
      {});
  ASSERT_EQ(problems.size(), 4u);
  EXPECT_TRUE(problems[0].starts_with("test.conf:1: Database: ")) << problems[0];
  EXPECT_TRUE(problems[1].starts_with("test.conf:2: OutcomeSocket: the folder /no/such/folder"))
      << problems[1];
  EXPECT_TRUE(problems[2].starts_with("test.conf:5: UserID: ")) << problems[2];
  EXPECT_TRUE(problems[3].starts_with("test.conf:4: OutcomeSocketGroup: ")) << problems[3];
}

TEST(CollectorConfig, the_path_and_group_of_an_inherited_socket_do_not_matter) {
  EXPECT_EQ(problems_of("Database sqlite:/\nOutcomeSocket /no/such/s\n"
                        "OutcomeSocketGroup no-such-group\n",
                        {true, false}),
            Problems{});
}

TEST(CollectorConfig, the_stream_socket_has_a_path_of_its_own_and_the_same_permissions) {
  const std::string text =
      "Database sqlite:/\nOutcomeSocket /s\nOutcomeSocketGroup root\nOutcomeSocketMode 0620\n";
  EXPECT_EQ(problems_of(text + "OutcomeStreamSocket /t\n", {}), Problems{});
  const auto settings = socket_settings(config_of(text + "OutcomeStreamSocket /t\n"), {});
  ASSERT_TRUE(settings);
  ASSERT_EQ(settings->size(), 2u);
  EXPECT_EQ(settings->back().kind, SocketKind::stream);
  EXPECT_EQ(settings->back().path, "/t");
  EXPECT_EQ(settings->back().mode, 0620u);
  for (const char* path : {"/s", "/no/such/folder/t"}) {
    const Problems problems = problems_of(text + "OutcomeStreamSocket " + path + "\n", {});
    ASSERT_EQ(problems.size(), 1u) << path;
    EXPECT_TRUE(problems[0].starts_with("test.conf:5: OutcomeStreamSocket: ")) << problems[0];
  }
}

TEST(CollectorConfig, the_group_of_the_user_is_taken_when_no_other_is_named) {
  const auto settings =
      socket_settings(config_of("OutcomeSocketGroup \"\"\nUserID root:daemon\n"), {});
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->front().owner, 0u);
  EXPECT_EQ(settings->front().group, find_group("daemon").value());
}

TEST(CollectorConfig, there_may_be_several_sockets_of_each_kind) {
  const std::string text =
      "Database sqlite:/\nOutcomeSocket /a,/b\nOutcomeSocket /c\nOutcomeStreamSocket /d,/e\n"
      "OutcomeSocketGroup root\n";
  EXPECT_EQ(problems_of(text, {}), Problems{});
  EXPECT_EQ(socket_settings(config_of(text), {})->size(), 5u);
  EXPECT_EQ(socket_settings(config_of(text), {true, false})->size(), 2u);
  EXPECT_EQ(socket_settings(config_of(text), {true, true})->size(), 0u);
  const Problems problems = problems_of(text + "OutcomeSocket /b\nOutcomeSocket x\n", {});
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_TRUE(problems[0].starts_with("test.conf:6: OutcomeSocket: /b is named twice"))
      << problems[0];
  EXPECT_TRUE(problems[1].starts_with("test.conf:7: OutcomeSocket: \"x\" is not")) << problems[1];
}

TEST(CollectorConfig, bounds_come_from_their_keys) {
  const Config config = config_of(
      "Database sqlite:/x\nFlushInterval 5s\nMaximumKeys 10\n"
      "MaximumFailureDetails 20\nJournalFolder /j\n");
  const CollectorSettings settings = collector_settings(config);
  EXPECT_EQ(settings.storer.flush_interval, std::chrono::seconds(5));
  EXPECT_EQ(settings.storer.store.bounds.max_keys, 10u);
  EXPECT_EQ(settings.storer.store.bounds.max_failure_details, 20u);
  EXPECT_EQ(settings.storer.store.path, "/x/outbound.db");
  EXPECT_EQ(settings.journal.folders, (std::vector<std::string>{"/j", "/x"}));
}

TEST(CollectorConfig, logs_have_to_be_readable) {
  const TempDir folder;
  std::ofstream(folder.file("mail.log")) << "line\n";
  const std::string begin =
      "Database sqlite:/\nOutcomeSocket /s\nOutcomeSocketGroup root\nLogFile ";
  EXPECT_EQ(problems_of(begin + folder.file("mail.log") + "\n", {}), Problems{});
  EXPECT_EQ(problems_of(begin + folder.file("not-there-yet") + "\n", {}), Problems{});
  for (const std::string& path : {std::string("relative"), folder.path()}) {
    const Problems problems = problems_of(begin + path + "\n", {});
    ASSERT_EQ(problems.size(), 1u) << path;
    EXPECT_TRUE(problems[0].starts_with("test.conf:4: LogFile: ")) << problems[0];
  }
  if (::geteuid() != 0) GTEST_SKIP() << "only root can look as another user";
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  std::filesystem::permissions(folder.file("mail.log"), std::filesystem::perms(0640));
  const Problems problems = problems_of(begin + folder.file("mail.log") + "\nUserID nobody\n", {});
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_NE(problems[0].find("cannot be read by UserID"), std::string::npos) << problems[0];
}

TEST(CollectorConfig, testing_policies_are_left_to_a_log_only_if_there_is_one) {
  const std::string begin = "Database sqlite:/\nOutcomeSocket /s\nOutcomeSocketGroup root\n";
  const std::string testing = begin + "LogSessions sts-testing\n";
  const Problems problems = problems_of(testing, {});
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_TRUE(problems[0].starts_with("test.conf:4: LogSessions: ")) << problems[0];
  EXPECT_FALSE(collector_settings(config_of(testing)).storer.store.testing_left_to_log);
  const std::string followed = testing + "LogFile /no/mail.log\n";
  EXPECT_EQ(problems_of(followed, {}), Problems{});
  EXPECT_TRUE(collector_settings(config_of(followed)).storer.store.testing_left_to_log);
  EXPECT_FALSE(collector_settings(config_of(begin + "LogFile /no/mail.log\n"))
                   .storer.store.testing_left_to_log);
}

TEST(CollectorConfig, what_the_mta_does_is_told_to_those_who_read_its_log) {
  const std::string begin = "Database sqlite:/no\nOutcomeSocket /s\nLogFile /no/mail.log\n";
  const LogFollowingSettings usual = collector_settings(config_of(begin)).logs;
  EXPECT_EQ(usual.finder.precedence, Precedence::unknown);
  EXPECT_EQ(usual.follower.mail_log.trust_store, TrustStoreOfMta::unknown);
  const LogFollowingSettings set =
      collector_settings(config_of(begin + "LogPrecedence sts\nLogTrustStore no\n")).logs;
  EXPECT_TRUE(usual.probe);
  EXPECT_FALSE(collector_settings(config_of(begin + "LogProbe no\n")).logs.probe);
  EXPECT_EQ(set.finder.precedence, Precedence::sts);
  EXPECT_EQ(set.follower.mail_log.trust_store, TrustStoreOfMta::absent);
  const LogFollowingSettings others =
      collector_settings(config_of(begin + "LogPrecedence dane\nLogTrustStore yes\n")).logs;
  EXPECT_EQ(others.finder.precedence, Precedence::dane);
  EXPECT_EQ(others.follower.mail_log.trust_store, TrustStoreOfMta::present);
}

}  // namespace
}  // namespace tlsrpt::sender
