// SPDX-License-Identifier: BSD-2-Clause
#include "common/ip_address.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>

namespace tlsrpt {
namespace {

TEST(IpAddress, every_spelling_becomes_the_canonical_one) {
  const struct {
    const char* text;
    const char* canonical;
    const char* why;
  } table[] = {
      {"192.0.2.1", "192.0.2.1", "R91"},
      {"0.0.0.0", "0.0.0.0", "R91"},
      {"255.255.255.255", "255.255.255.255", "R91"},
      {" 192.0.2.1\r\n", "192.0.2.1", "blanks"},
      {"[192.0.2.1]", "192.0.2.1", "address literal"},
      {"2001:DB8:0:0::1", "2001:db8::1", "R92"},
      {"2001:db8:abcd:0012::1", "2001:db8:abcd:12::1", "R93 leading zeros"},
      {"2001:db8:0:0:0:0:0:1", "2001:db8::1", "R92 longest run"},
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1", "R92 longest run"},
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", "R92 first of equal runs"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1", "R92 one group is not shortened"},
      {"2001:db8::0:1:1:1:1", "2001:db8::1:1:1:1", "R92 as short as can be"},
      {"::", "::", "R92"},
      {"::1", "::1", "R92"},
      {"0:0:0:0:0:0:0:1", "::1", "R92"},
      {"fe80::", "fe80::", "R92"},
      {"1:0:0:0:0:0:0:0", "1::", "R92"},
      {"::ffff:192.0.2.1", "192.0.2.1", "R94"},
      {"::FFFF:c000:0201", "192.0.2.1", "R94"},
      {"0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1", "R94"},
      {"[IPv6:2001:db8::1]", "2001:db8::1", "address literal"},
      {"IPv6:2001:db8::1", "2001:db8::1", "tag alone"},
      {"[ipv6:::1]", "::1", "tag in another case"},
      {"[IPv6:::ffff:192.0.2.1]", "192.0.2.1", "R94"},
      {"64:ff9b::192.0.2.33", "64:ff9b::c000:221", "RFC 5952 section 5 allows groups"},
      {"::192.0.2.1", "::c000:201", "not mapped"},
      {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "R92"},
      {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
       "longest text"},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(std::string(row.text) + ": " + row.why);
    const auto canonical = canonical_ip(row.text);
    ASSERT_TRUE(canonical);
    EXPECT_EQ(*canonical, row.canonical);
    EXPECT_EQ(canonical_ip(*canonical), canonical) << "canonical stays canonical";
  }
}

TEST(IpAddress, what_is_no_address_is_not_made_one) {
  for (const char* bad : {"",
                          " ",
                          "x.x.x.x",
                          "192.0.2",
                          "192.0.2.1.1",
                          "192.0.2.256",
                          "192.0.2.010",
                          "192.0.2.1:25",
                          "[192.0.2.1]:25",
                          "192.0.2.1/32",
                          "[192.0.2.1",
                          "192.0.2.1]",
                          "[]",
                          "[",
                          "]",
                          "IPv6:",
                          "[IPv6:]",
                          "fe80::1%eth0",
                          "2001:db8::1::2",
                          "2001:db8",
                          "12345::",
                          ":::",
                          "g::1",
                          "mx.example.com",
                          "0x7f.0.0.1",
                          "3221225985",
                          "1:2:3:4:5:6:7:8:9",
                          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    EXPECT_FALSE(canonical_ip(bad)) << bad;
  }
  EXPECT_FALSE(canonical_ip(std::string_view("192.0.2.1\0x", 11))) << "text behind a NUL byte";
}

TEST(IpAddress, the_c_library_takes_the_same_texts) {
  std::mt19937 random(8460);
  constexpr std::string_view kBytes = ":::::..0012fF";
  constexpr std::array<std::string_view, 6> kPieces = {"::",      "2001:db8:", "ffff",
                                                       "1.2.3.4", "0:0",       "255.255"};
  const auto is_address = [](const std::string& text) {
    std::array<unsigned char, 16> bytes{};
    return ::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
           ::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
  };
  unsigned good = 0;
  for (int i = 0; i < 200000; ++i) {
    std::string text;
    for (auto parts = random() % 12; parts > 0; --parts) {
      if (random() % 4 == 0)
        text += kPieces[random() % kPieces.size()];
      else
        text += kBytes[random() % kBytes.size()];
    }
    ASSERT_EQ(canonical_ip(text).has_value(), is_address(text)) << text;
    if (is_address(text)) ++good;
  }
  EXPECT_GT(good, 1000u) << "the other verdict has to be tried as well";
}

}  // namespace
}  // namespace tlsrpt
