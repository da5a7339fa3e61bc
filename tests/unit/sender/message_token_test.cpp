// SPDX-License-Identifier: BSD-2-Clause
#include "sender/message_token.hpp"

#include "tests/unit/sender/sending_house.hpp"

namespace tlsrpt::sender {
namespace {

class MessageTokenTest : public SendingTest {
 protected:
  MessageTokenTest() {
    settings.send_window = std::chrono::seconds(0);
    restart();
    count_and_ask("2026-03-01", "rcpt.example");
    round();
  }
  /// The Message-ID of the mail that went out, with its brackets.
  std::string sent_id() {
    const std::string& mail = servers.mails.at(0).message;
    const std::size_t begin = mail.find("\r\nMessage-ID: ") + 14;
    return mail.substr(begin, mail.find("\r\n", begin) - begin);
  }
  std::optional<Delivery> find(std::string_view id) {
    return find_by_message_id(ledger(), id).value();
  }
};

TEST_F(MessageTokenTest, leads_from_the_mail_back_to_its_delivery) {
  const std::string id = sent_id();
  ASSERT_TRUE(id.starts_with("<tlsrpt.")) << id;
  const auto found = find(id);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->key.domain, "rcpt.example");
  EXPECT_TRUE(find(id.substr(1, id.size() - 2))) << "without brackets";
}

TEST_F(MessageTokenTest, cannot_be_made_up) {
  const std::string id = sent_id();
  std::string forged = id;
  char& digit = forged.at(forged.find('@') - 1);
  digit = digit == '0' ? '1' : '0';
  EXPECT_FALSE(find(forged));
  EXPECT_FALSE(find("<tlsrpt.1.@sender.example>"));
  EXPECT_FALSE(find("<tlsrpt.1@sender.example>"));
  EXPECT_FALSE(find("<tlsrpt.99999999999999999999.00@sender.example>"));
  EXPECT_FALSE(find("<other@sender.example>"));
  EXPECT_FALSE(find(""));
  EXPECT_FALSE(find(std::string(100000, 'x')));
}

TEST_F(MessageTokenTest, is_another_one_in_another_database) {
  EXPECT_NE(message_token("a", 1, "id").value(), message_token("b", 1, "id").value());
  EXPECT_NE(message_token("a", 1, "id").value(), message_token("a", 2, "id").value());
  EXPECT_EQ(message_token("a", 1, "id").value(), message_token("a", 1, "id").value());
  EXPECT_EQ(ledger().secret().value(), ledger().secret().value());
  EXPECT_EQ(ledger().secret()->size(), 32u);
}

}  // namespace
}  // namespace tlsrpt::sender
