// SPDX-License-Identifier: BSD-2-Clause
#include "sender/netstring.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "sender/socketmap.hpp"

namespace tlsrpt::sender {
namespace {

TEST(Netstring, is_read_a_byte_at_a_time) {
  NetstringReader reader(100);
  const std::string text = write_netstring("tlsrpt a.example") + write_netstring("");
  std::vector<std::string> taken;
  for (const char c : text) {
    reader.add({&c, 1});
    const auto one = reader.take();
    ASSERT_TRUE(one.has_value());
    if (*one) taken.push_back(**one);
  }
  EXPECT_EQ(taken, (std::vector<std::string>{"tlsrpt a.example", ""}));
  EXPECT_EQ(reader.waiting(), 0u);
}

TEST(Netstring, several_at_once_are_taken_in_order) {
  NetstringReader reader(10);
  reader.add("1:a,2:bb,3:cc");
  EXPECT_EQ(reader.take()->value(), "a");
  EXPECT_EQ(reader.take()->value(), "bb");
  EXPECT_FALSE(reader.take()->has_value());
  EXPECT_EQ(reader.waiting(), 4u);
  reader.add("c,");
  EXPECT_EQ(reader.take()->value(), "ccc");
}

TEST(Netstring, what_is_none_is_an_error_as_soon_as_it_shows) {
  for (const char* text : {"x", ":a,", "1a", "-1:a,", "1:ab", "01:a,", "00:,", " 1:a,", "GET /"}) {
    NetstringReader reader(100);
    reader.add(text);
    const auto taken = reader.take();
    ASSERT_FALSE(taken.has_value()) << text;
    EXPECT_EQ(taken.error().code, ErrorCode::malformed) << text;
  }
  for (const char* text : {"101", "1000", "99999999999999999999999"}) {
    NetstringReader reader(100);
    reader.add(text);
    const auto taken = reader.take();
    ASSERT_FALSE(taken.has_value()) << text;
    EXPECT_EQ(taken.error().code, ErrorCode::limit_exceeded) << text;
  }
  NetstringReader reader(100);
  reader.add("100:");
  EXPECT_FALSE(reader.take()->has_value()) << "as long as may be";
}

TEST(Socketmap, questions_are_a_map_and_a_key) {
  const SocketmapRequest expected{"tlsrpt", "a.example"};
  EXPECT_EQ(parse_socketmap_request("tlsrpt a.example"), expected);
  EXPECT_EQ(parse_socketmap_request("m a b")->key, "a b");
  EXPECT_EQ(parse_socketmap_request("m ")->key, "");
  for (const char* text : {"", " ", "tlsrpt", " a.example"}) {
    EXPECT_FALSE(parse_socketmap_request(text)) << text;
  }
}

TEST(Socketmap, replies_are_read_as_they_were_written) {
  for (const SocketmapReply& reply : {SocketmapReply{SocketmapStatus::ok, "secure match=a.example"},
                                      SocketmapReply{SocketmapStatus::not_found, ""},
                                      SocketmapReply{SocketmapStatus::temporary, "later"},
                                      SocketmapReply{SocketmapStatus::permanent, "never"}}) {
    EXPECT_EQ(parse_socketmap_reply(to_text(reply)), reply);
  }
  EXPECT_EQ(to_text({SocketmapStatus::not_found, ""}), "NOTFOUND ") << "Postfix wants the blank";
  EXPECT_EQ(parse_socketmap_reply("TIMEOUT x")->status, SocketmapStatus::temporary);
  EXPECT_FALSE(parse_socketmap_reply("HELLO"));
}

}  // namespace
}  // namespace tlsrpt::sender
