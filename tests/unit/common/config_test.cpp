// SPDX-License-Identifier: BSD-2-Clause
#include "common/config.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/unit/temp_dir.hpp"

namespace tlsrpt {
namespace {

std::vector<std::string> problems_of(std::string_view text) {
  std::vector<std::string> out;
  for (const ConfigProblem& problem : read_config_text(text, "f").problems) {
    out.push_back(problem.to_string());
  }
  return out;
}

TEST(ConfigTable, every_default_can_be_read) {
  for (const KeyInfo& info : config_table()) {
    SCOPED_TRACE(info.name);
    if (info.default_value.empty()) continue;
    Config config;
    const auto set = config.set(info.key, info.default_value);
    EXPECT_TRUE(set) << set.error().detail;
  }
}

TEST(ConfigTable, every_key_has_help_and_a_reader) {
  for (const KeyInfo& info : config_table()) {
    EXPECT_FALSE(info.help.empty()) << info.name;
    EXPECT_FALSE(info.programs.empty()) << info.name;
    EXPECT_EQ(info.type == ValueType::choice, !info.choices.empty()) << info.name;
  }
}

TEST(Config, values_of_every_type) {
  const ReadConfig read = read_config_text(
      "# a comment\n"
      "  reportADDRESS  a@x.example, b@x.example   # two\n"
      "ReportAddress c@x.example\n"
      "MaximumReportSize 2M\n"
      "DNSTimeout 2m\n"
      "UMask 027\n"
      "On-BadReport Reject\n"
      "LogWhy on\n"
      "OrganizationName \"Sender # Ltd\" # quoted\n"
      "HTTPKey /etc/k#1.pem\r\n"
      "MaximumRua 3",
      "f");
  ASSERT_TRUE(read.problems.empty()) << read.problems.front().to_string();
  const Config& config = read.config;
  EXPECT_EQ(config.list(Key::report_address),
            (std::vector<std::string>{"a@x.example", "b@x.example", "c@x.example"}));
  EXPECT_EQ(config.bytes(Key::maximum_report_size), 2u << 20);
  EXPECT_EQ(config.duration(Key::dns_timeout), std::chrono::minutes(2));
  EXPECT_EQ(config.integer(Key::umask), 027);
  EXPECT_EQ(config.text(Key::on_bad_report), "reject");
  EXPECT_TRUE(config.boolean(Key::log_why));
  EXPECT_EQ(config.text(Key::organization_name), "Sender # Ltd");
  EXPECT_EQ(config.text(Key::http_key), "/etc/k#1.pem");
  EXPECT_EQ(config.integer(Key::maximum_rua), 3);
  EXPECT_TRUE(config.is_set(Key::maximum_rua));
  EXPECT_FALSE(config.is_set(Key::selector));
}

TEST(Config, the_text_of_every_value_can_be_read_again) {
  const ReadConfig read = read_config_text(
      "LogWhy yes\nUMask 27\nMaximumMessageSize 2M\nOutcomeRetention 3d\nMaximumRua 7\n"
      "PeerList 192.0.2.1, .example.org\nOn-Default Reject\nOrganizationName \"A # B\"\n",
      "f");
  ASSERT_TRUE(read.problems.empty());
  for (const auto& [key, text] :
       std::vector<std::pair<Key, std::string>>{{Key::log_why, "yes"},
                                                {Key::umask, "0027"},
                                                {Key::maximum_message_size, "2097152"},
                                                {Key::outcome_retention, "259200"},
                                                {Key::maximum_rua, "7"},
                                                {Key::peer_list, "192.0.2.1,.example.org"},
                                                {Key::on_default, "reject"},
                                                {Key::organization_name, "A # B"},
                                                {Key::background, "no"},
                                                {Key::selector, ""}}) {
    EXPECT_EQ(read.config.value_text(key), text);
    Config other;
    if (!text.empty()) {
      ASSERT_TRUE(other.set(key, text));
    }
    EXPECT_EQ(other.value_text(key), text);
    Config copied;
    copied.copy(key, read.config);
    EXPECT_EQ(copied.value_text(key), text);
    EXPECT_EQ(copied.is_set(key), read.config.is_set(key));
  }
}

TEST(Config, a_list_of_the_file_replaces_the_default_and_grows_with_each_line) {
  Config config;
  ASSERT_TRUE(config.set(Key::nameserver, "192.0.2.1"));
  ASSERT_TRUE(config.set(Key::nameserver, "192.0.2.2,192.0.2.3"));
  EXPECT_EQ(config.list(Key::nameserver).size(), 3u);
}

TEST(Config, all_problems_are_reported_at_once_with_their_lines) {
  EXPECT_EQ(
      problems_of("LogWhy yse\n"
                  "Bogus 1\n"
                  "UMask 9\n"
                  "MaximumRua 0\n"
                  "Database a\n"
                  "Database b\n"
                  "On-Success deny\n"
                  "HTTPKey relative.pem\n"
                  "OrganizationName \"open\n"
                  "DNSTimeout\n"),
      (std::vector<std::string>{"f:1: LogWhy: \"yse\" is neither yes nor no",
                                "f:2: unknown key \"Bogus\"; opentlsrpt.conf(5) lists the keys",
                                "f:3: UMask: \"9\" is not an octal number such as 0660",
                                "f:4: MaximumRua: 0 is outside of 1 to 1000",
                                "f:6: Database is given again; the first one is at f:5",
                                "f:7: On-Success: \"deny\" is none of: accept discard "
                                "reject tempfail quarantine",
                                "f:8: HTTPKey: \"relative.pem\" is not an absolute path",
                                "f:9: OrganizationName: the value's quotes do not match",
                                "f:10: DNSTimeout needs a value"}));
}

TEST(Config, a_value_that_cannot_be_used_is_reported_where_it_stands) {
  const ReadConfig read =
      read_config_text("ReportAddress a@x.example, bad\n\nReportAddress worse\nSelector s\n", "f");
  const Config& config = read.config;
  EXPECT_EQ(config.problem(Key::report_address, "no address", 1).to_string(),
            "f:1: ReportAddress: no address");
  EXPECT_EQ(config.problem(Key::report_address, "no address", 2).to_string(),
            "f:3: ReportAddress: no address");
  EXPECT_EQ(config.problem(Key::selector, "\x1b").to_string(), "f:4: Selector: \\x1b");
  EXPECT_EQ(config.problem(Key::key_file, "is missing").to_string(), "KeyFile: is missing");
}

TEST(Config, numbers_that_would_overflow_are_refused) {
  for (const char* value :
       {"9223372036854775807G", "99999999999999999999", "-1", "1KK", "K", "0x10"}) {
    Config config;
    EXPECT_FALSE(config.set(Key::maximum_report_size, value)) << value;
  }
}

TEST(Config, bytes_of_strangers_in_a_name_are_escaped_in_the_message) {
  EXPECT_EQ(problems_of("\x1b[2J 1"),
            (std::vector<std::string>{
                "f:1: unknown key \"\\x1b[2J\"; opentlsrpt.conf(5) lists the keys"}));
}

TEST(Config, include_reads_another_file_and_stops_at_depth_five) {
  const TempDir dir;
  std::ofstream(dir.file("a")) << "Include " << dir.file("b") << "\nOrganizationName s\n";
  std::ofstream(dir.file("b")) << "MaximumRua x\n";
  const ReadConfig read = read_config_file(dir.file("a"));
  ASSERT_EQ(read.problems.size(), 1u);
  EXPECT_EQ(read.problems[0].file, dir.file("b"));
  EXPECT_EQ(read.problems[0].line, 1);
  EXPECT_EQ(read.config.text(Key::organization_name), "s");

  std::ofstream(dir.file("loop")) << "Include " << dir.file("loop") << "\n";
  const ReadConfig loop = read_config_file(dir.file("loop"));
  ASSERT_EQ(loop.problems.size(), 1u);
  EXPECT_EQ(loop.problems[0].text, "Include nests more than 5 deep");
}

TEST(Config, a_missing_file_is_a_problem_of_the_file) {
  const ReadConfig read = read_config_file("/nonexistent/opentlsrpt.conf");
  ASSERT_EQ(read.problems.size(), 1u);
  EXPECT_EQ(
      read.problems[0].to_string(),
      "/nonexistent/opentlsrpt.conf: cannot open /nonexistent/opentlsrpt.conf: No such file or "
      "directory");
}

TEST(Config, a_list_may_stand_in_a_file_of_its_own) {
  const TempDir dir;
  std::ofstream(dir.file("domains")) << "# ours\nx.example\n\n  y.example\n";
  Config config;
  ASSERT_TRUE(config.set(Key::policy_domains, "file:" + (dir.file("domains"))));
  EXPECT_EQ(config.list(Key::policy_domains), (std::vector<std::string>{"x.example", "y.example"}));
  EXPECT_FALSE(config.set(Key::policy_domains, "file:/nonexistent"));
}

TEST(Config, domains_are_kept_as_dns_has_them_and_all_wrong_ones_are_named) {
  Config config;
  ASSERT_TRUE(config.set(Key::policy_domains,
                         "Example.ORG., b\xc3\xbc"
                         "cher.example"));
  EXPECT_EQ(config.list(Key::policy_domains),
            (std::vector<std::string>{"example.org", "xn--bcher-kva.example"}));
  const auto wrong = config.set(Key::policy_domains, "ok.example, exam ple.org, a..b");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().detail.find("ok.example"), std::string::npos) << wrong.error().detail;
  for (const char* entry : {"\"exam ple.org\"", "\"a..b\""}) {
    EXPECT_NE(wrong.error().detail.find(entry), std::string::npos) << wrong.error().detail;
  }
}

TEST(Config, the_sample_names_every_key_and_can_be_read) {
  const std::string sample = sample_config();
  EXPECT_TRUE(read_config_text(sample, "sample").problems.empty());
  for (const KeyInfo& info : config_table()) {
    EXPECT_NE(sample.find("\n#" + std::string(info.name) + " "), std::string::npos) << info.name;
  }
}

}  // namespace
}  // namespace tlsrpt
