// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The sending half with everything outside replaced: a database in a temporary folder, a clock that
// stands still, FakeDns, and a mail server that answers what the test tells it to.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/file.hpp"
#include "sender/reporter.hpp"
#include "tests/unit/fake_dns.hpp"
#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::sender {

inline Seconds at(std::string_view text) { return read_date_time(text).value().time; }
inline Day day(std::string_view text) { return parse_day(text).value(); }
inline bool never() { return false; }

class FakeClock final : public Clock {
 public:
  Seconds time{};
  [[nodiscard]] Seconds now() const override { return time; }
};

class FakeLog final : public Log {
 public:
  std::vector<std::string> lines;
  void write(LogLevel, std::string_view line) override { lines.emplace_back(line); }
  [[nodiscard]] int count(std::string_view tag) const {
    int found = 0;
    for (const std::string& line : lines) found += line.starts_with(tag) ? 1 : 0;
    return found;
  }
};

struct Mail {
  Envelope envelope;
  std::string message;
};

class FakeTransport final : public MailTransport {
 public:
  std::vector<Mail> handed_over;                          ///< accepted or not
  std::function<HandOverResult(const Envelope&)> answer;  ///< unset: accepts

  HandOverResult hand_over(const Envelope& envelope, std::string_view message) override {
    handed_over.push_back({envelope, std::string(message)});
    return answer ? answer(envelope) : HandOverResult{HandOver::accepted, "250 2.0.0 Ok"};
  }
  void close() override {}
};

inline std::vector<SigningKey> test_keys() {
  const auto pem = read_file(TEST_DATA_DIR "/dkim/rsa2048.pem", 1 << 16);
  std::vector<SigningKey> keys;
  keys.push_back({"s1", DkimKey::from_pem(pem.value()).value()});
  return keys;
}

inline ReporterSettings test_settings() {
  ReporterSettings settings;
  settings.identity = {"Sender Org", "tlsrpt@sender.example", "sender.example",
                       "noreply@sender.example", "bounce@sender.example"};
  settings.host_name = "mx.sender.example";
  settings.send_window = std::chrono::hours(4);
  settings.retention = std::chrono::hours(240);
  return settings;
}

inline constexpr std::string_view kRecord = "v=TLSRPTv1; rua=mailto:tls@rcpt.example";

inline Outcome outcome(std::string domain, bool failed = false,
                       std::string record = std::string(kRecord)) {
  PolicyOutcome policy;
  policy.policy.policy_type = "no-policy-found";
  policy.policy.policy_domain = domain;
  policy.failed = failed;
  if (failed) {
    FailureDetails details;
    details.result_type = "starttls-not-supported";
    details.receiving_mx_hostname = "mx." + domain;
    details.failed_session_count = 1;
    policy.failure_details.push_back(details);
  }
  return {std::move(domain), std::move(record), {std::move(policy)}};
}

/// One process: what it has in memory goes with it, the database stays.
class Process {
 public:
  Process(const std::string& folder, const ReporterSettings& given, FakeClock& clock, FakeDns& dns,
          FakeTransport& transport, FakeLog& log)
      : settings(given),
        store(OutboundStore::open(folder + "/outbound.db", SqliteMode::read_write_create).value()),
        ledger(store.database()),
        keys(test_keys()),
        planner({store, ledger, dns, clock, log}, settings,
                [this](std::uint64_t bound) { return next_random++ * 977 % bound; }),
        deliverer({store, ledger, transport, clock, log}, settings, keys),
        reporter({store, ledger, planner, deliverer, clock, log}, settings) {}

  ReporterSettings settings;
  OutboundStore store;
  Ledger ledger;
  std::vector<SigningKey> keys;
  std::uint64_t next_random = 1;
  Planner planner;
  Deliverer deliverer;
  Reporter reporter;
};

class SendingTest : public ::testing::Test {
 protected:
  SendingTest() {
    clock.time = at("2026-03-02T00:05:00Z");
    restart();
  }

  void restart() {
    process.reset();
    process = std::make_unique<Process>(folder.path(), settings, clock, dns, transport, log);
  }

  void count(std::string_view on, const Outcome& seen, std::uint64_t sessions = 1) {
    ASSERT_TRUE(process->store.add({{day(on), seen, sessions}}, {}, {}));
  }

  void ask_for_reports(std::string_view domain, std::string record = std::string(kRecord)) {
    dns.add_txt(tlsrpt_name(domain), std::move(record));
  }

  void round() { ASSERT_TRUE(process->reporter.round(never)); }

  /// Rounds as the daemon makes them, until the time is there.
  void run_until(std::string_view end) {
    while (clock.time < at(end)) {
      round();
      clock.time = std::max(clock.time + std::chrono::seconds(1), process->reporter.next_round());
    }
    clock.time = at(end);
  }

  Delivery delivery(std::string_view on, std::string_view domain) {
    const auto rows = process->ledger.deliveries(day(on), domain);
    EXPECT_TRUE(rows && rows->size() == 1);
    return rows && !rows->empty() ? rows->front() : Delivery{};
  }

  TempDir folder;
  FakeClock clock;
  FakeDns dns;
  FakeTransport transport;
  FakeLog log;
  ReporterSettings settings = test_settings();
  std::unique_ptr<Process> process;
};

}  // namespace tlsrpt::sender
