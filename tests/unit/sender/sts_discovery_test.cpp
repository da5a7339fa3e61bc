// SPDX-License-Identifier: BSD-2-Clause
#include "sender/sts_discovery.hpp"

#include "tests/unit/fake_dns.hpp"
#include "tests/unit/sender/sts_house.hpp"

namespace tlsrpt::sender {
namespace {

using Verdict = StsRecord::Verdict;

class StsDiscoveryTest : public testing::Test {
 protected:
  FakeDns dns_;
  FakeFetcher fetcher_;
};

TEST_F(StsDiscoveryTest, fetches_the_policy_that_is_announced) {
  dns_.add_txt("_mta-sts.d.example", "v=STSv1; id=1");
  fetcher_.serve("d.example", sts_policy());
  const StsDiscovery found = discover(dns_, fetcher_, "d.example");
  EXPECT_EQ(found.record.verdict, Verdict::announced);
  EXPECT_EQ(found.record.id, "1");
  EXPECT_EQ(found.record.texts.size(), 1u);
  EXPECT_EQ(found.policy, sts_policy());
  EXPECT_FALSE(found.problem);
  EXPECT_EQ(dns_.questions(), std::vector<std::string>{"TXT _mta-sts.d.example"});
}

TEST_F(StsDiscoveryTest, R281_tells_why_it_could_not_be_fetched) {
  dns_.add_txt("_mta-sts.d.example", "v=STSv1; id=1");
  const StsDiscovery found = discover(dns_, fetcher_, "d.example");
  EXPECT_FALSE(found.policy);
  EXPECT_EQ(found.problem, http_404());
}

TEST_F(StsDiscoveryTest, R258_R284_fetches_nothing_without_exactly_one_valid_record) {
  const auto reason = [this] {
    const StsDiscovery found = discover(dns_, fetcher_, "d.example");
    EXPECT_EQ(found.record.verdict, Verdict::none);
    EXPECT_FALSE(found.policy);
    EXPECT_FALSE(found.problem);
    EXPECT_EQ(fetcher_.fetches("d.example"), 0);
    return found.record.problem.reason_code;
  };
  EXPECT_EQ(reason(), "no-sts-record");
  dns_.add_txt("_mta-sts.d.example", "v=STSv1; id=");
  EXPECT_EQ(reason(), "bad-sts-record");
  dns_.add_txt("_mta-sts.d.example", "v=STSv1; id=2");
  EXPECT_EQ(reason(), "no-sts-record");
}

TEST_F(StsDiscoveryTest, R284_knows_nothing_when_dns_fails) {
  dns_.txt_answers["_mta-sts.d.example"] = FakeDns::failed<std::string>("SERVFAIL");
  const StsDiscovery found = discover(dns_, fetcher_, "d.example");
  EXPECT_EQ(found.record.verdict, Verdict::failed);
  EXPECT_EQ(found.record.problem.reason_code, "dns-failure");
  EXPECT_NE(found.record.problem.detail.find("SERVFAIL"), std::string::npos);
  EXPECT_FALSE(found.problem);
}

TEST_F(StsDiscoveryTest, asks_nothing_about_what_is_no_domain) {
  for (const std::string& next_hop : {std::string("192.0.2.1"), std::string("2001:db8::1"),
                                      std::string("[192.0.2.1]"), std::string(250, 'a')}) {
    EXPECT_EQ(discover(dns_, fetcher_, next_hop).record.verdict, Verdict::none) << next_hop;
  }
  EXPECT_TRUE(dns_.questions().empty());
}

}  // namespace
}  // namespace tlsrpt::sender
