// SPDX-License-Identifier: BSD-2-Clause
#include "sender/rehearsal.hpp"

#include "common/file.hpp"
#include "tests/unit/sender/ledger_entries.hpp"

namespace tlsrpt::sender {
namespace {

/// Keeps what it is given.
class KeepingTransport final : public MailTransport {
 public:
  HandOverResult hand_over(const Envelope& to, std::string_view text) override {
    envelope = to;
    message = text;
    return {HandOver::accepted, "250 \x1b[1mOk"};
  }
  void close() override {}
  Envelope envelope;
  std::string message;
};

class RehearsalTest : public LedgerTest {
 protected:
  RehearsalTest() {
    const auto pem = read_file(TEST_DATA_DIR "/dkim/rsa2048.pem", 1 << 16);
    keys.push_back({"s1", DkimKey::from_pem(pem.value()).value()});
    settings.identity = {"Sender Org", "tlsrpt@sender.example", "sender.example",
                         "noreply@sender.example", "bounce@sender.example"};
    count("2026-03-01", "a.example");
  }

  ReporterSettings settings;
  std::vector<SigningKey> keys;
  KeepingTransport mail;
};

TEST_F(RehearsalTest, goes_to_the_given_address_and_leaves_no_trace) {
  Rehearsal rehearsal({store, ledger, mail, settings, keys});
  const auto result =
      rehearsal.send(day("2026-03-01"), "a.example", "me@own.example", at("2026-03-02T12:00:00Z"));
  ASSERT_TRUE(result) << result.error().detail;
  EXPECT_EQ(mail.envelope.recipient, "me@own.example");
  EXPECT_EQ(mail.envelope.sender, "bounce@sender.example");
  EXPECT_NE(mail.message.find("\r\nTo: me@own.example\r\n"), std::string::npos);
  EXPECT_NE(mail.message.find("DKIM-Signature:"), std::string::npos);
  EXPECT_TRUE(ledger.day_counts()->empty());
  EXPECT_EQ(ledger.find_report(day("2026-03-01"), "a.example").value(), std::nullopt);
  Rua to;
  to.address = "me@own.example";
  EXPECT_EQ(rehearsal_line("a.example", to, *result),
            "a.example mailto:me@own.example delivered 250 \\x1b[1mOk");
}

TEST_F(RehearsalTest, a_report_that_was_built_is_sent_as_it_is) {
  add("2026-03-01", "a.example", {{"mailto:t@a.example", DeliveryState::delivered}});
  StoredReport report;
  report.report_id = "kept@sender.example";
  report.gzipped = "bytes";
  const auto plan = ledger.deliveries(day("2026-03-01"), "a.example").value().front().plan;
  ASSERT_TRUE(ledger.keep_report(plan, report));
  Rehearsal rehearsal({store, ledger, mail, settings, keys});
  ASSERT_TRUE(rehearsal.send(day("2026-03-01"), "a.example", "me@own.example", Seconds{}));
  EXPECT_NE(mail.message.find("kept@sender.example"), std::string::npos);
}

TEST_F(RehearsalTest, a_dry_run_says_what_would_be_sent) {
  std::vector<std::string> lines;
  const auto print = [&](const std::string& line) { lines.push_back(line); };
  PreviewEntry entry;
  entry.domain = "a.example";
  entry.rua = {"mailto:t@a.example"};
  entry.excluded = {"https://a.example/r"};
  entry.suppressed = {"mailto:u@a.example"};
  ASSERT_TRUE(print_dry_run(entry, day("2026-03-01"), ledger, print));
  PreviewEntry nobody;
  nobody.domain = "b.example";
  nobody.reason = "no-record";
  ASSERT_TRUE(print_dry_run(nobody, day("2026-03-01"), ledger, print));
  add("2026-03-01", "a.example",
      {{"mailto:t@a.example", DeliveryState::delivered},
       {"mailto:v@a.example", DeliveryState::failed}});
  ASSERT_TRUE(print_dry_run(entry, day("2026-03-01"), ledger, print));
  EXPECT_EQ(
      lines,
      (std::vector<std::string>{
          "a.example mailto:t@a.example would-be-sent", "a.example https://a.example/r excluded",
          "a.example mailto:u@a.example suppressed", "b.example - no-record",
          "a.example mailto:t@a.example delivered", "a.example mailto:v@a.example would-be-sent"}));
}

}  // namespace
}  // namespace tlsrpt::sender
