// SPDX-License-Identifier: BSD-2-Clause
#include "sender/live_policy_finder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "tests/unit/fake_dns.hpp"
#include "tests/unit/sender/fake_log.hpp"
#include "tests/unit/sender/times.hpp"

namespace tlsrpt::sender {
namespace {

using std::chrono::seconds;
constexpr const char* kRecord = "v=TLSRPTv1; rua=mailto:r@a.example";

class SetClock final : public Clock {
 public:
  [[nodiscard]] Seconds now() const override { return time; }
  Seconds time = at("2026-03-01T12:00:00Z");
};

class FakeSts final : public StsPolicies {
 public:
  StsStanding find(const std::string&, std::chrono::milliseconds) override {
    ++asked;
    return standing;
  }
  StsStanding standing;
  int asked = 0;
};

class LivePolicyFinderTest : public testing::Test {
 protected:
  LivePolicyFinderTest() {
    dns_.add_txt("_smtp._tls.a.example", kRecord);
    dns_.a_answers["mx.a.example"] = FakeDns::found<std::string>({"192.0.2.1"}, true);
    dns_.tlsa_answers["_25._tcp.mx.a.example"] =
        FakeDns::found<TlsaRecord>({{3, 1, 1, std::string(32, 'x')}}, true);
  }
  [[nodiscard]] std::size_t asked(const std::string& question) const {
    const auto all = dns_.questions();
    return static_cast<std::size_t>(std::count(all.begin(), all.end(), question));
  }
  AppliedPolicies find(const std::string& domain, const std::string& host) {
    return finder_.find(domain, host).value();
  }

  FakeDns dns_;
  FakeSts sts_;
  SetClock clock_;
  FakeLog log_;
  LivePolicyFinder finder_{{{"only.example"}, Precedence::sts, std::chrono::milliseconds(1), 100},
                           dns_,
                           sts_,
                           clock_,
                           log_};
};

TEST_F(LivePolicyFinderTest, finds_the_record_and_dane_and_remembers_both) {
  for (int i = 0; i < 3; ++i) {
    const AppliedPolicies applied = find("a.example", "mx.a.example");
    EXPECT_EQ(applied.tlsrpt_record, kRecord);
    EXPECT_EQ(applied.dane.status, DaneStatus::usable);
    EXPECT_FALSE(applied.dane_required);
    EXPECT_EQ(applied.precedence, Precedence::sts) << "as the settings say";
  }
  EXPECT_EQ(asked("TXT _smtp._tls.a.example"), 1u);
  EXPECT_EQ(asked("TLSA _25._tcp.mx.a.example"), 1u);
}

TEST_F(LivePolicyFinderTest, asks_again_after_the_ttl_but_after_an_hour_at_most) {
  dns_.txt_answers["_smtp._tls.a.example"].ttl = 1'000'000;
  find("a.example", "");
  clock_.time += seconds(3599);
  find("a.example", "");
  EXPECT_EQ(asked("TXT _smtp._tls.a.example"), 1u);
  clock_.time += seconds(1);
  find("a.example", "");
  EXPECT_EQ(asked("TXT _smtp._tls.a.example"), 2u);
  dns_.txt_answers["_smtp._tls.a.example"].ttl = 0;
  clock_.time += seconds(3600);
  find("a.example", "");
  clock_.time += seconds(59);
  find("a.example", "");
  EXPECT_EQ(asked("TXT _smtp._tls.a.example"), 3u) << "a minute at least";
}

TEST_F(LivePolicyFinderTest, a_domain_that_wants_no_reports_is_asked_nothing_else) {
  dns_.add_txt("_smtp._tls.two.example", kRecord);
  dns_.add_txt("_smtp._tls.two.example", kRecord);
  for (const char* domain : {"none.example", "two.example"}) {
    EXPECT_EQ(find(domain, "mx.a.example").tlsrpt_record, "") << domain;
  }
  find("none.example", "mx.a.example");
  EXPECT_EQ(asked("TXT _smtp._tls.none.example"), 1u);
  EXPECT_EQ(sts_.asked, 0);
  EXPECT_EQ(asked("TLSA _25._tcp.mx.a.example"), 0u);
}

TEST_F(LivePolicyFinderTest, a_failed_look_up_is_an_error_and_not_remembered) {
  dns_.txt_answers["_smtp._tls.a.example"] = FakeDns::failed<std::string>();
  const auto found = finder_.find("a.example", "mx.a.example");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::temporary);
  dns_.txt_answers["_smtp._tls.a.example"] = FakeDns::found<std::string>({kRecord});
  EXPECT_TRUE(finder_.find("a.example", "mx.a.example"));
}

TEST_F(LivePolicyFinderTest, an_mta_sts_policy_that_could_not_be_found_out_is_an_error) {
  sts_.standing.unknown = true;
  EXPECT_FALSE(finder_.find("a.example", "mx.a.example"));
}

TEST_F(LivePolicyFinderTest, R293_a_resolver_that_does_not_validate_is_told_once_in_a_while) {
  dns_.validating = false;
  find("a.example", "mx.a.example");
  find("a.example", "mx.b.example");
  EXPECT_EQ(log_.count("dns-not-validating"), 1);
  clock_.time += seconds(601);
  find("a.example", "mx.a.example");
  EXPECT_EQ(log_.count("dns-not-validating"), 2);
}

TEST_F(LivePolicyFinderTest, R293_what_the_resolver_does_authenticate_counts_all_the_same) {
  dns_.validating = false;  // the root has no keys, a part of the tree has
  EXPECT_EQ(find("a.example", "mx.a.example").dane.status, DaneStatus::usable);
}

TEST_F(LivePolicyFinderTest, R316_dane_is_not_missed_by_a_resolver_that_cannot_see_it) {
  dns_.validating = false;
  dns_.add_txt("_smtp._tls.only.example", kRecord);
  EXPECT_FALSE(find("only.example", "mx.only.example").dane_required);
}

TEST_F(LivePolicyFinderTest, domains_of_dane_only_require_it) {
  dns_.add_txt("_smtp._tls.only.example", kRecord);
  EXPECT_TRUE(find("only.example", "mx.only.example").dane_required);  // R316
}

TEST(Remembered, several_askers_wait_for_one_look_up) {
  Remembered<int> remembered(10);
  std::atomic<int> look_ups = 0;
  std::atomic<int> askers = 0;
  const auto ask = [&] {
    ++askers;
    EXPECT_EQ(remembered.get("name", Seconds{},
                             [&](const std::string&) {
                               ++look_ups;
                               while (askers < 4) std::this_thread::yield();
                               return Remembered<int>::Found{42, seconds(60)};
                             }),
              42);
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back(ask);
  }
  EXPECT_EQ(look_ups, 1);
}

TEST(Remembered, keeps_a_bounded_number_of_names) {
  Remembered<int> remembered(10);
  int look_ups = 0;
  const auto look_up = [&](const std::string&) {
    ++look_ups;
    return Remembered<int>::Found{1, seconds(60)};
  };
  for (int i = 0; i < 1000; ++i) remembered.get(std::to_string(i), Seconds{}, look_up);
  remembered.get("999", Seconds{}, look_up);
  EXPECT_EQ(look_ups, 1000);
  remembered.get("0", Seconds{}, look_up);
  EXPECT_EQ(look_ups, 1001);
}

}  // namespace
}  // namespace tlsrpt::sender
