// SPDX-License-Identifier: BSD-2-Clause
#include "common/confined_opener.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <set>
#include <thread>
#include <vector>

#include "common/report_writer.hpp"

namespace tlsrpt {
namespace {

constexpr std::string_view kReport =
    R"({"organization-name":"Sender","date-range":{"start-datetime":"2026-01-01T00:00:00Z",)"
    R"("end-datetime":"2026-01-01T23:59:59Z"},"contact-info":"r@sender.example","report-id":"1",)"
    R"("policies":[{"policy":{"policy-type":"sts","policy-domain":"b\u00fccher.example"},)"
    R"("summary":{"total-successful-session-count":3,"total-failure-session-count":0}}]})";

std::string mail_with(std::string_view body) {
  return "From: r@sender.example\r\nTLS-Report-Submitter: sender.example\r\n"
         "Content-Type: application/tlsrpt+json\r\n\r\n" +
         std::string(body);
}

std::unique_ptr<ConfinedMessageOpener> started(const ConfinedSettings& settings = {}) {
  auto opener = ConfinedMessageOpener::start(settings);
  EXPECT_TRUE(opener) << opener.error().detail;
  return std::move(*opener);
}

TEST(ConfinedOpener, finds_what_the_direct_one_finds) {
  const auto confined = started();
  DirectMessageOpener direct{MessageLimits{}};
  const std::vector<std::string> mails = {mail_with(kReport), mail_with("{broken"),
                                          "no header at all", std::string(100000, 'x')};
  for (const std::string& mail : mails) {
    const auto here = direct.open(mail);
    const auto there = confined->open(mail);
    ASSERT_TRUE(here && there) << there.error().detail;
    EXPECT_EQ(there->facts.from_domain, here->facts.from_domain);
    EXPECT_EQ(there->facts.claims_report, here->facts.claims_report);
    ASSERT_EQ(there->outcomes.size(), here->outcomes.size());
    for (std::size_t i = 0; i < here->outcomes.size(); ++i) {
      EXPECT_EQ(there->outcomes[i].refusal, here->outcomes[i].refusal);
      EXPECT_EQ(there->outcomes[i].flags, here->outcomes[i].flags);
      EXPECT_EQ(there->outcomes[i].report, here->outcomes[i].report);
    }
  }
}

TEST(ConfinedOpener, opens_files_of_any_kind) {
  const auto confined = started();
  const auto outcomes = confined->open_file(gzip(kReport));
  ASSERT_TRUE(outcomes) << outcomes.error().detail;
  ASSERT_EQ(outcomes->size(), 1u);
  EXPECT_TRUE(outcomes->front().accepted());
  EXPECT_EQ(outcomes->front().report.policies.front().policy.policy_domain,
            "xn--bcher-kva.example");
}

TEST(ConfinedOpener, serves_many_threads_with_few_readers) {
  ConfinedSettings settings;
  settings.max_readers = 2;
  const auto confined = started(settings);
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 12; ++i) {
    threads.emplace_back([&] {
      const auto opened = confined->open(mail_with(kReport));
      if (opened && opened->outcomes.front().accepted()) ++good;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 12);
}

TEST(ConfinedOpener, a_reader_that_dies_costs_its_own_message_only) {
  ConfinedSettings settings;
  // So little memory that this message cannot be held, whatever the limits say: the reader dies.
  settings.limits.max_message_bytes = 1u << 20;
  settings.limits.gunzip.max_bytes = 1u << 20;
  const auto confined = started(settings);
  const auto dead = confined->open(std::string(512u << 20, 'x'));
  ASSERT_TRUE(dead) << dead.error().detail;
  EXPECT_EQ(dead->outcomes.front().refusal, Refusal::reader_failed);
  EXPECT_TRUE(dead->facts.claims_report);
  const auto alive = confined->open(mail_with(kReport));
  ASSERT_TRUE(alive) << alive.error().detail;
  EXPECT_TRUE(alive->outcomes.front().accepted());
}

TEST(ConfinedOpener, waiting_for_a_reader_is_not_counted_against_the_message) {
  ConfinedSettings settings;
  settings.max_readers = 1;
  settings.timeout = std::chrono::seconds(2);
  const auto confined = started(settings);
  // Each takes a small part of the two seconds, all together more: some will not get a reader, and
  // are to try again.
  const std::string mail =
      mail_with("[" + std::string(20u << 20, ' ') + std::string(kReport) + "]");
  std::vector<std::thread> threads;
  std::atomic<int> refused = 0;
  for (int i = 0; i < 24; ++i) {
    threads.emplace_back([&] {
      const auto opened = confined->open(mail);
      if (opened && opened->outcomes.front().refusal == Refusal::reader_failed) ++refused;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(refused, 0);
}

std::set<pid_t> children_of(pid_t process) {
  std::ifstream file(fmt::format("/proc/{0}/task/{0}/children", process));
  return {std::istream_iterator<pid_t>(file), std::istream_iterator<pid_t>()};
}

/// A spawner of its own: the children of earlier tests may still be among ours.
struct Spawner {
  const std::set<pid_t> before = children_of(::getpid());
  std::unique_ptr<ConfinedMessageOpener> opener;
  pid_t pid = -1;
  explicit Spawner(const ConfinedSettings& settings = {}) : opener(started(settings)) {
    for (const pid_t child : children_of(::getpid())) {
      if (!before.contains(child)) pid = child;
    }
    EXPECT_GT(pid, 0);
  }
};

TEST(ConfinedOpener, a_reader_that_ended_while_it_waited_costs_no_message) {
  const Spawner spawner;
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(spawner.opener->open(mail_with(kReport)));  // some are there now
    for (const pid_t reader : children_of(spawner.pid)) ::kill(reader, SIGKILL);
    const auto opened = spawner.opener->open(mail_with(kReport));
    ASSERT_TRUE(opened) << opened.error().detail;
    EXPECT_TRUE(opened->outcomes.front().accepted()) << opened->outcomes.front().detail;
  }
}

/// The readers of a spawner once there are so many: others are still on their way in or out.
std::set<pid_t> readers_of(pid_t spawner, std::size_t count) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  std::set<pid_t> readers = children_of(spawner);
  while (readers.size() != count && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
    readers = children_of(spawner);
  }
  return readers;
}

void expect_opens(MessageOpener& opener) {
  const auto opened = opener.open(mail_with(kReport));
  ASSERT_TRUE(opened) << opened.error().detail;
  ASSERT_EQ(opened->outcomes.size(), 1u);
  EXPECT_TRUE(opened->outcomes.front().accepted()) << opened->outcomes.front().detail;
}

const std::size_t kWaiting = ConfinedSettings{}.waiting_readers;

TEST(ConfinedOpener, one_process_opens_all_that_a_client_brings_and_ends_with_him) {
  const Spawner spawner;
  auto client = spawner.opener->for_client();
  expect_opens(*client);
  const auto readers = readers_of(spawner.pid, kWaiting + 1);
  ASSERT_EQ(readers.size(), kWaiting + 1);
  for (int i = 0; i < 20; ++i) expect_opens(*client);
  EXPECT_TRUE(client->open_file(gzip(kReport))->front().accepted());
  EXPECT_EQ(readers_of(spawner.pid, kWaiting + 1), readers);
  client.reset();
  EXPECT_EQ(readers_of(spawner.pid, kWaiting).size(), kWaiting);
}

TEST(ConfinedOpener, no_process_opens_messages_of_two_clients) {
  const Spawner spawner;
  const auto one = spawner.opener->for_client();
  const auto other = spawner.opener->for_client();
  expect_opens(*one);
  expect_opens(*other);
  const auto after = readers_of(spawner.pid, kWaiting + 2);
  ASSERT_EQ(after.size(), kWaiting + 2);
  for (int i = 0; i < 3; ++i) {
    expect_opens(*one);
    expect_opens(*other);
  }
  EXPECT_EQ(readers_of(spawner.pid, kWaiting + 2), after);
  expect_opens(*spawner.opener);  // of nobody in particular: by a process that ends
  EXPECT_EQ(readers_of(spawner.pid, kWaiting + 2).size(), kWaiting + 2);
}

TEST(ConfinedOpener, a_process_opens_a_hundred_messages_at_most) {
  const Spawner spawner;
  const auto client = spawner.opener->for_client();
  for (int i = 0; i < 99; ++i) expect_opens(*client);
  ASSERT_EQ(readers_of(spawner.pid, kWaiting + 1).size(), kWaiting + 1);
  expect_opens(*client);
  EXPECT_EQ(readers_of(spawner.pid, kWaiting).size(), kWaiting);
  expect_opens(*client);
}

TEST(ConfinedOpener, a_process_that_had_a_large_message_opens_no_other) {
  const Spawner spawner;
  const auto client = spawner.opener->for_client();
  ASSERT_TRUE(client->open(std::string((1u << 20) + 1, 'x')));
  EXPECT_EQ(readers_of(spawner.pid, kWaiting).size(), kWaiting);
}

TEST(ConfinedOpener, keeps_so_many_processes_for_clients_and_no_more) {
  ConfinedSettings settings;
  settings.kept_readers = 2;
  const Spawner spawner(settings);
  std::vector<std::unique_ptr<MessageOpener>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(spawner.opener->for_client());
    expect_opens(*clients.back());
  }
  EXPECT_EQ(readers_of(spawner.pid, kWaiting + 2).size(), kWaiting + 2);
  clients[0].reset();  // makes room for another
  expect_opens(*clients[4]);
  EXPECT_EQ(readers_of(spawner.pid, kWaiting + 2).size(), kWaiting + 2);
}

TEST(ConfinedOpener, a_clients_process_that_ends_between_two_messages_costs_none) {
  const Spawner spawner;
  const auto client = spawner.opener->for_client();
  for (int round = 0; round < 5; ++round) {
    expect_opens(*client);
    for (const pid_t reader : children_of(spawner.pid)) ::kill(reader, SIGKILL);
  }
  expect_opens(*client);
}

TEST(ConfinedOpener, a_client_goes_on_after_a_message_that_killed_his_process) {
  ConfinedSettings settings;
  settings.limits.max_message_bytes = 1u << 20;
  settings.limits.gunzip.max_bytes = 1u << 20;
  const auto confined = started(settings);
  const auto client = confined->for_client();
  expect_opens(*client);
  const auto dead = client->open(std::string(512u << 20, 'x'));
  ASSERT_TRUE(dead) << dead.error().detail;
  EXPECT_EQ(dead->outcomes.front().refusal, Refusal::reader_failed);
  expect_opens(*client);
}

TEST(ConfinedOpener, signals_to_the_group_do_not_end_it) {
  const Spawner spawner;
  ASSERT_TRUE(spawner.opener->open(mail_with(kReport)));  // it has set itself up
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    ASSERT_EQ(::kill(spawner.pid, signal), 0);
    for (const pid_t reader : children_of(spawner.pid)) ::kill(reader, signal);
    const auto opened = spawner.opener->open(mail_with(kReport));
    ASSERT_TRUE(opened) << opened.error().detail;
    EXPECT_TRUE(opened->outcomes.front().accepted());
  }
}

TEST(ConfinedOpener, messages_and_answers_beyond_a_socket_buffer_arrive_whole) {
  const auto confined = started();
  for (const std::size_t padding : {16u << 10, 64u << 10, 3u << 20}) {
    std::string report(kReport);
    report.insert(1, R"("note":")" + std::string(padding, 'n') + R"(",)");
    const auto opened = confined->open(mail_with(report));
    ASSERT_TRUE(opened) << opened.error().detail;
    ASSERT_TRUE(opened->outcomes.front().accepted()) << opened->outcomes.front().detail;
    EXPECT_EQ(opened->outcomes.front().json, report);
  }
}

TEST(ConfinedOpener, tells_when_its_spawner_has_died) {
  const Spawner spawner;
  EXPECT_TRUE(spawner.opener->can_spawn());
  ASSERT_EQ(::kill(spawner.pid, SIGKILL), 0);
  ASSERT_EQ(::waitpid(spawner.pid, nullptr, 0), spawner.pid);
  EXPECT_FALSE(spawner.opener->can_spawn());
  const auto opened = spawner.opener->open(mail_with(kReport));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::internal);
}

}  // namespace
}  // namespace tlsrpt
