// SPDX-License-Identifier: BSD-2-Clause
#include "sender/smtp_reply.hpp"

#include <gtest/gtest.h>

#include "sender/smtp_extensions.hpp"

namespace tlsrpt::sender {
namespace {

SmtpReply reply_of(std::string_view bytes) {
  const auto parsed = parse_smtp_reply(bytes);
  if (!parsed || !*parsed) return {};
  return (*parsed)->reply;
}

ErrorCode error_of(std::string_view bytes, const SmtpReplyLimits& limits = {}) {
  const auto parsed = parse_smtp_reply(bytes, limits);
  return parsed ? ErrorCode::internal : parsed.error().code;
}

TEST(SmtpReply, has_a_code_and_a_text) {
  EXPECT_EQ(reply_of("250 2.1.0 Ok\r\n"), (SmtpReply{250, "2.1.0 Ok"}));
  EXPECT_EQ(reply_of("354\r\n"), (SmtpReply{354, ""}));
  EXPECT_EQ(reply_of("220 \n"), (SmtpReply{220, ""}));
}

TEST(SmtpReply, may_have_several_lines) {
  const SmtpReply reply = reply_of("250-mx.example\r\n250-SIZE 1\r\n250 DSN\r\n");
  EXPECT_EQ(reply, (SmtpReply{250, "mx.example\nSIZE 1\nDSN"}));
  EXPECT_EQ(last_line(reply), "250 DSN");
}

TEST(SmtpReply, takes_only_its_own_bytes) {
  const auto parsed = parse_smtp_reply("250-a\r\n250 b\r\n550 c\r\n");
  ASSERT_TRUE(parsed && *parsed);
  EXPECT_EQ((*parsed)->bytes, 14U);
}

TEST(SmtpReply, is_waited_for_until_its_last_line_has_ended) {
  const std::string_view whole = "250-a\r\n250 b\r\n";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto parsed = parse_smtp_reply(whole.substr(0, size));
    ASSERT_TRUE(parsed) << size;
    EXPECT_FALSE(*parsed) << size;
  }
}

TEST(SmtpReply, that_follows_no_grammar_is_refused) {
  for (const char* bad : {"\r\n", "25\r\n", "HTTP/1.1 400 Bad\r\n", "150 x\r\n", "650 x\r\n",
                          "2x0 x\r\n", "250_x\r\n", "250-a\r\n251 b\r\n", "250-a\r\nb\r\n"}) {
    EXPECT_EQ(error_of(bad), ErrorCode::malformed) << bad;
  }
}

TEST(SmtpReply, without_an_end_is_refused_at_its_limits) {
  EXPECT_EQ(error_of("250 " + std::string(2000, 'x')), ErrorCode::limit_exceeded);
  EXPECT_EQ(error_of("250 12345\r\n", {.max_line = 10}), ErrorCode::limit_exceeded);
  EXPECT_TRUE(parse_smtp_reply("250 1234\r\n", {.max_line = 10}));
  std::string endless;
  for (int i = 0; i < 64; ++i) endless += "250-x\r\n";
  EXPECT_EQ(error_of(endless), ErrorCode::limit_exceeded);
}

TEST(SmtpReply, is_quoted_within_bounds) {
  EXPECT_EQ(last_line({550, std::string(1000, 'x')}).size(), 512U);
  EXPECT_EQ(last_line({550, ""}), "550 ");
}

TEST(SmtpExtensions, are_what_ehlo_says) {
  const auto found = parse_extensions(
      {250, "mx.example STARTTLS\npipelining\nSIZE 1000\nAUTH CRAM-MD5 LOGIN plain\nX"});
  EXPECT_EQ(found, (SmtpExtensions{
                       .pipelining = true, .size = true, .auth_plain = true, .auth_login = true}));
  EXPECT_TRUE(parse_extensions({250, "mx\nSTARTTLS"}).starttls);
  EXPECT_TRUE(parse_extensions({250, "mx\nAUTH=LOGIN"}).auth_login);
  EXPECT_EQ(parse_extensions({250, "mx"}), SmtpExtensions{});
}

}  // namespace
}  // namespace tlsrpt::sender
