// SPDX-License-Identifier: BSD-2-Clause
#include "sender/relay.hpp"

#include <gtest/gtest.h>

namespace tlsrpt::sender {
namespace {

using enum Relay::Protocol;

void expect_relay(const char* text, const Relay& relay) {
  const auto read = parse_relay(text);
  ASSERT_TRUE(read) << text;
  EXPECT_EQ(*read, relay) << text;
  EXPECT_EQ(parse_relay(to_string(*read)).value(), relay) << to_string(*read);
}

TEST(Relay, is_a_host_with_an_optional_port) {
  expect_relay("mail.example", {smtp, "mail.example", 25, ""});
  expect_relay("192.0.2.1:2525", {smtp, "192.0.2.1", 2525, ""});
  expect_relay("[2001:db8::1]", {smtp, "2001:db8::1", 25, ""});
  expect_relay("smtp:[2001:db8::1]:587", {smtp, "2001:db8::1", 587, ""});
}

TEST(Relay, may_be_reached_by_lmtp_or_a_local_socket) {
  expect_relay("lmtp:mail.example", {lmtp, "mail.example", 24, ""});
  expect_relay("LMTP:127.0.0.1:2424", {lmtp, "127.0.0.1", 2424, ""});
  expect_relay("lmtp:/run/dovecot/lmtp", {lmtp, "", 0, "/run/dovecot/lmtp"});
  expect_relay("/run/smtp", {smtp, "", 0, "/run/smtp"});
}

TEST(Relay, that_is_none_is_refused) {
  for (const char* bad : {"", ":25", "a:", "a:0", "a:65536", "a:2x", "[::1", "[::1]25", "[x]:25",
                          "a b", "a/b", "user@host", "2001:db8::1", "lmtp:", "smtp:lmtp:x:1"}) {
    EXPECT_FALSE(parse_relay(bad)) << bad;
  }
  EXPECT_FALSE(parse_relay("lmtp:/" + std::string(200, 'x')));
}

}  // namespace
}  // namespace tlsrpt::sender
