// SPDX-License-Identifier: BSD-2-Clause
#include "sender/public_address.hpp"

#include <gtest/gtest.h>

namespace tlsrpt::sender {
namespace {

/// The edges of a network that is not public; 'before' and 'behind' are, where they are given.
struct Edges {
  const char* before;
  const char* first;
  const char* last;
  const char* behind;
};

constexpr Edges kClosed[] = {
    {nullptr, "0.0.0.0", "0.255.255.255", "1.0.0.0"},
    {"9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"},
    {"100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"},
    {"126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"},
    {"169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"},
    {"172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"},
    {"191.255.255.255", "192.0.0.0", "192.0.0.8", "192.0.0.9"},
    {"192.0.0.10", "192.0.0.11", "192.0.0.255", "192.0.1.0"},
    {"192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"},
    {"192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"},
    {"192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"},
    {"198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"},
    {"198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"},
    {"203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"},
    {"223.255.255.255", "224.0.0.0", "239.255.255.255", nullptr},
    {nullptr, "240.0.0.0", "255.255.255.255", nullptr},
    {nullptr, "::", "::1", nullptr},
    {nullptr, "::7f00:1", "::fffe:808:808", nullptr},
    {"::ffff:9.255.255.255", "::ffff:10.0.0.0", "::ffff:10.255.255.255", "::ffff:11.0.0.0"},
    {nullptr, "64:ff9a::808:808", "64:ff9a:ffff::808:808", nullptr},
    {"64:ff9b::9.255.255.255", "64:ff9b::10.0.0.0", "64:ff9b::10.255.255.255", "64:ff9b::11.0.0.0"},
    {nullptr, "64:ff9b::1:808:808", "64:ff9b:1:ffff:ffff:ffff:808:808", nullptr},
    {nullptr, "100::", "100::ffff:ffff:ffff:ffff", nullptr},
    {nullptr, "1fff:ffff::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2000::"},
    {"2000:ffff:ffff:ffff::", "2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", nullptr},
    {nullptr, "2001:1::", "2001:1::", "2001:1::1"},
    {"2001:1::3", "2001:1::4", "2001:2:ffff:ffff:ffff:ffff:ffff:ffff", "2001:3::"},
    {"2001:3:ffff:ffff:ffff:ffff:ffff:ffff", "2001:4::", "2001:4:111:ffff::", "2001:4:112::"},
    {"2001:4:112:ffff::", "2001:4:113::", "2001:1f:ffff:ffff::", "2001:20::"},
    {"2001:3f:ffff:ffff::", "2001:40::", "2001:1ff:ffff:ffff::", "2001:200::"},
    {"2001:db7:ffff:ffff::", "2001:db8::", "2001:db8:ffff:ffff::", "2001:db9::"},
    {"2002:9ff:ffff::1", "2002:a00:0::1", "2002:aff:ffff::1", "2002:b00::1"},
    {"2002:7eff:ffff::1", "2002:7f00:1::1", "2002:7fff:ffff::1", "2002:8000::1"},
    {"3ffe:ffff:ffff:ffff::", "3fff::", "3fff:fff:ffff:ffff::", "3fff:1000::"},
    {"3fff:ffff:ffff:ffff::", "4000::", "fbff:ffff:ffff::", nullptr},
    {nullptr, "fc00::", "fdff:ffff:ffff::", nullptr},
    {nullptr, "fe80::1", "febf:ffff:ffff::", nullptr},
    {nullptr, "fec0::", "feff:ffff:ffff::", nullptr},
    {nullptr, "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", nullptr},
};

bool is_public(const char* text) { return is_public_address(parse_ip(text).value()); }

TEST(PublicAddress, is_told_on_both_sides_of_each_edge) {
  for (const Edges& edges : kClosed) {
    EXPECT_TRUE(edges.before == nullptr || is_public(edges.before)) << edges.before;
    EXPECT_FALSE(is_public(edges.first)) << edges.first;
    EXPECT_FALSE(is_public(edges.last)) << edges.last;
    EXPECT_TRUE(edges.behind == nullptr || is_public(edges.behind)) << edges.behind;
  }
}

TEST(PublicAddress, has_servers_of_the_world) {
  for (const char* address : {"8.8.8.8", "192.175.48.1", "192.31.196.1", "192.52.193.1",
                              "2620:4f:8000::1", "2a00:1450::1", "64:ff9b::8.8.8.8"})
    EXPECT_TRUE(is_public(address)) << address;
}

}  // namespace
}  // namespace tlsrpt::sender
