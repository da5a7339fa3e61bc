// SPDX-License-Identifier: BSD-2-Clause
// Logs of real MTAs, and the datagrams that Postfix 3.10 sent about the same servers: do they say
// the same? Where they do not, a table says why.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "sender/evaluation.hpp"
#include "sender/outcome.hpp"
#include "tests/unit/sender/log_lines.hpp"
#include "tests/unit/sender/recorded_differences.hpp"

namespace tlsrpt::sender {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// One result of one session under one policy.
struct Row {
  std::string what;  ///< "sts example certificate-expired", "tlsa mx.example ok"
  std::string host;  ///< of a failure, if known
  std::string address;
};
using Rows = std::vector<Row>;

Lines words(const Rows& rows) {
  Lines lines;
  for (const Row& row : rows) lines.push_back(row.what);
  std::sort(lines.begin(), lines.end());
  return lines;
}

void add_rows(const Outcome& outcome, Rows& rows) {
  for (const PolicyOutcome& policy : outcome.policies) {
    const std::string start = policy.policy.policy_type + ' ' + policy.policy.policy_domain + ' ';
    if (!policy.failed) rows.push_back({start + "ok", {}, {}});
    for (const FailureDetails& details : policy.failure_details) {
      rows.push_back(
          {start + details.result_type, details.receiving_mx_hostname, details.receiving_ip});
    }
  }
}

Lines file_lines(const fs::path& path) {
  std::ifstream file(path);
  Lines lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

const Json& scenarios() {
  static const Json kAll =
      Json::parse(std::ifstream(fs::path(TEST_DATA_DIR) / "logs" / "scenarios.json"));
  return kAll;
}

/// The scenario that the domain belongs to.
const Json& scenario_of(const std::string& domain) {
  for (const Json& scenario : scenarios()) {
    if (scenario.at("domain") == domain) return scenario;
  }
  throw std::runtime_error("no scenario for " + domain);
}

/// What was published in DNS and on the policy host.
AppliedPolicies policies_for(const ObservedSession& session) {
  const Json& scenario = scenario_of(session.domain);
  AppliedPolicies applied;
  if (scenario.at("tlsrpt")) applied.tlsrpt_record = "v=TLSRPTv1; rua=mailto:a@example.test";
  if (scenario.contains("sts") && scenario["sts"].contains("problem")) {
    const Json& problem = scenario["sts"]["problem"];
    applied.sts.problem = PolicyProblem{problem[0], problem[1], {}};
  } else if (scenario.contains("sts")) {
    StsPolicy policy;
    const std::string mode = scenario["sts"]["mode"];
    policy.mode = mode == "enforce"   ? StsMode::enforce
                  : mode == "testing" ? StsMode::testing
                                      : StsMode::none;
    policy.mx = scenario["sts"]["mx"].get<Lines>();
    policy.lines = scenario["sts"]["lines"].get<Lines>();
    applied.sts.policy = policy;
  }
  const Json none = Json::object();
  const Json& dane = scenario.contains("dane") ? scenario["dane"] : none;
  if (dane.contains(session.mx_host)) {
    const std::string status = dane[session.mx_host];
    applied.dane.status = status == "usable"     ? DaneStatus::usable
                          : status == "unusable" ? DaneStatus::unusable
                                                 : DaneStatus::failed;
    applied.dane.base_domain = session.mx_host;
  }
  return applied;
}

std::string name_of(const fs::path& path) { return path.stem().string(); }

/// The recordings of one MTA are one log that was cut: sessions of each scenario, in their order.
std::map<std::string, std::vector<ObservedSession>> recorded_sessions(const std::string& mta) {
  std::vector<std::pair<std::string, fs::path>> files;
  for (const auto& entry : fs::directory_iterator(fs::path(TEST_DATA_DIR) / "logs" / mta)) {
    const Lines lines = file_lines(entry.path());
    files.emplace_back(lines.empty() ? std::string{} : lines[0].substr(0, 15), entry.path());
  }
  std::sort(files.begin(), files.end());
  MailLog log({});
  std::map<std::string, std::vector<ObservedSession>> sessions;
  for (const auto& [time, path] : files) {
    std::vector<ObservedSession>& its = sessions[name_of(path)];
    for (const std::string& line : file_lines(path)) log.add_line(line, kLogNow, its);
  }
  EXPECT_EQ(log.counters().incomplete, 0u) << mta;
  EXPECT_EQ(log.counters().unreadable, 0u) << mta;
  EXPECT_EQ(log.oldest_open(), Seconds::max()) << mta;
  return sessions;
}

Rows rows_of(const std::string& scenario, const std::vector<ObservedSession>& sessions) {
  Rows rows;
  for (const ObservedSession& session : sessions) {
    AppliedPolicies applied = policies_for(session);
    // Postfix had postfix-mta-sts-resolver as its policy map, whose answer "secure" replaces the
    // level dane. For Sendmail it does not matter: it says TRUSTED or DANE_FAIL of DANE alone.
    if (scenario == "dane-and-sts" || scenario == "dane-bad-and-sts") {
      applied.precedence = Precedence::sts;
    }
    // Nobody wants to hear about it.
    if (!applied.tlsrpt_record.empty()) add_rows(evaluate(session, applied), rows);
  }
  return rows;
}

Rows datagram_rows(const std::string& scenario) {
  Rows rows;
  const fs::path path = fs::path(TEST_DATA_DIR) / "datagrams" / (scenario + ".json");
  for (const std::string& line : file_lines(path)) {
    if (!line.empty()) add_rows(read_outcome(line).outcome, rows);
  }
  return rows;
}

/// Each row of one side has one on the other side, with the same place where both know it.
bool is_same_place(Rows one, Rows other) {
  for (const Row& row : one) {
    const auto found = std::find_if(other.begin(), other.end(), [&](const Row& candidate) {
      return candidate.what == row.what &&
             (candidate.host.empty() || row.host.empty() || candidate.host == row.host) &&
             (candidate.address.empty() || row.address.empty() || candidate.address == row.address);
    });
    if (found == other.end()) return false;
    other.erase(found);
  }
  return other.empty();
}

const RecordedDifference* find_difference(const std::string& mta, const std::string& scenario) {
  for (const RecordedDifference& difference : kRecordedDifferences) {
    if (difference.mta == mta && difference.scenario == scenario) return &difference;
  }
  return nullptr;
}

std::string joined(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : " | ") + line;
  return text;
}

class RecordedLogs : public testing::TestWithParam<const char*> {};

TEST_P(RecordedLogs, say_what_the_datagrams_say_but_for_known_differences) {
  const std::string mta = GetParam();
  std::size_t same = 0, different = 0;
  for (const auto& [scenario, sessions] : recorded_sessions(mta)) {
    const Rows from_log = rows_of(scenario, sessions);
    const Rows from_datagrams = datagram_rows(scenario);
    const std::string log = joined(words(from_log));
    const std::string datagrams = joined(words(from_datagrams));
    const RecordedDifference* known = find_difference(mta, scenario);
    if (known != nullptr) {
      ++different;
      EXPECT_EQ(log, known->log) << scenario;
      EXPECT_EQ(datagrams, known->datagrams) << scenario;
      EXPECT_NE(log, datagrams) << scenario << ": no difference any more";
    } else {
      ++same;
      EXPECT_TRUE(is_same_place(from_log, from_datagrams))
          << "    {\"" << mta << "\", \"" << scenario << "\",\n     \"" << log << "\",\n     \""
          << datagrams << "\", kUnknown},";
    }
  }
  RecordProperty("same", static_cast<int>(same));
  RecordProperty("different", static_cast<int>(different));
  EXPECT_GT(same, different) << mta;
}

INSTANTIATE_TEST_SUITE_P(OfMtas, RecordedLogs,
                         testing::Values("postfix-3.7", "sendmail-8.18",
                                         "sendmail-8.18-loglevel14"));

TEST(RecordedLogs, of_postfix_3_10_give_the_sessions_that_it_sent_datagrams_about) {
  const auto sessions = recorded_sessions("postfix-3.10");
  for (const auto& [scenario, its] : sessions) {
    std::multiset<std::string> hosts;
    for (const ObservedSession& session : its) {
      hosts.insert(session.domain + ' ' + session.mx_host);
    }
    for (const Row& row : datagram_rows(scenario)) {
      if (row.host.empty()) continue;
      const std::string domain = scenarios().at(scenario).at("domain");
      EXPECT_TRUE(hosts.contains(domain + ' ' + row.host)) << scenario << ' ' << row.host;
    }
  }
  // The next hop, and not the recipient's domain, where the MTA itself names it.
  ASSERT_EQ(sessions.at("np-nexthop-other").size(), 1u);
  EXPECT_EQ(sessions.at("np-nexthop-other")[0].domain, "np-hub.plain.test");
}

}  // namespace
}  // namespace tlsrpt::sender
