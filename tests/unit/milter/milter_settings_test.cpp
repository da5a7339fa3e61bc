// SPDX-License-Identifier: BSD-2-Clause
#include "milter/milter_settings.hpp"

#include <gtest/gtest.h>

#include <set>

namespace tlsrpt::milter {
namespace {

std::vector<std::string> problems_of(const std::string& text) {
  ReadConfig read = read_config_text(text, "test.conf");
  EXPECT_TRUE(read.problems.empty());
  milter_settings(read.config, "test.conf", read.problems);
  std::vector<std::string> problems;
  for (const ConfigProblem& problem : read.problems) problems.push_back(problem.to_string());
  return problems;
}

const std::string kGood = "ReportAddress tls@example.org\nNameserver 127.0.0.1\n";

TEST(MilterSettings, takes_a_good_configuration) {
  EXPECT_TRUE(problems_of(kGood).empty());
  EXPECT_TRUE(problems_of(kGood + "PeerList 127.0.0.1, .example.org\n"
                                  "PolicyDomains example.org\nSocket inet:8895@127.0.0.1\n")
                  .empty());
}

TEST(MilterSettings, names_the_key_that_is_wrong) {
  for (const auto& [line, key] : std::vector<std::pair<std::string, std::string>>{
           {"ReportAddress nobody", "ReportAddress"},
           {"PeerList 192.0.2.0/99", "PeerList"},
           {"Database postgresql://x", "Database"},
           {"Socket inet:127.0.0.1:8895", "Socket"},
           {"SocketGroup no-such-group-here", "SocketGroup"},
           {"UserID no-such-user-here", "UserID"},
           {"Nameserver dns.example", "Nameserver"},
           {"MaximumSpoolSize 1M", "MaximumSpoolSize"}}) {
    SCOPED_TRACE(line);
    const bool replaces = key == "ReportAddress" || key == "Nameserver";
    std::string text = line + "\n";
    if (!replaces) text += kGood;
    if (key == "ReportAddress") text += "Nameserver 127.0.0.1\n";
    if (key == "Nameserver") text += "ReportAddress tls@example.org\n";
    const auto problems = problems_of(text);
    ASSERT_EQ(problems.size(), 1u);
    EXPECT_NE(problems.front().find(key + ": "), std::string::npos) << problems.front();
    EXPECT_EQ(problems.front().rfind("test.conf", 0), 0u) << problems.front();
  }
}

TEST(MilterSettings, reports_all_problems_at_once) {
  EXPECT_EQ(problems_of("Nameserver 127.0.0.1\nSocket x\nUserID no-such-user-here\n").size(), 3u)
      << "ReportAddress is missing, too";
}

TEST(MilterSettings, names_the_line_of_each_problem) {
  // One that the reader of the file finds, entries of lists in the middle, and a missing value.
  ReadConfig read = read_config_text(
      "Nameserver 127.0.0.1\n"
      "LogWhy perhaps\n"
      "PolicyDomains example.org, a..b\n"
      "PolicyDomains example.net\n"
      "PolicyDomains c..d\n"
      "PeerList 192.0.2.1, 192.0.2.0/99, .example.org\n"
      "Socket nowhere\n"
      "Database mysql:x\n",
      "test.conf");
  milter_settings(read.config, "test.conf", read.problems);
  std::multiset<std::string> places;
  for (const ConfigProblem& problem : read.problems) {
    const std::string text = problem.to_string();
    const std::string_view after = std::string_view(text).substr(std::string("test.conf:").size());
    places.insert(std::string(after.substr(0, after.find(':'))));
  }
  EXPECT_EQ(places, (std::multiset<std::string>{"2", "3", "5", "6", "7", "8", " ReportAddress"}));
}

TEST(MilterSettings, names_every_bad_entry_of_a_list) {
  const auto problems = problems_of(
      "ReportAddress tls@example.org, nobody\nReportAddress x@example.org\n"
      "ReportAddress @example.org\nNameserver 127.0.0.1, one, two\n");
  ASSERT_EQ(problems.size(), 4u);
  EXPECT_EQ(problems[0].rfind("test.conf:1: ReportAddress: \"nobody\"", 0), 0u) << problems[0];
  EXPECT_EQ(problems[1].rfind("test.conf:3: ReportAddress: \"@example.org\"", 0), 0u)
      << problems[1];
  EXPECT_EQ(problems[2].rfind("test.conf:4: Nameserver: ", 0), 0u) << problems[2];
  EXPECT_EQ(problems[3].rfind("test.conf:4: Nameserver: ", 0), 0u) << problems[3];
}

TEST(MilterSettings, takes_each_answer_from_its_own_key) {
  ReadConfig read = read_config_text(kGood +
                                         "On-Success discard\nOn-Default reject\n"
                                         "On-BadReport quarantine\nOn-DNSError accept\n"
                                         "On-InternalError discard\n",
                                     "test.conf");
  const MilterSettings settings = milter_settings(read.config, "test.conf", read.problems);
  EXPECT_TRUE(read.problems.empty());
  EXPECT_EQ(settings.session.on_success, Reply::discard);
  EXPECT_EQ(settings.session.on_default, Reply::reject);
  EXPECT_EQ(settings.session.on_bad_report, Reply::quarantine);
  EXPECT_EQ(settings.session.on_dns_error, Reply::accept);
  EXPECT_EQ(settings.session.on_internal_error, Reply::discard);
  EXPECT_TRUE(settings.intake.dns_error_is_final);
  ReadConfig plain = read_config_text(kGood, "test.conf");
  const MilterSettings defaults = milter_settings(plain.config, "test.conf", plain.problems);
  EXPECT_EQ(defaults.session.on_dns_error, Reply::tempfail);
  EXPECT_EQ(defaults.session.on_internal_error, Reply::tempfail);
  EXPECT_FALSE(defaults.intake.dns_error_is_final);
}

TEST(MilterSettings, prints_the_lines_for_the_mta) {
  ReadConfig read = read_config_text(kGood + "Socket inet:8895@127.0.0.1\n", "test.conf");
  const std::string text =
      describe_settings(milter_settings(read.config, "test.conf", read.problems));
  EXPECT_NE(text.find("smtpd_milters = { inet:127.0.0.1:8895, default_action=accept }"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("S=inet:8895@127.0.0.1,"), std::string::npos) << text;
}

}  // namespace
}  // namespace tlsrpt::milter
