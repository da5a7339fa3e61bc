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

TEST(ReportAddresses, names_the_address_that_cannot_be_used) {
  for (const char* bad : {"tls", "@example.org", "tls@", "tls@exa mple.org", "\"tls@example.org"}) {
    const auto parsed = ReportAddresses::parse({"good@example.org", bad});
    ASSERT_FALSE(parsed.has_value()) << bad;
    EXPECT_NE(parsed.error().detail.find(bad), std::string::npos) << parsed.error().detail;
  }
}

}  // namespace
}  // namespace tlsrpt::milter
