// SPDX-License-Identifier: BSD-2-Clause
#include "milter/reload.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "milter/adjustable_log.hpp"
#include "tests/unit/milter/fake_log.hpp"
#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::milter {
namespace {

const std::string kGood = "ReportAddress tls@example.org\nNameserver 127.0.0.1\n";

class ReloaderTest : public testing::Test {
 protected:
  void write(const std::string& text) { std::ofstream(folder_.file("c")) << text; }

  Reloader start(const std::string& text) {
    write(text);
    options_.config_file = folder_.file("c");
    ReadConfig read = load_config(options_, Key::socket);
    EXPECT_TRUE(read.problems.empty());
    return {options_, read.config, log_};
  }
  /// The lines with this tag, without it.
  [[nodiscard]] std::vector<std::string> lines(const std::string& tag) const {
    std::vector<std::string> found;
    for (const std::string& line : log_.lines()) {
      if (line.rfind(tag + " ", 0) == 0) found.push_back(line.substr(tag.size() + 1));
    }
    return found;
  }

  TempDir folder_;
  FakeLog log_;
  DaemonOptions options_;
};

TEST_F(ReloaderTest, takes_what_can_be_changed_in_a_running_filter) {
  Reloader reloader = start(kGood);
  write(
      "ReportAddress x@example.org, *\nNameserver 127.0.0.1\nPeerList 192.0.2.1\n"
      "On-BadReport reject\nOn-Success quarantine\nPolicyDomains example.org\nLogWhy yes\n"
      "AddHeader yes\nKeepDays 3\nStrictAlignment yes\nDKIMTimeout 7s\n"
      "On-Default discard\nOn-DNSError accept\nOn-InternalError reject\n"
      "StrictServiceType yes\nSyslogLevel debug\n");
  const auto settings = reloader.reload();
  ASSERT_TRUE(settings);
  const SessionSettings& session = settings->session;
  EXPECT_TRUE(session.report_addresses.contain("<x@example.org>"));
  EXPECT_FALSE(session.report_addresses.contain("<tls@example.org>"));
  EXPECT_TRUE(session.report_addresses.by_header());
  EXPECT_TRUE(session.peer_list.contains("", "192.0.2.1"));
  EXPECT_EQ(session.on_bad_report, Reply::reject);
  EXPECT_EQ(session.on_success, Reply::quarantine);
  EXPECT_EQ(session.on_default, Reply::discard);
  EXPECT_EQ(session.on_dns_error, Reply::accept);
  EXPECT_EQ(session.on_internal_error, Reply::reject);
  EXPECT_TRUE(session.log_why);
  EXPECT_TRUE(session.add_header);
  EXPECT_EQ(settings->intake.policy_domains, std::vector<std::string>{"example.org"});
  EXPECT_TRUE(settings->intake.strict_alignment);
  EXPECT_TRUE(settings->intake.strict_service_type);
  EXPECT_TRUE(settings->intake.dns_error_is_final);
  EXPECT_EQ(settings->intake.dkim_time, std::chrono::seconds(7));
  EXPECT_EQ(settings->retention, std::chrono::days(3));
  EXPECT_EQ(reloader.config().text(Key::syslog_level), "debug");
  EXPECT_TRUE(lines("restart-needed").empty());
  ASSERT_EQ(lines("reloaded").size(), 1u);
  EXPECT_NE(lines("reloaded").front().find("AddHeader,"), std::string::npos);
}

TEST_F(ReloaderTest, names_each_key_that_needs_a_restart_and_keeps_its_value) {
  Reloader reloader = start(kGood);
  write(
      "ReportAddress tls@example.org\nNameserver 127.0.0.2\nSocket inet:8895@127.0.0.1\n"
      "UMask 0077\nMaximumMessageSize 1M\nDatabase sqlite:/elsewhere\nMilterDebug 3\n"
      "OrganizationName of the reporter\n");
  for (int round = 1; round <= 2; ++round) {
    const auto settings = reloader.reload();
    ASSERT_TRUE(settings);
    EXPECT_EQ(settings->socket.kind, StreamSocket::Kind::local);
    EXPECT_EQ(settings->session.max_message_bytes, 32u << 20);
    std::set<std::string> keys;
    for (const std::string& line : lines("restart-needed")) {
      keys.insert(line.substr(0, line.find(' ')));
    }
    EXPECT_EQ(keys,
              (std::set<std::string>{"key=Nameserver", "key=Socket", "key=UMask",
                                     "key=MaximumMessageSize", "key=Database", "key=MilterDebug"}));
    EXPECT_EQ(lines("restart-needed").size(), 6u * static_cast<std::size_t>(round))
        << "as long as it is so, every reload says it";
  }
}

TEST_F(ReloaderTest, keeps_everything_if_the_file_has_problems_and_logs_them_all) {
  Reloader reloader = start(kGood);
  write("ReportAddress nobody\nLogWhy perhaps\nOn-Default ignore\nNameserver 127.0.0.1\nBogus 1\n");
  EXPECT_FALSE(reloader.reload());
  const auto problems = lines("reload-problem");
  ASSERT_EQ(problems.size(), 4u);
  std::set<std::string> places;
  const std::string file = folder_.file("c");
  for (const std::string& problem : problems) {
    const std::size_t at = problem.find(file + ":");
    ASSERT_NE(at, std::string::npos) << problem;
    places.insert(problem.substr(at + file.size() + 1, 1));
  }
  EXPECT_EQ(places, (std::set<std::string>{"1", "2", "3", "5"}));
  EXPECT_EQ(lines("reload-refused").size(), 1u);
  EXPECT_EQ(reloader.config().list(Key::report_address),
            std::vector<std::string>{"tls@example.org"});
  write(kGood + "LogWhy yes\n");
  const auto settings = reloader.reload();
  ASSERT_TRUE(settings);
  EXPECT_TRUE(settings->session.log_why);
}

TEST_F(ReloaderTest, keeps_everything_if_the_file_is_gone) {
  Reloader reloader = start(kGood);
  std::filesystem::remove(folder_.file("c"));
  EXPECT_FALSE(reloader.reload());
  EXPECT_FALSE(lines("reload-problem").empty());
}

TEST_F(ReloaderTest, the_command_line_still_wins) {
  options_.socket = "inet:8895@127.0.0.1";
  options_.pid_file = "/run/x.pid";
  Reloader reloader = start(kGood + "Socket inet:1@127.0.0.1\n");
  write(kGood + "Socket inet:2@127.0.0.1\nPidFile /run/y.pid\n");
  const auto settings = reloader.reload();
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->socket.port, 8895u);
  EXPECT_TRUE(lines("restart-needed").empty());
}

TEST(ReloadPage, lists_exactly_the_keys_that_a_reload_takes) {
  std::ifstream file(std::string(TEST_SOURCE_DIR) + "/man/opentlsrpt-milter.8");
  std::set<std::string> listed;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line == "These keys take effect at a reload:") {
      inside = true;
    } else if (inside && line.rfind(".Cm ", 0) != 0) {
      inside = false;
    } else if (inside) {
      std::istringstream words(line.substr(4));
      for (std::string word; words >> word;) {
        if (word != "," && word != ".") listed.insert(word);
      }
    }
  }
  std::set<std::string> reloadable;
  for (const KeyInfo& info : config_table()) {
    if (is_reloadable(info.key)) reloadable.emplace(info.name);
  }
  EXPECT_EQ(listed, reloadable);
}

TEST(AdjustableLog, writes_from_the_level_of_the_moment_on) {
  auto sink = std::make_unique<FakeLog>();
  const FakeLog& seen = *sink;
  AdjustableLog log(std::move(sink), LogLevel::notice);
  log.info(LogLine("a"));
  log.notice(LogLine("b"));
  log.set_level(LogLevel::debug);
  log.debug(LogLine("c"));
  log.set_level(LogLevel::error);
  log.warning(LogLine("d"));
  EXPECT_EQ(seen.lines(), (std::vector<std::string>{"b", "c"}));
}

}  // namespace
}  // namespace tlsrpt::milter
