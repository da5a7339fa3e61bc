// SPDX-License-Identifier: BSD-2-Clause
#include "common/dns_transport.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netdb.h>

#include <array>
#include <string>

namespace tlsrpt {
namespace {

std::string describe(const Nameserver& server) {
  std::array<char, 64> host{};
  std::array<char, 8> port{};
  if (getnameinfo(reinterpret_cast<const sockaddr*>(&server.address), server.size, host.data(),
                  host.size(), port.data(), port.size(), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return "?";
  return std::string(host.data()) + " " + port.data();
}

TEST(Nameserver, is_an_address_with_or_without_port) {
  const struct {
    std::string_view text, wanted;
  } rows[] = {
      {"192.0.2.1", "192.0.2.1 53"},
      {"192.0.2.1:5353", "192.0.2.1 5353"},
      {"192.0.2.1@5353", "192.0.2.1 5353"},
      {"2001:db8::1", "2001:db8::1 53"},
      {"::1", "::1 53"},
      {"[::1]", "::1 53"},
      {"[::1]:53", "::1 53"},
      {"[2001:DB8::1]:5353", "2001:db8::1 5353"},
      {"2001:db8::1@5353", "2001:db8::1 5353"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.text);
    const auto server = parse_nameserver(row.text);
    ASSERT_TRUE(server.has_value()) << server.error().detail;
    EXPECT_EQ(describe(*server), row.wanted);
  }
}

TEST(Nameserver, is_nothing_else) {
  using namespace std::string_literals;
  const std::string rows[] = {"",
                              "dns.example",
                              "localhost:53",
                              "127.1",
                              "2130706433",
                              "192.0.2.1:",
                              "192.0.2.1:0",
                              "192.0.2.1:65536",
                              "192.0.2.1:domain",
                              "192.0.2.1:53 ",
                              " 192.0.2.1",
                              "192.0.2.256",
                              "[192.0.2.1]:53",
                              "[::1",
                              "[::1]53",
                              "[::1]:",
                              "::1]:53",
                              ":53",
                              "@53",
                              "1:2:3",
                              "192.0.2.1\0"s};
  for (const std::string& row : rows) {
    SCOPED_TRACE(row);
    const auto server = parse_nameserver(row);
    ASSERT_FALSE(server.has_value()) << describe(*server);
    EXPECT_EQ(server.error().code, ErrorCode::invalid_argument);
  }
}

TEST(Nameserver, those_of_resolv_conf_are_the_first_three) {
  const auto servers = nameservers_of_resolv_conf(
      "# nameserver 192.0.2.9\n"
      "search x.example\n"
      "nameservers 192.0.2.8\n"
      "nameserver\n"
      "nameserver192.0.2.7\n"
      "nameserver dns.example\n"
      "nameserver \t 192.0.2.1 # comment\n"
      "nameserver\t2001:db8::1\r\n"
      "options edns0\n"
      "nameserver 192.0.2.3\n"
      "nameserver 192.0.2.4");
  ASSERT_EQ(servers.size(), 3U);
  EXPECT_EQ(describe(servers[0]), "192.0.2.1 53");
  EXPECT_EQ(describe(servers[1]), "2001:db8::1 53");
  EXPECT_EQ(describe(servers[2]), "192.0.2.3 53");
  EXPECT_TRUE(nameservers_of_resolv_conf("").empty());
  EXPECT_EQ(nameservers_of_resolv_conf("nameserver ::1").size(), 1U);
}

}  // namespace
}  // namespace tlsrpt
