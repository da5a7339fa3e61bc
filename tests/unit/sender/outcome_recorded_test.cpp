// SPDX-License-Identifier: BSD-2-Clause
// Datagrams that Postfix 3.10 sent, as they came and damaged.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "common/domain_name.hpp"
#include "common/result_type.hpp"
#include "sender/outcome.hpp"

namespace tlsrpt::sender {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> recorded_datagrams() {
  std::vector<std::string> lines;
  for (const auto& entry : fs::directory_iterator(fs::path(TEST_DATA_DIR) / "datagrams")) {
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      if (!line.empty()) lines.push_back(line);
    }
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

TEST(RecordedOutcome, of_postfix_is_read) {
  const std::vector<std::string> lines = recorded_datagrams();
  ASSERT_GE(lines.size(), 103u);
  for (const std::string& line : lines) {
    const ReadOutcomeResult read = read_outcome(line);
    ASSERT_TRUE(read.bad.empty()) << line << "\n" << read.detail;
    const Outcome& outcome = read.outcome;
    ASSERT_EQ(outcome.policies.size(), 1u) << line;
    const PolicyOutcome& policy = outcome.policies[0];
    EXPECT_EQ(policy.failed, !policy.failure_details.empty()) << line;
    EXPECT_TRUE(is_registered_policy_type(policy.policy.policy_type)) << line;
    for (const FailureDetails& details : policy.failure_details) {
      EXPECT_FALSE(details.receiving_mx_hostname.empty()) << line;
      EXPECT_FALSE(details.receiving_ip.empty()) << line;
      EXPECT_EQ(details.receiving_mx_helo.find_first_of(" \r\n"), std::string::npos) << line;
    }
  }
}

TEST(RecordedOutcome, whatever_happens_to_it_reading_ends_and_gives_normal_domains) {
  std::mt19937 random(20260301);  // a fixed seed: every run tries the same
  const std::vector<std::string> lines = recorded_datagrams();
  const std::string_view tokens[] = {"\"",      "{",       "}",    "[",     "]",
                                     ":",       ",",       "null", "1e400", "-0",
                                     "\\u0000", "\\ud800", "\xff", "true",  "\"f\":0"};
  for (int round = 0; round < 20000; ++round) {
    std::string text = lines[random() % lines.size()];
    for (unsigned change = 0; change <= random() % 4; ++change) {
      const std::size_t at = random() % (text.size() + 1);
      switch (random() % 4) {
        case 0:
          text.insert(at, tokens[random() % std::size(tokens)]);
          break;
        case 1:
          text.erase(at, random() % 20);
          break;
        case 2:
          if (at < text.size()) text[at] = static_cast<char>(random());
          break;
        case 3:
          text.insert(at, text.substr(random() % (text.size() + 1), random() % 60));
          break;
      }
    }
    const ReadOutcomeResult read = read_outcome(text);
    ASSERT_TRUE(!read.bad.empty() || !read.outcome.policies.empty()) << text;
    for (const PolicyOutcome& policy : read.outcome.policies) {
      ASSERT_EQ(normalize_domain(policy.policy.policy_domain), policy.policy.policy_domain) << text;
      ASSERT_TRUE(!read.bad.empty() || is_registered_policy_type(policy.policy.policy_type))
          << text;
      for (const FailureDetails& details : policy.failure_details) {
        ASSERT_TRUE(is_registered_result_type(details.result_type)) << text;
      }
    }
  }
}

}  // namespace
}  // namespace tlsrpt::sender
