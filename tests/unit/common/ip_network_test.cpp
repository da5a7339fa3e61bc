// SPDX-License-Identifier: BSD-2-Clause
#include "common/ip_network.hpp"

#include <gtest/gtest.h>

namespace tlsrpt {
namespace {

bool contains(std::string_view network, std::string_view address) {
  return IpNetwork::parse(network).value().contains(parse_ip(address).value());
}

TEST(IpNetwork, contains_what_shares_its_prefix) {
  EXPECT_TRUE(contains("192.0.2.0/24", "192.0.2.255"));
  EXPECT_FALSE(contains("192.0.2.0/24", "192.0.3.0"));
  EXPECT_TRUE(contains("192.0.2.128/25", "192.0.2.200"));
  EXPECT_FALSE(contains("192.0.2.128/25", "192.0.2.100"));
  EXPECT_TRUE(contains("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(contains("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_TRUE(contains("192.0.2.7", "::ffff:192.0.2.7"));
  EXPECT_FALSE(contains("192.0.2.7", "192.0.2.8"));
}

TEST(IpNetwork, of_everything_is_of_one_family) {
  EXPECT_TRUE(contains("0.0.0.0/0", "8.8.8.8"));
  EXPECT_FALSE(contains("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(contains("::/0", "2001:db8::1"));
  EXPECT_FALSE(contains("::/0", "8.8.8.8"));
}

TEST(IpNetwork, that_is_none_is_refused) {
  for (const char* bad :
       {"", "x", "192.0.2", "192.0.2.1.1", "[::1]", "fe80::1%eth0", "10.0.0.1:25"}) {
    EXPECT_FALSE(parse_ip(bad)) << bad;
    EXPECT_FALSE(IpNetwork::parse(bad)) << bad;
  }
  for (const char* bad : {"192.0.2.0/33", "192.0.2.0/", "192.0.2.0/-1", "::/129", "::/1x"}) {
    EXPECT_FALSE(IpNetwork::parse(bad)) << bad;
  }
}

}  // namespace
}  // namespace tlsrpt
