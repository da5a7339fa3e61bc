// SPDX-License-Identifier: BSD-2-Clause
#include "sender/post_guard.hpp"

#include <gtest/gtest.h>

#include "tests/unit/fake_dns.hpp"

namespace tlsrpt::sender {
namespace {

using Texts = std::vector<std::string>;

class PostGuardTest : public testing::Test {
 protected:
  void answer(Texts a, Texts aaaa = {}) {
    dns_.a_answers["r.example"] = FakeDns::found(std::move(a));
    dns_.aaaa_answers["r.example"] = FakeDns::found(std::move(aaaa));
  }
  PostAddresses ask(const Texts& networks = {}, const std::string& host = "r.example") {
    return PostGuard(networks).addresses_of(host, dns_);
  }
  void expect_refused(const PostAddresses& addresses, std::string_view address) {
    EXPECT_EQ(addresses.allowed, Texts{});
    EXPECT_EQ(addresses.refusal.verdict, HandOver::permanent);
    EXPECT_TRUE(addresses.refusal.destination_refused);
    EXPECT_NE(addresses.refusal.detail.find(address), std::string::npos);
    EXPECT_NE(addresses.refusal.detail.find("PostNetworks"), std::string::npos);
  }
  void expect_temporary(const PostAddresses& addresses, std::string_view detail) {
    EXPECT_EQ(addresses.allowed, Texts{});
    EXPECT_EQ(addresses.refusal.verdict, HandOver::temporary);
    EXPECT_FALSE(addresses.refusal.destination_refused);
    EXPECT_EQ(addresses.refusal.detail, detail);
  }

  FakeDns dns_;
};

TEST_F(PostGuardTest, allows_public_addresses_of_both_families) {
  answer({"8.8.8.8"}, {"2a00:1450::1"});
  EXPECT_EQ(ask().allowed, (Texts{"2a00:1450::1", "8.8.8.8"}));
}

TEST_F(PostGuardTest, refuses_a_name_with_private_addresses_only) {
  answer({"127.0.0.1"});
  expect_refused(ask(), "127.0.0.1");
  answer({"169.254.169.254"}, {"fd00::1"});
  expect_refused(ask(), "169.254.169.254");
  answer({}, {"::ffff:10.0.0.1"});
  expect_refused(ask(), "10.0.0.1");
}

TEST_F(PostGuardTest, leaves_out_the_private_addresses_of_a_name_that_has_both) {
  answer({"127.0.0.1", "8.8.8.8", "10.0.0.1"}, {"::1"});
  EXPECT_EQ(ask().allowed, Texts{"8.8.8.8"});
}

TEST_F(PostGuardTest, allows_what_is_configured) {
  answer({"10.1.2.3", "10.2.0.1"});
  EXPECT_EQ(ask({"10.1.0.0/16", "fd00::/8"}).allowed, Texts{"10.1.2.3"});
}

TEST_F(PostGuardTest, judges_an_address_without_a_question) {
  EXPECT_EQ(ask({}, "8.8.8.8").allowed, Texts{"8.8.8.8"});
  EXPECT_EQ(ask({"::1"}, "::1").allowed, Texts{"::1"});
  expect_refused(ask({}, "::1"), "::1");
  EXPECT_EQ(dns_.questions(), Texts{});
}

TEST_F(PostGuardTest, tries_again_while_dns_has_no_address) {
  expect_temporary(ask(), "DNS: no such host");
  dns_.a_answers["r.example"] = FakeDns::no_data<std::string>();
  dns_.aaaa_answers["r.example"] = FakeDns::no_data<std::string>();
  expect_temporary(ask(), "DNS: the host has no address");
}

TEST_F(PostGuardTest, tries_again_while_dns_fails) {
  dns_.a_answers["r.example"] = FakeDns::failed<std::string>("SERVFAIL");
  expect_temporary(ask(), "DNS: SERVFAIL");
  dns_.aaaa_answers["r.example"] = FakeDns::found<std::string>({"fd00::1"});
  expect_temporary(ask(), "DNS: SERVFAIL");
  dns_.aaaa_answers["r.example"] = FakeDns::found<std::string>({"2a00:1450::1"});
  EXPECT_EQ(ask().allowed, Texts{"2a00:1450::1"});
}

TEST_F(PostGuardTest, takes_so_many_addresses_and_no_more) {
  answer(Texts(1000, "8.8.8.8"));
  EXPECT_EQ(ask().allowed.size(), PostGuard::kMaxAddresses);
}

}  // namespace
}  // namespace tlsrpt::sender
