// SPDX-License-Identifier: BSD-2-Clause
#include "milter/peer_list.hpp"

#include <gtest/gtest.h>

namespace tlsrpt::milter {
namespace {

PeerList list(const std::vector<std::string>& entries) {
  auto parsed = PeerList::parse(entries);
  EXPECT_TRUE(parsed.has_value()) << (parsed ? "" : parsed.error().detail);
  return parsed.value_or(PeerList{});
}

TEST(PeerList, matches_addresses_and_networks) {
  const PeerList peers = list({"127.0.0.1", "192.0.2.0/25", "2001:db8::/33", "198.51.100.4/30"});
  for (const char* inside : {"127.0.0.1", "::ffff:127.0.0.1", "192.0.2.0", "192.0.2.127",
                             "2001:db8:7fff::1", "198.51.100.7"}) {
    EXPECT_TRUE(peers.contains("", inside)) << inside;
  }
  for (const char* outside : {"", "127.0.0.2", "192.0.2.128", "2001:db8:8000::1", "198.51.100.8",
                              "::1", "junk", "1.2.3"}) {
    EXPECT_FALSE(peers.contains("", outside)) << outside;
  }
}

TEST(PeerList, matches_names_and_domains_without_case) {
  const PeerList peers = list({"Relay.Example.org", ".inside.example"});
  EXPECT_TRUE(peers.contains("relay.example.ORG", ""));
  EXPECT_TRUE(peers.contains("a.b.inside.example", "203.0.113.1"));
  EXPECT_FALSE(peers.contains("inside.example", ""));
  EXPECT_FALSE(peers.contains("x.relay.example.org", ""));
  EXPECT_FALSE(peers.contains("notinside.example", ""));
  EXPECT_FALSE(peers.contains("[203.0.113.1]", ""));
}

TEST(PeerList, lets_the_most_specific_entry_decide) {
  const PeerList peers = list({"0.0.0.0/0", "!10.0.0.0/8", "10.1.0.0/16", ".example",
                               "!.sub.example", "host.sub.example", "!bad.example"});
  EXPECT_TRUE(peers.contains("", "192.0.2.1"));
  EXPECT_FALSE(peers.contains("", "10.2.0.1"));
  EXPECT_TRUE(peers.contains("", "10.1.2.3"));
  EXPECT_TRUE(peers.contains("a.example", ""));
  EXPECT_FALSE(peers.contains("a.sub.example", "192.0.2.1")) << "names come before addresses";
  EXPECT_TRUE(peers.contains("host.sub.example", "10.2.0.1"));
  EXPECT_FALSE(peers.contains("bad.example", "192.0.2.1"));
  EXPECT_FALSE(peers.contains("", "2001:db8::1")) << "0.0.0.0/0 is IPv4 only";
  EXPECT_TRUE(list({"::/0"}).contains("", "2001:db8::1"));
  EXPECT_FALSE(list({"::/0"}).contains("", "192.0.2.1")) << "::/0 is IPv6 only";
}

TEST(PeerList, names_the_entry_that_cannot_be_used) {
  for (const char* bad : {"192.0.2.0/33", "2001:db8::/129", "192.0.2.0/", "192.0.2.0/x", "a b", "!",
                          "192.0.2.0/-1", "."}) {
    const auto parsed = PeerList::parse({"127.0.0.1", bad});
    ASSERT_FALSE(parsed.has_value()) << bad;
    EXPECT_NE(parsed.error().detail.find(bad), std::string::npos) << parsed.error().detail;
  }
}

}  // namespace
}  // namespace tlsrpt::milter
