// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The sending half with everything outside replaced: a database in a temporary folder, a clock that
// stands still, FakeDns, and servers that answer what the test tells them to.

#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/file.hpp"
#include "sender/sending.hpp"
#include "tests/unit/fake_dns.hpp"
#include "tests/unit/sender/fake_log.hpp"
#include "tests/unit/sender/times.hpp"
#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::sender {

inline bool never() { return false; }

class FakeClock final : public Clock {
 public:
  Seconds time{};
  [[nodiscard]] Seconds now() const override { return time; }
};

struct Mail {
  Envelope envelope;
  std::string message;
};
struct Post {
  std::string uri;
  std::string body;
};

inline HandOverResult accepted() { return {HandOver::accepted, "250 2.0.0 Ok"}; }
inline HandOverResult later() { return {HandOver::temporary, "451 4.3.0 later"}; }

/// Mail server and web servers, for all threads of a pool. The answers are asked for one at a time.
class FakeServers {
 public:
  std::vector<Mail> mails;  ///< handed over, accepted or not
  std::vector<Post> posts;
  std::function<HandOverResult(const Envelope&)> answer;             ///< unset: accepts
  std::function<HandOverResult(const std::string&)> answer_to_post;  ///< unset: accepts

  HandOverPool::Parts transports() {
    return {[this] { return std::make_unique<Transport>(*this); },
            [this] { return std::make_unique<Poster>(*this); }};
  }

 private:
  struct Transport final : MailTransport {
    explicit Transport(FakeServers& owner) : servers(owner) {}
    HandOverResult hand_over(const Envelope& envelope, std::string_view message) override {
      const std::lock_guard lock(servers.mutex_);
      servers.mails.push_back({envelope, std::string(message)});
      return servers.answer ? servers.answer(envelope) : accepted();
    }
    void close() override {}
    FakeServers& servers;
  };
  struct Poster final : HttpPoster {
    explicit Poster(FakeServers& owner) : servers(owner) {}
    HandOverResult post(const std::string& uri, std::string_view body) override {
      const std::lock_guard lock(servers.mutex_);
      servers.posts.push_back({uri, std::string(body)});
      return servers.answer_to_post ? servers.answer_to_post(uri)
                                    : HandOverResult{HandOver::accepted, "201"};
    }
    void close() override {}
    FakeServers& servers;
  };
  std::mutex mutex_;
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
  settings.limits = {1000, 0};  // tests of the pace set their own
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

/// Returns when one of the descriptors can be read, or soon.
inline void wait_a_moment(const std::vector<int>& fds, std::chrono::milliseconds time) {
  std::vector<pollfd> watched;
  for (const int fd : fds) watched.push_back({fd, POLLIN, 0});
  const auto most = std::min<std::chrono::milliseconds>(time, std::chrono::milliseconds(20));
  ::poll(watched.data(), watched.size(), static_cast<int>(most.count()));
}

/// One process: what it has in memory goes with it, the database stays.
class Process {
 public:
  Process(const std::string& folder, const ReporterSettings& given, const DestinationRules& rules,
          FakeClock& clock, FakeDns& dns, FakeServers& servers, FakeLog& log)
      : settings(given), keys(test_keys()), stop(StopSignal::create().value()) {
    settings.database = folder + "/outbound.db";
    sending = Sending::start(settings, keys, rules, stop,
                             {dns, clock, log,
                              [this](std::uint64_t bound) { return next_random++ * 977 % bound; },
                              servers.transports()})
                  .value();
  }
  ~Process() { stop.request(); }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  ReporterSettings settings;
  std::vector<SigningKey> keys;
  StopSignal stop;
  std::uint64_t next_random = 1;
  std::unique_ptr<Sending> sending;
};

class SendingTest : public ::testing::Test {
 protected:
  SendingTest() {
    clock.time = at("2026-03-02T00:05:00Z");
    restart();
  }

  void restart() {
    reporter.reset();
    process.reset();
    process = std::make_unique<Process>(folder.path(), settings, rules, clock, dns, servers, log);
    reporter = std::make_unique<Reporter>(process->sending->reporter());
  }

  void count(std::string_view on, const Outcome& seen, std::uint64_t sessions = 1) {
    ASSERT_TRUE(process->sending->store.add({{day(on), seen, sessions}}, {}, {}));
  }

  void ask_for_reports(std::string_view domain, std::string record = std::string(kRecord)) {
    dns.add_txt(tlsrpt_name(domain), std::move(record));
  }

  void count_and_ask(std::string_view on, const std::string& domain,
                     std::string record = std::string(kRecord)) {
    count(on, outcome(domain));
    ask_for_reports(domain, std::move(record));
  }

  void round() { ASSERT_TRUE(reporter->round(never, wait_a_moment)); }

  /// Rounds as the daemon makes them, until the time is there.
  void run_until(std::string_view end) {
    while (clock.time < at(end)) {
      round();
      clock.time = std::max(clock.time + std::chrono::seconds(1), reporter->next_round());
    }
    clock.time = at(end);
  }

  Ledger& ledger() { return process->sending->ledger; }

  std::vector<Delivery> deliveries(std::string_view on, std::string_view domain) {
    return ledger().deliveries(day(on), domain).value();
  }
  Delivery delivery(std::string_view on, std::string_view domain) {
    const auto rows = deliveries(on, domain);
    EXPECT_EQ(rows.size(), 1u);
    return rows.empty() ? Delivery{} : rows.front();
  }
  PlanState plan_state_of(std::string_view on, std::string_view domain) {
    const auto plan = ledger().find_plan(day(on), domain);
    EXPECT_TRUE(plan && *plan);
    return plan && *plan ? (*plan)->state : PlanState::dns_failure;
  }

  TempDir folder;
  FakeClock clock;
  FakeDns dns;
  FakeServers servers;
  FakeLog log;
  DestinationRules rules;
  ReporterSettings settings = test_settings();
  std::unique_ptr<Process> process;
  std::unique_ptr<Reporter> reporter;
};

}  // namespace tlsrpt::sender
