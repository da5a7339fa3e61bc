// SPDX-License-Identifier: BSD-2-Clause
#include "sender/dispatcher.hpp"

#include "tests/unit/sender/sending_house.hpp"

namespace tlsrpt::sender {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class DispatcherTest : public SendingTest {
 protected:
  DispatcherTest() {
    settings.send_window = seconds(0);
    restart();
  }
  void SetUp() override {
    count("2026-03-01", outcome("rcpt.example", /*failed=*/true));
    ask_for_reports("rcpt.example");
  }
  Delivery serve() {
    round();
    return delivery("2026-03-01", "rcpt.example");
  }
  /// Plans, claims and hands over, and waits until that has ended; it is not written down.
  void hand_over_only() {
    Planner& planner = process->sending->planner;
    planner.add_day(day("2026-03-01"));
    while (!planner.idle()) {
      if (!planner.step().value()) {
        wait_a_moment({process->sending->lookups->fd()}, seconds(1));
      }
    }
    DueDeliveries due(ledger());
    ASSERT_TRUE(process->sending->dispatcher.step(due).value());
    pollfd ended{process->sending->pool->fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&ended, 1, 20000), 1);
    ASSERT_EQ(process->sending->pool->in_hand(), 1u);
  }
};

TEST_F(DispatcherTest, a_report_goes_out_signed_from_the_submitter_to_the_rua) {
  EXPECT_EQ(serve().state, DeliveryState::delivered);
  ASSERT_EQ(servers.mails.size(), 1u);
  const Mail& mail = servers.mails[0];
  EXPECT_EQ(mail.envelope.sender, "bounce@sender.example");
  EXPECT_EQ(mail.envelope.recipient, "tls@rcpt.example");
  EXPECT_TRUE(mail.message.starts_with("DKIM-Signature:"));
  EXPECT_NE(mail.message.find("\r\nFrom: noreply@sender.example\r\n"), std::string::npos);
  EXPECT_NE(mail.message.find("\r\nTLS-Report-Domain: rcpt.example\r\n"), std::string::npos);
  EXPECT_NE(mail.message.find("\r\nTLS-Report-Submitter: sender.example\r\n"), std::string::npos);
  EXPECT_EQ(log.count("report-delivered domain=rcpt.example day=2026-03-01"), 1);
}

TEST_F(DispatcherTest, the_signature_is_one_that_rfc_8460_accepts) {
  serve();
  dns.add_txt("s1._domainkey.sender.example",
              "v=DKIM1; k=rsa; s=tlsrpt:email; p=" + test_keys()[0].key.public_key_base64());
  VerifySettings verify;
  verify.aligned_with = "sender.example";
  verify.strict_alignment = true;
  verify.now = clock.time;
  const auto verdict = dkim_verify(servers.mails[0].message, dns, verify);
  EXPECT_EQ(verdict.status, DkimStatus::pass) << verdict.best.reason;  // R183, R192
  std::string changed = servers.mails[0].message;
  changed.insert(changed.find("TLS-Report-Domain:"), "TLS-Report-Domain: evil.example\r\n");
  EXPECT_NE(dkim_verify(changed, dns, verify).status, DkimStatus::pass);  // R189
}

TEST_F(DispatcherTest, a_4xx_is_deferred_and_a_5xx_fails_for_good) {
  servers.answer = [](const Envelope&) { return later(); };
  const Delivery deferred = serve();
  EXPECT_EQ(deferred.state, DeliveryState::deferred);
  EXPECT_GE(deferred.due, clock.time + minutes(5));
  EXPECT_EQ(deferred.detail, "451 4.3.0 later");
  clock.time = deferred.due;
  servers.answer = [](const Envelope&) {
    return HandOverResult{HandOver::permanent, "550 5.1.1 no such user"};
  };
  EXPECT_EQ(serve().state, DeliveryState::failed);  // R150
  EXPECT_EQ(log.count("report-deferred"), 1);
  EXPECT_EQ(log.count("report-failed"), 1);
  EXPECT_EQ(log.count("report-delivered"), 0);
}

TEST_F(DispatcherTest, after_a_crash_between_acceptance_and_record_the_same_bytes_go_out_again) {
  hand_over_only();
  ASSERT_EQ(servers.mails.size(), 1u);
  EXPECT_EQ(delivery("2026-03-01", "rcpt.example").state, DeliveryState::sending);
  restart();
  EXPECT_EQ(serve().state, DeliveryState::delivered) << "a dead process's claim is free at once";
  EXPECT_EQ(log.count("claims-released"), 1);
  ASSERT_EQ(servers.mails.size(), 2u);
  EXPECT_EQ(servers.mails[0].message, servers.mails[1].message);  // R147
}

TEST_F(DispatcherTest, what_another_living_process_has_in_hand_is_left_to_it) {
  hand_over_only();
  Process other(folder.path(), settings, rules, clock, dns, servers, log);
  Reporter reporter_of_other = other.sending->reporter();
  ASSERT_TRUE(reporter_of_other.round(never, wait_a_moment));
  EXPECT_EQ(servers.mails.size(), 1u);
  EXPECT_EQ(serve().state, DeliveryState::delivered);
  EXPECT_EQ(servers.mails.size(), 1u);
}

TEST_F(DispatcherTest, what_ended_is_written_down_before_anything_new_is_claimed) {
  hand_over_only();
  count_and_ask("2026-03-01", "second.example");
  ASSERT_TRUE(process->sending->store.database().execute("PRAGMA query_only=ON"));
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(reporter->round(never, wait_a_moment));
  EXPECT_EQ(servers.mails.size(), 1u);
  ASSERT_TRUE(process->sending->store.database().execute("PRAGMA query_only=OFF"));
  EXPECT_EQ(serve().state, DeliveryState::delivered);
  EXPECT_EQ(serve().attempts, 1);
  EXPECT_EQ(servers.mails.size(), 2u);
}

TEST_F(DispatcherTest, a_report_is_built_once_even_if_counts_change_later) {
  servers.answer = [](const Envelope&) { return later(); };
  serve();
  count("2026-03-01", outcome("rcpt.example", /*failed=*/true), 1000);
  clock.time += hours(1);
  servers.answer = nullptr;
  serve();
  ASSERT_EQ(servers.mails.size(), 2u);
  EXPECT_EQ(servers.mails[0].message, servers.mails[1].message);
}

TEST_F(DispatcherTest, what_was_delivered_is_not_handed_over_again) {
  serve();
  const Delivery done = delivery("2026-03-01", "rcpt.example");
  EXPECT_FALSE(ledger().claim(done, clock.time + hours(48), 0).value());
  clock.time += hours(48);
  round();
  EXPECT_EQ(servers.mails.size(), 1u);
}

TEST_F(DispatcherTest, a_report_that_is_posted_clears_the_bounces_of_its_destination) {
  ask_for_reports("web.example", "v=TLSRPTv1; rua=https://web.example/tls");
  Suppressions& suppressions = process->sending->suppressions;
  ASSERT_TRUE(suppressions.count_bounce("https://web.example/tls", clock.time, "404",
                                        settings.suppression));
  count("2026-03-01", outcome("web.example"));
  round();
  EXPECT_EQ(servers.posts.size(), 1u);
  EXPECT_TRUE(suppressions.list()->empty());
}

}  // namespace
}  // namespace tlsrpt::sender
