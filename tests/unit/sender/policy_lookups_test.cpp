// SPDX-License-Identifier: BSD-2-Clause
#include "sender/policy_lookups.hpp"

#include <gtest/gtest.h>

#include <atomic>

namespace tlsrpt::sender {
namespace {

using namespace std::chrono_literals;

/// Fails for "bad" always, and for all as long as there is an outage.
class PatchyFinder final : public PolicyFinder {
 public:
  std::atomic<int> outage = 0;  ///< so many questions more
  std::atomic<int> asked = 0;

  Result<AppliedPolicies> find(const std::string& domain, const std::string&) override {
    ++asked;
    if (domain == "bad" || outage.fetch_sub(1) > 0) return fail(ErrorCode::temporary, "timeout");
    AppliedPolicies applied;
    applied.tlsrpt_record = "v=TLSRPTv1;rua=mailto:r@" + domain;
    return applied;
  }
};

PolicyLookupSettings impatient() {
  PolicyLookupSettings settings;
  settings.max_threads = 4;
  settings.first_pause = 1ms;
  settings.patience = 0ms;
  return settings;
}

class PolicyLookupsTest : public testing::Test {
 protected:
  bool succeeds(const std::string& domain) {
    const auto answer = lookups_.ask(domain, "mx." + domain, "");
    const auto* result = lookups_.get(answer);
    return result != nullptr && result->has_value();
  }

  PatchyFinder finder_;
  PolicyLookups lookups_{finder_, impatient()};
};

TEST_F(PolicyLookupsTest, one_answer_serves_all_who_ask_for_the_next_seconds) {
  EXPECT_TRUE(succeeds("a"));
  EXPECT_TRUE(succeeds("a"));
  EXPECT_EQ(finder_.asked, 1);
}

TEST_F(PolicyLookupsTest, an_outage_of_dns_costs_no_session) {
  finder_.outage = 8;
  EXPECT_TRUE(succeeds("a"));
  EXPECT_EQ(finder_.asked, 9);
}

TEST_F(PolicyLookupsTest, a_domain_that_alone_fails_is_given_up) {
  const auto bad = lookups_.ask("bad", "mx.bad", "");
  EXPECT_TRUE(succeeds("a"));
  const auto* result = lookups_.get(bad);
  ASSERT_NE(result, nullptr);
  ASSERT_FALSE(result->has_value());
  EXPECT_EQ(result->error().code, ErrorCode::temporary);
}

TEST_F(PolicyLookupsTest, a_stop_ends_the_wait_in_an_outage) {
  const auto bad = lookups_.ask("bad", "mx.bad", "");
  std::jthread stopping([this] {
    while (finder_.asked < 2) std::this_thread::yield();
    lookups_.stop();
  });
  EXPECT_EQ(lookups_.get(bad), nullptr);
}

}  // namespace
}  // namespace tlsrpt::sender
