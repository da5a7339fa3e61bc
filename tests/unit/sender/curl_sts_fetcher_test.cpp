// SPDX-License-Identifier: BSD-2-Clause
#include "sender/curl_sts_fetcher.hpp"

#include <gtest/gtest.h>

#include "tests/unit/fake_dns.hpp"

// Where nothing is connected to. The rest needs servers: tests/integration/sts_fetch_test.py.

namespace tlsrpt::sender {
namespace {

using Texts = std::vector<std::string>;

class CurlStsFetcherTest : public testing::Test {
 protected:
  PolicyProblem fetch(const std::string& domain = "d.example", Texts networks = {}) {
    StsFetcherSettings settings;
    settings.networks = std::move(networks);
    const auto policy = make_curl_sts_fetcher(std::move(settings), dns_, stop_)->fetch(domain);
    return policy ? PolicyProblem{} : policy.error();
  }
  void answer(Texts a, Texts aaaa) {
    dns_.a_answers["mta-sts.d.example"] = FakeDns::found(std::move(a));
    dns_.aaaa_answers["mta-sts.d.example"] = FakeDns::found(std::move(aaaa));
  }
  static void expect_fetch_error(const PolicyProblem& problem, std::string_view reason) {
    EXPECT_EQ(problem.result_type, "sts-policy-fetch-error");  // R281
    EXPECT_EQ(problem.reason_code, reason);
  }

  FakeDns dns_;
  StopSignal stop_ = StopSignal::create().value();
};

TEST_F(CurlStsFetcherTest, R260_asks_for_both_addresses_of_the_policy_host) {
  expect_fetch_error(fetch(), "no-address");
  EXPECT_EQ(dns_.questions(), (Texts{"AAAA mta-sts.d.example", "A mta-sts.d.example"}));
}

TEST_F(CurlStsFetcherTest, R281_tells_a_failure_of_dns_from_an_absence) {
  dns_.a_answers["mta-sts.d.example"] = FakeDns::failed<std::string>("timeout");
  const PolicyProblem problem = fetch();
  expect_fetch_error(problem, "dns-failure");
  EXPECT_EQ(problem.detail, "mta-sts.d.example: timeout");
}

TEST_F(CurlStsFetcherTest, connects_to_no_address_of_the_inside) {
  answer({"127.0.0.1", "10.0.0.1"}, {"::1", "fd00::1"});
  expect_fetch_error(fetch(), "address-not-public");
  expect_fetch_error(fetch("d.example", {"192.168.0.0/16"}), "address-not-public");
  answer({"192.0.2.80"}, {});
  expect_fetch_error(fetch(), "address-not-public");
}

TEST_F(CurlStsFetcherTest, does_not_call_it_private_if_the_other_address_is_not_known) {
  answer({"10.0.0.1"}, {});
  dns_.aaaa_answers["mta-sts.d.example"] = FakeDns::failed<std::string>();
  expect_fetch_error(fetch(), "dns-failure");
}

TEST_F(CurlStsFetcherTest, asks_nothing_about_what_is_no_name) {
  expect_fetch_error(fetch("d example/x"), "no-address");
  expect_fetch_error(fetch(std::string(250, 'a')), "no-address");
  EXPECT_TRUE(dns_.questions().empty());
}

}  // namespace
}  // namespace tlsrpt::sender
