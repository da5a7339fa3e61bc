// SPDX-License-Identifier: BSD-2-Clause
// What holds for the logs of all MTAs: bounds, counters, and that the same lines mean the same.
#include "sender/mail_log.hpp"

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/sender/log_lines.hpp"

namespace tlsrpt::sender {
namespace {

std::string established(int pid, std::string_view time = "18:58:18") {
  return "Nov 23 " + std::string(time) + " m postfix/smtp[" + std::to_string(pid) +
         "]: Trusted TLS connection established to mx.a.test[192.0.2.1]:25: TLSv1.3\n";
}
std::string delivery(int pid, std::string_view time = "18:58:18") {
  return "Nov 23 " + std::string(time) + " m postfix/smtp[" + std::to_string(pid) +
         "]: 4A1B2C: to=<x@a.test>, relay=mx.a.test[192.0.2.1]:25, delay=1, dsn=2.0.0, status=sent "
         "(250 ok)\n";
}

MailLogSettings at_most(std::size_t processes) {
  MailLogSettings settings;
  settings.max_processes = processes;
  return settings;
}
MailLogSettings within(std::chrono::seconds open) {
  MailLogSettings settings;
  settings.max_open = open;
  return settings;
}

TEST(MailLog, reads_entries_of_a_journal) {
  MailLog log({});
  std::vector<ObservedSession> sessions;
  const auto add = [&](std::string_view text) {
    log.add_entry({kLogNow, "postfix/smtp", "10", text}, sessions);
  };
  add("Trusted TLS connection established to mx.a.test[192.0.2.1]:25: TLSv1.3");
  add("4A1B2C: to=<x@a.test>, relay=mx.a.test[192.0.2.1]:25, delay=1, dsn=2.0.0, status=sent (ok)");
  log.add_entry({kLogNow, "systemd", "1", "Started."}, sessions);
  ASSERT_EQ(to_lines(sessions), (Lines{"a.test mx.a.test[192.0.2.1] established"}));
  EXPECT_EQ(sessions[0].begun_at, kLogNow);
  EXPECT_EQ(log.counters().lines, 3u);
  EXPECT_EQ(log.counters().sessions, 1u);
}

TEST(MailLog, knows_when_the_oldest_open_session_began) {
  MailLog log({});
  EXPECT_EQ(log.oldest_open(), Seconds::max());
  read_log(log, established(1, "10:00:00") + established(2, "10:05:00"));
  EXPECT_EQ(format_rfc3339(log.oldest_open()), "2026-11-23T10:00:00Z");
  read_log(log, delivery(1, "10:05:00"));
  EXPECT_EQ(format_rfc3339(log.oldest_open()), "2026-11-23T10:05:00Z");
  read_log(log, delivery(2, "10:05:00"));
  EXPECT_EQ(log.oldest_open(), Seconds::max());
}

TEST(MailLog, gives_up_lines_that_are_too_old_or_too_many) {
  MailLog old(within(std::chrono::seconds{60}));
  read_log(old, established(1, "10:00:00") + established(2, "10:02:00"));
  EXPECT_EQ(old.counters().incomplete, 1u);
  EXPECT_EQ(old.counters().evicted, 0u);
  EXPECT_EQ(read_log(old, delivery(1, "10:02:01")).size(), 1u) << "as mail without TLS";

  MailLog many(at_most(3));
  for (int pid = 0; pid < 10; ++pid) read_log(many, established(pid));
  EXPECT_EQ(many.counters().evicted, 7u);
  EXPECT_EQ(many.counters().incomplete, 7u);

  MailLog one({});
  for (int i = 0; i < 100; ++i) read_log(one, established(1));
  EXPECT_EQ(one.counters().incomplete, 84u);
}

TEST(MailLog, gives_a_session_whose_delivery_never_came_if_its_domain_is_known) {
  MailLog log(within(std::chrono::seconds{60}));
  EXPECT_TRUE(read_log(log, established(1, "10:00:00") +
                                "Nov 23 10:00:00 m postfix/smtp[1]: TLSRPT: status=success, "
                                "domain=a.test, receiving_mx=mx.a.test[192.0.2.1]\n")
                  .empty());
  EXPECT_EQ(to_lines(read_log(log, established(2, "10:02:00"))),
            (Lines{"a.test mx.a.test[192.0.2.1] established"}));
  EXPECT_EQ(log.counters().incomplete, 0u);
}

TEST(MailLog, counts_lines_that_it_cannot_read) {
  MailLog log({});
  const auto sessions = read_log(
      log,
      "Nov 23 10:00:00 m postfix/smtp[1]: Trusted TLS connection established to nobody\n"
      "Nov 23 10:00:00 m postfix/smtp[1]: 4A1B2C: to=<x@a.test>, relay=cut\n"
      "Nov 23 10:00:00 m postfix/smtp[1]: 4A1B2C: to=<x\n"
      "Nov 23 10:00:00 m postfix/smtp[1]: connect to mx[192.0.2.1]:25: No route to host\n");
  EXPECT_TRUE(sessions.empty());
  EXPECT_EQ(log.counters().unreadable, 3u);
}

TEST(MailLog, takes_whatever_stands_in_a_line) {
  std::mt19937 random(20261123);  // a fixed seed: every run tries the same
  const std::string lines[] = {
      established(1),
      delivery(1),
      "Nov 23 18:58:18 m sendmail[1]: STARTTLS=client, relay=mx.a.test., verify=OK\n",
      "Nov 23 18:58:18 m sendmail[1]: 6ANIxYR4001514: to=<x@a.test>,y@b.test, mailer=esmtp, "
      "relay=mx.a.test. [192.0.2.1], stat=Sent\n",
      "2026-11-23 12:20:00 1vXy3k-0000Ab-1D => x@a.test R=r T=t H=mx.a.test [192.0.2.1] X=a "
      "CV=yes\n",
  };
  MailLog log(at_most(50));
  for (int round = 0; round < 20000; ++round) {
    std::string line = lines[random() % std::size(lines)];
    line.pop_back();
    for (unsigned change = 0; change <= random() % 3; ++change) {
      const std::size_t at = random() % (line.size() + 1);
      if (random() % 2 == 0) {
        line.erase(at, random() % 30);
      } else {
        line.insert(at, 1, static_cast<char>(random()));
      }
    }
    std::vector<ObservedSession> sessions;
    log.add_line(line, kLogNow, sessions);
    for (const ObservedSession& session : sessions) ASSERT_FALSE(session.domain.empty()) << line;
  }
  std::vector<ObservedSession> sessions;
  log.add_line(std::string(1u << 20, '\0'), kLogNow, sessions);
  log.add_line(established(7) + std::string(1u << 20, '\xff'), kLogNow, sessions);
  EXPECT_EQ(log.counters().lines, 20002u);
}

TEST(MailLog, gives_the_same_sessions_wherever_between_two_it_begins) {
  std::vector<std::string> pieces;
  for (int i = 0; i < 20; ++i) pieces.push_back(established(i % 3) + delivery(i % 3));
  std::string all;
  for (const std::string& piece : pieces) all += piece;
  const Lines expected = to_lines(read_log(all));
  for (std::size_t cut = 0; cut < pieces.size(); ++cut) {
    MailLog log({});
    Lines lines;
    for (std::size_t i = cut; i < pieces.size(); ++i) {
      for (const std::string& line : to_lines(read_log(log, pieces[i]))) lines.push_back(line);
    }
    EXPECT_EQ(lines, Lines(expected.begin() + static_cast<std::ptrdiff_t>(cut), expected.end()));
  }
}

}  // namespace
}  // namespace tlsrpt::sender
