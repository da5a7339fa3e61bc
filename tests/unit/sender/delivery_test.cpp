// SPDX-License-Identifier: BSD-2-Clause
#include "sender/delivery.hpp"

#include "tests/unit/sender/sending_house.hpp"

namespace tlsrpt::sender {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(Backoff, doubles_from_five_minutes_to_four_hours) {
  const std::vector<seconds> expected = {minutes(5),  minutes(10),  minutes(20), minutes(40),
                                         minutes(80), minutes(160), hours(4),    hours(4)};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(backoff(static_cast<int>(i) + 1), expected[i]) << i + 1;  // R146
  }
  EXPECT_EQ(backoff(1'000'000), hours(4));
}

TEST(Backoff, the_last_attempt_is_24_hours_after_the_first) {
  const Seconds first = at("2026-03-02T01:00:00Z");
  EXPECT_EQ(next_attempt(first, 1, first), first + minutes(5));
  EXPECT_EQ(next_attempt(first, 11, first + hours(22)), first + hours(24));  // R145
  EXPECT_EQ(next_attempt(first, 12, first + hours(24) - seconds(1)), first + hours(24));
  EXPECT_FALSE(next_attempt(first, 12, first + hours(24)));
}

class DeliveryTest : public SendingTest {
 protected:
  void SetUp() override {
    count("2026-03-01", outcome("rcpt.example", /*failed=*/true));
    ask_for_reports("rcpt.example");
    ASSERT_TRUE(process->planner.plan_domains(kKey.day, {"rcpt.example"}, Spread::now, never));
  }

  Delivery serve(ClaimMode mode = ClaimMode::due_only) {
    const auto served = process->deliverer.serve(kKey, mode);
    EXPECT_TRUE(served && *served);
    return served && *served ? **served : Delivery{};
  }

  const DeliveryKey kKey{day("2026-03-01"), "rcpt.example", "mailto:tls@rcpt.example"};
};

TEST_F(DeliveryTest, a_report_goes_out_signed_from_the_submitter_to_the_rua) {
  EXPECT_EQ(serve().state, DeliveryState::delivered);
  ASSERT_EQ(transport.handed_over.size(), 1u);
  const Mail& mail = transport.handed_over[0];
  EXPECT_EQ(mail.envelope.sender, "bounce@sender.example");
  EXPECT_EQ(mail.envelope.recipient, "tls@rcpt.example");
  EXPECT_TRUE(mail.message.starts_with("DKIM-Signature:"));
  EXPECT_NE(mail.message.find("\r\nFrom: noreply@sender.example\r\n"), std::string::npos);
  EXPECT_NE(mail.message.find("\r\nTLS-Report-Domain: rcpt.example\r\n"), std::string::npos);
  EXPECT_NE(mail.message.find("\r\nTLS-Report-Submitter: sender.example\r\n"), std::string::npos);
  EXPECT_EQ(log.count("report-delivered domain=rcpt.example day=2026-03-01"), 1);
}

TEST_F(DeliveryTest, the_signature_is_one_that_rfc_8460_accepts) {
  serve();
  dns.add_txt("s1._domainkey.sender.example",
              "v=DKIM1; k=rsa; s=tlsrpt:email; p=" + test_keys()[0].key.public_key_base64());
  VerifySettings verify;
  verify.aligned_with = "sender.example";
  verify.strict_alignment = true;
  verify.now = clock.time;
  const auto verdict = dkim_verify(transport.handed_over[0].message, dns, verify);
  EXPECT_EQ(verdict.status, DkimStatus::pass) << verdict.best.reason;  // R183, R192
  std::string changed = transport.handed_over[0].message;
  changed.insert(changed.find("TLS-Report-Domain:"), "TLS-Report-Domain: evil.example\r\n");
  EXPECT_NE(dkim_verify(changed, dns, verify).status, DkimStatus::pass);  // R189
}

TEST_F(DeliveryTest, a_4xx_is_deferred_and_a_5xx_fails_for_good) {
  transport.answer = [](const Envelope&) {
    return HandOverResult{HandOver::temporary, "451 4.7.1 later"};
  };
  const Delivery deferred = serve();
  EXPECT_EQ(deferred.state, DeliveryState::deferred);
  EXPECT_EQ(deferred.due, clock.time + minutes(5));
  EXPECT_EQ(deferred.detail, "451 4.7.1 later");
  clock.time += minutes(5);
  transport.answer = [](const Envelope&) {
    return HandOverResult{HandOver::permanent, "550 5.1.1 no such user"};
  };
  EXPECT_EQ(serve().state, DeliveryState::failed);  // R150
  EXPECT_EQ(log.count("report-deferred"), 1);
  EXPECT_EQ(log.count("report-failed"), 1);
  EXPECT_EQ(log.count("report-delivered"), 0);
}

TEST_F(DeliveryTest, an_aborted_hand_over_is_due_again_at_once) {
  transport.answer = [](const Envelope&) { return HandOverResult{HandOver::aborted, "stopped"}; };
  const Delivery aborted = serve();
  EXPECT_EQ(aborted.state, DeliveryState::deferred);
  EXPECT_EQ(aborted.due, clock.time);
}

TEST_F(DeliveryTest, after_a_crash_between_acceptance_and_record_the_same_bytes_go_out_again) {
  // The process dies inside the hand-over: the claim stays behind.
  const Seconds until = clock.time + seconds(180);
  ASSERT_TRUE(process->ledger.claim(kKey, clock.time, until, ClaimMode::due_only).value());
  restart();
  EXPECT_FALSE(process->deliverer.serve(kKey, ClaimMode::due_only).value());
  clock.time = until;
  transport.answer = [](const Envelope&) {
    return HandOverResult{HandOver::temporary, "connection lost"};
  };
  serve();
  restart();
  clock.time += hours(1);
  transport.answer = nullptr;
  EXPECT_EQ(serve().state, DeliveryState::delivered);
  ASSERT_EQ(transport.handed_over.size(), 2u);
  EXPECT_EQ(transport.handed_over[0].message, transport.handed_over[1].message);  // R147
}

TEST_F(DeliveryTest, a_report_is_built_once_even_if_counts_change_later) {
  transport.answer = [](const Envelope&) { return HandOverResult{HandOver::temporary, "451"}; };
  serve();
  count("2026-03-01", outcome("rcpt.example", /*failed=*/true), 1000);
  clock.time += hours(1);
  transport.answer = nullptr;
  serve();
  ASSERT_EQ(transport.handed_over.size(), 2u);
  EXPECT_EQ(transport.handed_over[0].message, transport.handed_over[1].message);
}

TEST_F(DeliveryTest, what_was_delivered_is_not_handed_over_again) {
  serve();
  EXPECT_FALSE(process->deliverer.serve(kKey, ClaimMode::due_only).value());
  EXPECT_FALSE(process->deliverer.serve(kKey, ClaimMode::now).value());
  EXPECT_EQ(transport.handed_over.size(), 1u);
}

}  // namespace
}  // namespace tlsrpt::sender
