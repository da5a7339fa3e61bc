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

TEST(CollectorConfig, a_usable_one_has_no_problems) {
  const Config config = config_of(
      "Database sqlite:/\nOutcomeSocket /s\nOutcomeSocketGroup root\nOutcomeSocketMode 0620\n");
  EXPECT_EQ(check_collector_config(config, false), std::vector<std::string>{});
  const auto settings = socket_settings(config);
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->group, 0u);
  EXPECT_EQ(settings->owner, std::nullopt);
  EXPECT_EQ(settings->mode, 0620u);
}

TEST(CollectorConfig, every_problem_is_named_at_once) {
  const auto problems = check_collector_config(
      config_of("Database postgresql://host/db\nOutcomeSocket /no/such/folder/s\n"
                "OutcomeSocketGroup no-such-group\nUserID no-such-user\n"),
      false);
  ASSERT_EQ(problems.size(), 4u);
  EXPECT_NE(problems[0].find("postgresql://host/db"), std::string::npos);
  EXPECT_NE(problems[1].find("OutcomeSocket: the folder /no/such/folder"), std::string::npos);
  EXPECT_NE(problems[2].find("no-such-user"), std::string::npos);
  EXPECT_NE(problems[3].find("no-such-group"), std::string::npos);
}

TEST(CollectorConfig, the_path_and_group_of_an_inherited_socket_do_not_matter) {
  EXPECT_EQ(check_collector_config(config_of("Database sqlite:/\nOutcomeSocket /no/such/s\n"
                                             "OutcomeSocketGroup no-such-group\n"),
                                   true),
            std::vector<std::string>{});
}

TEST(CollectorConfig, the_group_of_the_user_is_taken_when_no_other_is_named) {
  const auto settings = socket_settings(config_of("OutcomeSocketGroup \"\"\nUserID root:daemon\n"));
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
