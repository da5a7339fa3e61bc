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

/// The children of this test's process; those of earlier tests may still be among them.
std::set<pid_t> children() {
  std::ifstream file(fmt::format("/proc/self/task/{}/children", ::getpid()));
  return {std::istream_iterator<pid_t>(file), std::istream_iterator<pid_t>()};
}

TEST(ConfinedOpener, tells_when_its_spawner_has_died) {
  const std::set<pid_t> before = children();
  const auto confined = started();
  EXPECT_TRUE(confined->can_spawn());
  pid_t spawner = -1;
  for (const pid_t child : children()) {
    if (!before.contains(child)) spawner = child;
  }
  ASSERT_GT(spawner, 0);
  ASSERT_EQ(::kill(spawner, SIGKILL), 0);
  ASSERT_EQ(::waitpid(spawner, nullptr, 0), spawner);
  EXPECT_FALSE(confined->can_spawn());
  const auto opened = confined->open(mail_with(kReport));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::internal);
}

}  // namespace
}  // namespace tlsrpt
