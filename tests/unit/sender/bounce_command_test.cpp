// SPDX-License-Identifier: BSD-2-Clause
#include "sender/bounce_command.hpp"

#include "sender/message_token.hpp"
#include "tests/unit/sender/fake_log.hpp"
#include "tests/unit/sender/ledger_entries.hpp"

namespace tlsrpt::sender {
namespace {

std::string bounce_of(std::string_view message_id, std::string_view action = "failed") {
  return fmt::format(
      "From: MAILER-DAEMON@mx.example\r\nTo: bounce@own.example\r\nMIME-Version: 1.0\r\n"
      "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
      "--b\r\nContent-Type: text/plain\r\n\r\nsorry\r\n"
      "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
      "Reporting-MTA: dns; mx.example\r\n\r\n"
      "Final-Recipient: rfc822; t@a.example\r\nAction: {}\r\nStatus: 5.1.1\r\n"
      "Diagnostic-Code: smtp; 550 no such \x1b[1muser\r\n\r\n"
      "--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {}\r\n\r\n--b--\r\n",
      action, message_id);
}

class BounceCommandTest : public LedgerTest {
 protected:
  /// A delivered report's Message-ID.
  std::string deliver(std::string_view on, const std::string& domain) {
    add(on, domain, {{"mailto:t@a.example", DeliveryState::delivered}});
    const auto plan = ledger.deliveries(day(on), domain).value().front();
    StoredReport report;
    report.report_id = std::string(on) + domain;
    EXPECT_TRUE(ledger.keep_report(plan.plan, report));
    return fmt::format("<{}@own.example>",
                       message_token(ledger.secret().value(), plan.id, report.report_id).value());
  }

  BounceVerdict take(const std::string& mail) {
    return take_bounce(mail, {store.database(), ledger, suppressions}, settings, now, log).value();
  }

  DeliveryState state(std::string_view on, std::string_view domain) {
    return ledger.deliveries(day(on), domain).value().front().state;
  }

  SuppressionSettings settings{.bounce_limit = 2};
  Seconds now = at("2026-03-02T12:00:00Z");
  FakeLog log;
};

TEST_F(BounceCommandTest, a_failure_marks_the_delivery_and_counts_for_its_destination) {
  EXPECT_EQ(take(bounce_of(deliver("2026-03-01", "a.example"))), BounceVerdict::counted);
  const auto delivery = ledger.deliveries(day("2026-03-01"), "a.example").value().front();
  EXPECT_EQ(delivery.state, DeliveryState::bounced);
  EXPECT_TRUE(delivery.detail.starts_with("5.1.1 smtp; 550 no such")) << delivery.detail;
  ASSERT_EQ(suppressions.list()->size(), 1u);
  EXPECT_EQ(suppressions.list()->front().name, "t@a.example");
  EXPECT_EQ(log.count("report-bounced"), 1);
  EXPECT_EQ(log.lines[0].find('\x1b'), std::string::npos);
}

TEST_F(BounceCommandTest, the_same_bounce_again_changes_nothing) {
  const std::string mail = bounce_of(deliver("2026-03-01", "a.example"));
  take(mail);
  EXPECT_EQ(take(mail), BounceVerdict::repeated);
  EXPECT_EQ(suppressions.list()->front().bounces, 1);
}

TEST_F(BounceCommandTest, so_many_bounces_suppress_the_destination) {
  take(bounce_of(deliver("2026-02-28", "a.example")));
  EXPECT_TRUE(suppressions.active(now)->empty());
  take(bounce_of(deliver("2026-03-01", "a.example")));
  EXPECT_EQ(suppressions.active(now)->count("t@a.example"), 1u);
  EXPECT_EQ(log.count("destination-suppressed"), 1);
}

TEST_F(BounceCommandTest, a_forged_message_id_is_none_of_ours) {
  std::string message_id = deliver("2026-03-01", "a.example");
  char& digit = message_id[message_id.find('@') - 1];
  digit = digit == '0' ? '1' : '0';
  EXPECT_EQ(take(bounce_of(message_id)), BounceVerdict::unmatched);
  EXPECT_EQ(state("2026-03-01", "a.example"), DeliveryState::delivered);
  EXPECT_TRUE(suppressions.list()->empty());
  EXPECT_EQ(log.count("bounce-unmatched"), 1);
}

TEST_F(BounceCommandTest, what_has_not_failed_is_left_alone) {
  const std::string message_id = deliver("2026-03-01", "a.example");
  EXPECT_EQ(take(bounce_of(message_id, "delayed")), BounceVerdict::ignored);
  EXPECT_EQ(take("Subject: I am away\r\nMessage-ID: <1@x>\r\n\r\nuntil May\r\n"),
            BounceVerdict::ignored);
  EXPECT_EQ(state("2026-03-01", "a.example"), DeliveryState::delivered);
}

TEST_F(BounceCommandTest, without_the_database_it_is_an_error) {
  const std::string mail = bounce_of(deliver("2026-03-01", "a.example"));
  ASSERT_TRUE(store.database().execute("DROP TABLE suppression"));
  const auto verdict =
      take_bounce(mail, {store.database(), ledger, suppressions}, settings, now, log);
  ASSERT_FALSE(verdict);
  EXPECT_EQ(state("2026-03-01", "a.example"), DeliveryState::delivered) << "both or neither";
}

}  // namespace
}  // namespace tlsrpt::sender
