// SPDX-License-Identifier: BSD-2-Clause
#include "sender/bounce.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "common/file.hpp"

namespace tlsrpt::sender {
namespace {

std::string sample(const std::string& name) {
  return read_file(TEST_DATA_DIR "/bounces/" + name + ".eml", 1u << 20).value();
}

struct Shape {
  const char* server;
  const char* message_id;
  RecipientStatus recipient;
};

TEST(Bounce, of_each_mail_server_is_read) {
  const Shape shapes[] = {
      {"postfix",
       "<tlsrpt.00112233445566778899aabbccddeeff@reporter.example>",
       {DeliveryAction::failed, "5.1.1", "tlsrpt@broken.example", "TLSRPT@broken.example",
        "smtp; 550 5.1.1 <tlsrpt@broken.example>: Recipient address rejected: User unknown"}},
      {"sendmail_warning",
       "<tlsrpt.5eadbeef@reporter.example>",
       {DeliveryAction::delayed, "4.4.3", "reports@slow.example", "", ""}},
      {"exim",
       "<tlsrpt.c0ffee@reporter.example>",
       {DeliveryAction::failed, "5.0.0", "tls@full.example", "", "smtp; 552 5.2.2 mailbox full"}},
      {"exchange",
       "<tlsrpt.ab12cd34@reporter.example>",
       {DeliveryAction::failed, "5.1.10", "tlsrpt@corp.example", "tlsrpt@corp.example",
        "smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address "
        "lookup"}},
  };
  for (const Shape& shape : shapes) {
    const auto bounce = read_bounce(sample(shape.server));
    ASSERT_TRUE(bounce) << shape.server << ": " << bounce.error().detail;
    EXPECT_EQ(bounce->message_id, shape.message_id) << shape.server;
    EXPECT_EQ(bounce->recipients.front(), shape.recipient) << shape.server;
  }
}

TEST(Bounce, may_be_about_several_recipients) {
  const auto bounce = read_bounce(sample("sendmail_warning")).value();
  ASSERT_EQ(bounce.recipients.size(), 2u) << "the one inside of the returned message is none";
  EXPECT_EQ(bounce.recipients[1].action, DeliveryAction::failed);
  EXPECT_EQ(bounce.recipients[1].final_recipient, "reports@gone.example");
}

constexpr const char* kHead = "Content-Type: multipart/report; boundary=b\n";
constexpr const char* kStatus =
    "\n--b\nContent-Type: message/delivery-status\n\nAction: failed\n\n--b\n";

std::string id_of(const std::string& head, const std::string& behind) {
  const auto bounce = read_bounce(head + kStatus + behind);
  return bounce ? bounce->message_id : "error: " + bounce.error().detail;
}

TEST(Bounce, names_the_message_by_whatever_was_returned_of_it) {
  const std::pair<const char*, const char*> cases[] = {
      {"Content-Type: message/rfc822\n\nMessage-ID: <a@b>\n\nbody\n--b--", "<a@b>"},
      {"Content-Type: text/rfc822-headers\n\nmessage-id : <a@b> (x)\n--b--", "<a@b>"},
      {"Content-Type: text/rfc822-headers\n\n\n\nMessage-Id: a@b\n--b--", "<a@b>"},
      {"Content-Type: message/global-headers\n\nMessage-ID:\n\t<a@b>\n", "<a@b>"},
      {"Content-Type: Message/RFC822\nContent-Transfer-Encoding: base64\n\n"
       "TWVzc2FnZS1JRDogPGFAYj4KCg==\n--b--",
       "<a@b>"},
      {"Content-Type: text/plain\n\nMessage-ID: <a@b>\n--b--", ""},
      {"Content-Type: message/rfc822\n\nFrom: x\n\nMessage-ID: <a@b>\n--b--", ""},
      {"Content-Type: message/rfc822\n\nMessage-ID: <>\n--b--", ""},
  };
  for (const auto& [part, id] : cases) EXPECT_EQ(id_of(kHead, part), id) << part;
}

TEST(Bounce, without_a_returned_message_names_it_in_its_header) {
  const std::string head = std::string("In-Reply-To: <a@b>\n") + kHead;
  EXPECT_EQ(id_of(head, ""), "<a@b>");
  EXPECT_EQ(id_of(head, "Content-Type: message/rfc822\n\nMessage-ID: <c@d>\n--b--"), "<c@d>");
}

TEST(Bounce, is_found_inside_of_what_gateways_put_around_it) {
  const std::string head =
      "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: "
      "text/plain\n\nScanned.\n--o\n";
  EXPECT_EQ(id_of(head + kHead, "Content-Type: message/rfc822\n\nMessage-ID: <a@b>\n--b--\n--o--"),
            "<a@b>");
}

TEST(Bounce, is_no_other_mail) {
  const std::pair<std::string, const char*> cases[] = {
      {sample("qmail"), "qmail"},
      {sample("vacation"), "no delivery status"},
      {"", "no delivery status"},
      {"Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n"
       "--b\nContent-Type: message/disposition-notification\n\nAction: failed\n--b--",
       "disposition-notification"},
      {"Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: message/rfc822\n\n" +
           sample("postfix") + "--o--",
       "no delivery status"},
  };
  for (const auto& [message, reason] : cases) {
    const auto bounce = read_bounce(message);
    ASSERT_FALSE(bounce) << reason;
    EXPECT_EQ(bounce.error().code, ErrorCode::unsupported) << reason;
    EXPECT_NE(bounce.error().detail.find(reason), std::string::npos) << bounce.error().detail;
  }
}

TEST(Bounce, about_nobody_is_malformed) {
  const auto bounce =
      read_bounce(std::string(kHead) +
                  "\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n--b--");
  ASSERT_FALSE(bounce);
  EXPECT_EQ(bounce.error().code, ErrorCode::malformed);
}

TEST(Bounce, is_bounded) {
  const auto code_of = [](const std::string& message, const BounceLimits& limits) {
    const auto bounce = read_bounce(message, limits);
    return bounce ? std::optional<ErrorCode>() : bounce.error().code;
  };
  const std::string message = sample("postfix");
  BounceLimits limits;
  EXPECT_EQ(code_of(message, limits), std::nullopt);
  limits.max_message_bytes = message.size() - 1;
  EXPECT_EQ(code_of(message, limits), ErrorCode::limit_exceeded);
  limits = {};
  limits.max_status_bytes = 100;
  EXPECT_EQ(code_of(message, limits), ErrorCode::limit_exceeded);
  limits = {};
  limits.max_parts = 1;
  EXPECT_EQ(code_of(message, limits), ErrorCode::limit_exceeded);
  limits = {};
  limits.max_text = 10;
  EXPECT_EQ(read_bounce(message, limits)->message_id, "") << "rather none than half of one";
}

}  // namespace
}  // namespace tlsrpt::sender
