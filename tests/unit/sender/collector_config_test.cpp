// SPDX-License-Identifier: BSD-2-Clause
#include "sender/collector_config.hpp"

#include <gtest/gtest.h>

namespace tlsrpt::sender {
namespace {

Config config_of(const std::string& text) {
  ReadConfig read = read_config_text(text, "test.conf");
  EXPECT_TRUE(read.problems.empty()) << read.problems.front().to_string();
  return read.config;
}

using Problems = std::vector<std::string>;

Problems problems_of(const std::string& text, bool inherited) {
  Problems problems;
  for (const ConfigProblem& problem : check_collector_config(config_of(text), inherited)) {
    problems.push_back(problem.to_string());
  }
  return problems;
}

TEST(CollectorConfig, a_usable_one_has_no_problems) {
  const std::string text =
      "Database sqlite:/\nOutcomeSocket /s\nOutcomeSocketGroup root\nOutcomeSocketMode 0620\n";
  EXPECT_EQ(problems_of(text, false), Problems{});
  const auto settings = socket_settings(config_of(text), SocketKind::datagram);
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->group, 0u);
  EXPECT_EQ(settings->owner, std::nullopt);
  EXPECT_EQ(settings->mode, 0620u);
}

TEST(CollectorConfig, every_problem_is_named_at_once_with_its_line) {
  const Problems problems = problems_of(
      "Database postgresql://host/db\nOutcomeSocket /no/such/folder/s\n"
      "\nOutcomeSocketGroup no-such-group\nUserID no-such-user\n",
      false);
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
                        true),
            Problems{});
}

TEST(CollectorConfig, the_stream_socket_has_a_path_of_its_own_and_the_same_permissions) {
  const std::string text =
      "Database sqlite:/\nOutcomeSocket /s\nOutcomeSocketGroup root\nOutcomeSocketMode 0620\n";
  EXPECT_EQ(problems_of(text + "OutcomeStreamSocket /t\n", false), Problems{});
  const auto settings =
      socket_settings(config_of(text + "OutcomeStreamSocket /t\n"), SocketKind::stream);
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->path, "/t");
  EXPECT_EQ(settings->mode, 0620u);
  for (const char* path : {"/s", "/no/such/folder/t"}) {
    const Problems problems =
        problems_of(text + "OutcomeStreamSocket " + path + "\n", /*inherited=*/false);
    ASSERT_EQ(problems.size(), 1u) << path;
    EXPECT_TRUE(problems[0].starts_with("test.conf:5: OutcomeStreamSocket: ")) << problems[0];
  }
}

TEST(CollectorConfig, the_group_of_the_user_is_taken_when_no_other_is_named) {
  const auto settings = socket_settings(config_of("OutcomeSocketGroup \"\"\nUserID root:daemon\n"),
                                        SocketKind::datagram);
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->owner, 0u);
  EXPECT_EQ(settings->group, find_group("daemon").value());
}

TEST(CollectorConfig, bounds_come_from_their_keys) {
  const Config config =
      config_of("FlushInterval 5s\nMaximumDomains 10\nMaximumFailureDetails 20\n");
  EXPECT_EQ(collector_settings(config).flush_interval, std::chrono::seconds(5));
  EXPECT_EQ(store_bounds(config).max_domains, 10u);
  EXPECT_EQ(store_bounds(config).max_failure_details, 20u);
}

}  // namespace
}  // namespace tlsrpt::sender
