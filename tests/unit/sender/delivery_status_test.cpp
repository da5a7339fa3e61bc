// SPDX-License-Identifier: BSD-2-Clause
#include "sender/delivery_status.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tlsrpt::sender {
namespace {

std::vector<RecipientStatus> read(std::string_view text) { return read_delivery_status(text, {}); }

RecipientStatus read_one(std::string_view text) {
  const auto recipients = read(text);
  EXPECT_EQ(recipients.size(), 1u) << text;
  return recipients.empty() ? RecipientStatus{} : recipients[0];
}

TEST(DeliveryStatus, has_a_group_for_each_recipient) {
  const auto recipients = read(
      "Reporting-MTA: dns; mx.example\r\n\r\n"
      "Final-Recipient: rfc822; one@x.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n\r\n\r\n"
      "Final-Recipient: rfc822; two@x.example\r\nAction: delayed\r\nStatus: 4.4.1\r\n");
  ASSERT_EQ(recipients.size(), 2u);
  EXPECT_EQ(recipients[0].final_recipient, "one@x.example");
  EXPECT_EQ(recipients[0].action, DeliveryAction::failed);
  EXPECT_EQ(recipients[1].final_recipient, "two@x.example");
  EXPECT_EQ(recipients[1].action, DeliveryAction::delayed);
}

TEST(DeliveryStatus, is_found_wherever_the_blank_lines_are) {
  EXPECT_EQ(read("\n\n\nAction: failed\n\n\n").size(), 1u);
  EXPECT_EQ(read("Reporting-MTA: dns; x\nAction: failed\nStatus: 5.0.0").size(), 1u);
  EXPECT_EQ(read("no field\nat all\n\nAction: failed\n").size(), 1u);
}

TEST(DeliveryStatus, knows_its_actions) {
  const std::pair<const char*, DeliveryAction> cases[] = {
      {"failed", DeliveryAction::failed},   {"FAILED (expired)", DeliveryAction::failed},
      {"Delayed", DeliveryAction::delayed}, {"delivered", DeliveryAction::delivered},
      {"relayed", DeliveryAction::relayed}, {"expanded;", DeliveryAction::expanded},
  };
  for (const auto& [text, action] : cases)
    EXPECT_EQ(read_one(std::string("Action: ") + text).action, action) << text;
  EXPECT_TRUE(read("Action: failing\n").empty());
}

TEST(DeliveryStatus, finds_the_code) {
  const std::pair<const char*, const char*> cases[] = {
      {"Status: 5.1.1", "5.1.1"},
      {"status : 5.1.1 (no such user)", "5.1.1"},
      {"Status: 5.7.509", "5.7.509"},
      {"Action: failed\nStatus: 550", "5.0.0"},
      {"Action: failed\nDiagnostic-Code: smtp; 550-5.2.2 full", "5.2.2"},
      {"Action: failed\nDiagnostic-Code: smtp; 192.0.2.1 said: 550 (#5.1.1)", "5.1.1"},
      {"Action: failed\nDiagnostic-Code: smtp; 550 at 5.1.1.4 or 2.0.0.1", "5.0.0"},
      {"Action: delayed", "4.0.0"},
      {"Action: relayed", "2.0.0"},
  };
  for (const auto& [text, status] : cases) EXPECT_EQ(read_one(text).status, status) << text;
}

TEST(DeliveryStatus, tells_a_missing_action_by_the_code) {
  EXPECT_EQ(read_one("Status: 5.1.1").action, DeliveryAction::failed);
  EXPECT_EQ(read_one("Status: 4.4.7").action, DeliveryAction::delayed);
  EXPECT_EQ(read_one("Status: 2.1.5").action, DeliveryAction::delivered);
}

TEST(DeliveryStatus, gives_addresses_without_their_type) {
  const std::pair<const char*, const char*> cases[] = {
      {"rfc822;a@x.example", "a@x.example"},
      {"RFC822; <a@x.example>", "a@x.example"},
      {" utf-8 ;\n  a@x.example ", "a@x.example"},
      {"a@x.example", "a@x.example"},
      {"a@x.example; b", "a@x.example; b"},
      {"rfc822; \"a;b\"@x.example", "\"a;b\"@x.example"},
      {"", ""},
  };
  for (const auto& [text, address] : cases) {
    const auto recipient = read_one(
        fmt::format("Action: failed\nFinal-Recipient: {0}\nOriginal-Recipient: {0}", text));
    EXPECT_EQ(recipient.final_recipient, address) << text;
    EXPECT_EQ(recipient.original_recipient, address) << text;
  }
}

TEST(DeliveryStatus, gives_texts_of_one_line) {
  const auto recipient =
      read_one("Action: failed\nDiagnostic-Code: smtp;\r\n\t550 a\x01\x1b[1m\n   b\x7f  c\n");
  EXPECT_EQ(recipient.diagnostic, "smtp; 550 a [1m b c");
  const std::string longer = "Action: failed\nDiagnostic-Code: " + std::string(5000, 'x');
  EXPECT_EQ(read_one(longer).diagnostic.size(), DeliveryStatusLimits{}.max_text);
}

TEST(DeliveryStatus, is_bounded) {
  std::string many;
  for (int i = 0; i < 500; ++i) many += "Action: failed\n\n";
  EXPECT_EQ(read(many).size(), DeliveryStatusLimits{}.max_recipients);
  const std::string filler(DeliveryStatusLimits{}.max_group_bytes, 'x');
  EXPECT_EQ(read("X: " + filler + "\n\nAction: failed\n").size(), 1u);
}

}  // namespace
}  // namespace tlsrpt::sender
