// SPDX-License-Identifier: BSD-2-Clause
#include "milter/report_address.hpp"

#include <gtest/gtest.h>

namespace tlsrpt::milter {
namespace {

ReportAddresses ours() {
  auto parsed = ReportAddresses::parse({"tls@example.org", "<Reports@Mail.Example.ORG.>"});
  EXPECT_TRUE(parsed.has_value());
  return parsed.value_or(ReportAddresses{});
}

TEST(ReportAddresses, knows_every_spelling_of_an_address) {
  const ReportAddresses addresses = ours();
  for (const char* recipient :
       {"<tls@example.org>", "tls@example.org", "<TLS@EXAMPLE.ORG>", "<tls@example.org.>",
        "<tls+x@example.org>", "<tls+@example.org>", "<tls+a+b@example.org>",
        "<\"tls\"@example.org>", "<\"tl\\s\"@example.org>", "<\"tls+a b\"@example.org>",
        "<@relay.example,@b.example:tls@example.org>", " <tls@example.org> ",
        "<reports@mail.example.org>", "<REPORTS+1@mail.example.org>"}) {
    EXPECT_TRUE(addresses.contain(recipient)) << recipient;
  }
}

TEST(ReportAddresses, leaves_other_recipients_alone) {
  const ReportAddresses addresses = ours();
  for (const char* recipient :
       {"", "<>", "<tls>", "@", "<@example.org>", "<tlsx@example.org>", "<tls-x@example.org>",
        "<xtls@example.org>", "<tls@example.com>", "<tls@sub.example.org>", "<reports@example.org>",
        "<\"tls@example.org>", "<\"tls\"x@example.org>", "<t\"ls\"@example.org>",
        "<\"tls\\\"@example.org>", "<@relay.example tls@example.org>", "<+tls@example.org>",
        "<tls@>", "<postmaster>"}) {
    EXPECT_FALSE(addresses.contain(recipient)) << recipient;
  }
  EXPECT_FALSE(addresses.contain("<tls+" + std::string(5000, 'x') + "@example.org>"));
}

TEST(ReportAddresses, a_star_is_no_recipient_but_says_that_headers_count) {
  EXPECT_FALSE(ours().by_header());
  const auto addresses = ReportAddresses::parse({"*", "tls@example.org"});
  ASSERT_TRUE(addresses);
  EXPECT_TRUE(addresses->by_header());
  EXPECT_TRUE(addresses->contain("<tls@example.org>"));
  EXPECT_FALSE(addresses->contain("<*>"));
  EXPECT_FALSE(addresses->contain("<other@example.org>"));
  EXPECT_FALSE(ReportAddresses::parse({"*@example.org", "**"}).has_value());
}

TEST(ReportAddresses, finds_the_one_among_many) {
  std::vector<std::string> many;
  for (int i = 0; i < 20000; ++i) many.push_back(fmt::format("tls{}@d{}.example", i, i % 500));
  many.push_back("a+b@example.org");
  many.push_back(
      "ü@b\xc3\xbc"
      "cher.example");
  const auto addresses = ReportAddresses::parse(many);
  ASSERT_TRUE(addresses) << addresses.error().detail;
  EXPECT_TRUE(addresses->contain("<TLS19999+x@D499.example>"));
  EXPECT_FALSE(addresses->contain("<tls19999@d498.example>"));
  EXPECT_TRUE(addresses->contain("<a+b@example.org>"));
  EXPECT_TRUE(addresses->contain("<a+b+c@example.org>"));
  EXPECT_FALSE(addresses->contain("<a+c@example.org>"));
  EXPECT_TRUE(addresses->contain("<ü@xn--bcher-kva.example>"));
  EXPECT_TRUE(addresses->contain("<ü@XN--BCHER-KVA.EXAMPLE>"));
  EXPECT_FALSE(addresses->contain("<" + std::string(500, '+') + "@example.org>"));
}

TEST(ReportAddresses, names_the_address_that_cannot_be_used) {
  for (const char* bad : {"tls", "@example.org", "tls@", "tls@exa mple.org", "\"tls@example.org"}) {
    const auto parsed = ReportAddresses::parse({"good@example.org", bad});
    ASSERT_FALSE(parsed.has_value()) << bad;
    EXPECT_NE(parsed.error().detail.find(bad), std::string::npos) << parsed.error().detail;
  }
}

}  // namespace
}  // namespace tlsrpt::milter
