// SPDX-License-Identifier: BSD-2-Clause
#include "milter/client_address.hpp"

#include <gtest/gtest.h>

namespace tlsrpt::milter {
namespace {

PeerList proxies() {
  return *parse_trusted_proxies({"192.0.2.1", "10.0.0.0/8", "2001:db8:ffff::/48"});
}

TEST(ClientAddress, is_the_rightmost_one_that_is_no_trusted_proxy) {
  struct Row {
    const char* what;
    std::string peer;
    std::string x_forwarded_for;
    std::string forwarded;
    std::string expected;
  };
  const std::string many(20'000, ',');
  const Row rows[] = {
      {"no proxy, no header", "198.51.100.7", "", "", "198.51.100.7"},
      {"a stranger's header is not believed", "198.51.100.7", "203.0.113.9", "", "198.51.100.7"},
      {"nor is his Forwarded", "198.51.100.7", "", "for=203.0.113.9", "198.51.100.7"},
      {"one proxy", "192.0.2.1", "203.0.113.9", "", "203.0.113.9"},
      {"what stands left of it is a stranger's", "192.0.2.1", "1.1.1.1, 203.0.113.9", "",
       "203.0.113.9"},
      {"a chain of proxies", "192.0.2.1", "1.1.1.1, 203.0.113.9, 10.1.1.1 ,10.2.2.2", "",
       "203.0.113.9"},
      {"only proxies", "192.0.2.1", "10.1.1.1, 10.2.2.2", "", "10.1.1.1"},
      {"a trusted peer without a header", "192.0.2.1", "", "", "192.0.2.1"},
      {"with a port", "192.0.2.1", "203.0.113.9:4711", "", "203.0.113.9"},
      {"IPv6", "192.0.2.1", "2001:DB8:0::1", "", "2001:db8::1"},
      {"IPv6 with a port", "192.0.2.1", "[2001:db8::1]:443", "", "2001:db8::1"},
      {"IPv4 written as IPv6 is the same proxy", "192.0.2.1", "203.0.113.9, ::ffff:10.0.0.1", "",
       "203.0.113.9"},
      {"no address", "192.0.2.1", "unknown", "", "192.0.2.1"},
      {"no address behind a proxy", "192.0.2.1", "203.0.113.9, _hidden, 10.1.1.1", "", "10.1.1.1"},
      {"blanks only", "192.0.2.1", "  , ", "", "192.0.2.1"},
      {"commas without end", "192.0.2.1", many, "", "192.0.2.1"},
      {"controls", "192.0.2.1", "203.0.113.9\n10.1.1.1", "", "192.0.2.1"},
      {"an open bracket", "192.0.2.1", "[2001:db8::1", "", "192.0.2.1"},
      {"a zone", "192.0.2.1", "fe80::1%eth0", "", "192.0.2.1"},
      {"Forwarded (RFC 7239)", "192.0.2.1", "", "for=203.0.113.9;proto=https;by=192.0.2.1",
       "203.0.113.9"},
      {"the same in another order and case", "192.0.2.1", "", "Proto=https; FOR=\"203.0.113.9:80\"",
       "203.0.113.9"},
      {"IPv6 in Forwarded", "192.0.2.1", "", "for=1.1.1.1, for=\"[2001:db8::7]:1234\"",
       "2001:db8::7"},
      {"Forwarded without for", "192.0.2.1", "", "proto=https", "192.0.2.1"},
      {"both say the same", "192.0.2.1", "203.0.113.9", "for=203.0.113.9", "203.0.113.9"},
      {"they disagree: one may have passed unseen", "192.0.2.1", "203.0.113.9", "for=1.1.1.1",
       "192.0.2.1"},
      {"a local socket is a proxy's", "", "203.0.113.9", "", "203.0.113.9"},
      {"a local socket without a header", "", "", "", ""},
  };
  const PeerList trusted = proxies();
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    EXPECT_EQ(client_address(row.peer, row.x_forwarded_for, row.forwarded, trusted), row.expected);
  }
  EXPECT_EQ(client_address("192.0.2.1", "203.0.113.9", "", PeerList()), "192.0.2.1")
      << "nobody is trusted by default";
}

TEST(ClientAddress, looks_at_no_more_proxies_than_anybody_has) {
  std::string list = "203.0.113.9";
  for (int i = 0; i < 100; ++i) list += ",10.0.0.1";
  EXPECT_EQ(client_address("192.0.2.1", list, "", proxies()), "10.0.0.1");
}

TEST(ClientAddress, trusts_addresses_and_networks_only) {
  EXPECT_TRUE(parse_trusted_proxies({"127.0.0.1", "::1", "10.0.0.0/8", "!10.0.0.3"}));
  for (const char* entry : {"proxy.example.org", ".example.org", "", "10.0.0.0/33", "10.0.0/8"}) {
    EXPECT_FALSE(parse_trusted_proxies({"127.0.0.1", entry})) << entry;
  }
}

TEST(SourceKey, is_an_address_or_a_64_of_ipv6) {
  EXPECT_EQ(source_key("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(source_key("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  EXPECT_EQ(source_key("2001:db8:1:2::"), source_key("2001:db8:1:2:ffff::1"));
  EXPECT_NE(source_key("2001:db8:1:2::1"), source_key("2001:db8:1:3::1"));
  EXPECT_EQ(source_key(""), "local");
}

}  // namespace
}  // namespace tlsrpt::milter
