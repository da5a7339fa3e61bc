// SPDX-License-Identifier: BSD-2-Clause
#include "sender/domain_dane.hpp"

#include <gtest/gtest.h>

#include "tests/unit/fake_dns.hpp"

namespace tlsrpt::sender {
namespace {

class DomainDaneTest : public testing::Test {
 protected:
  void set_mx(std::vector<MxRecord> records, bool authenticated = true) {
    dns_.mx_answers["a.example"] = FakeDns::found(std::move(records), authenticated, 1800);
  }
  void set_host(const std::string& host, bool authenticated = true) {
    dns_.a_answers[host] = FakeDns::found<std::string>({"192.0.2.1"}, authenticated, 600);
    dns_.aaaa_answers[host] = FakeDns::no_data<std::string>(authenticated);
  }
  void set_tlsa(const std::string& host, std::uint8_t usage) {
    dns_.tlsa_answers["_25._tcp." + host] =
        FakeDns::found<TlsaRecord>({{usage, 1, 1, std::string(32, 'x')}}, true, 120);
  }
  DaneFinding find() {
    return find_domain_dane(dns_, "a.example",
                            std::chrono::steady_clock::now() + std::chrono::minutes(1));
  }
  FakeDns dns_;
};

TEST_F(DomainDaneTest, one_usable_host_is_enough) {
  set_mx({{10, "mx1.a.example"}, {20, "mx2.a.example"}});
  set_host("mx1.a.example");
  set_host("mx2.a.example");
  set_tlsa("mx2.a.example", 3);
  EXPECT_EQ(find().dane, DomainDane::usable);
  EXPECT_EQ(find().ttl, std::chrono::seconds(120)) << "the shortest of all";
}

TEST_F(DomainDaneTest, insecure_mx_records_leave_the_domain_to_mta_sts) {
  set_mx({{10, "mx1.a.example"}}, /*authenticated=*/false);
  set_host("mx1.a.example");
  set_tlsa("mx1.a.example", 3);
  EXPECT_EQ(find().dane, DomainDane::none);
}

TEST_F(DomainDaneTest, without_usable_records_it_is_unusable) {  // R302
  set_mx({{10, "mx1.a.example"}});
  set_host("mx1.a.example");
  set_tlsa("mx1.a.example", 1);
  EXPECT_EQ(find().dane, DomainDane::unusable);
}

TEST_F(DomainDaneTest, a_server_that_fails_is_told_from_one_that_is_dead) {  // R298
  set_mx({{10, "mx1.a.example"}});
  set_host("mx1.a.example");
  for (const auto& [detail, expected] :
       {std::pair("SERVFAIL", DomainDane::failed),
        std::pair("SERVFAIL (6 DNSSEC bogus)", DomainDane::failed),
        std::pair("timeout", DomainDane::unreachable),
        std::pair("connection refused", DomainDane::unreachable)}) {
    dns_.tlsa_answers["_25._tcp.mx1.a.example"] = FakeDns::failed<TlsaRecord>(detail);
    EXPECT_EQ(find().dane, expected) << detail;
    dns_.mx_answers["b.example"] = FakeDns::failed<MxRecord>(detail);
    EXPECT_EQ(find_domain_dane(dns_, "b.example",
                               std::chrono::steady_clock::now() + std::chrono::minutes(1))
                  .dane,
              expected == DomainDane::failed ? DomainDane::mx_failed : expected)
        << detail;
  }
}

TEST_F(DomainDaneTest, a_domain_without_mx_is_its_own_host) {
  dns_.mx_answers["a.example"] = FakeDns::no_data<MxRecord>(/*authenticated=*/true);
  set_host("a.example");
  set_tlsa("a.example", 3);
  EXPECT_EQ(find().dane, DomainDane::usable);
  set_mx({{0, "."}});
  EXPECT_EQ(find().dane, DomainDane::none) << "null MX";
}

TEST_F(DomainDaneTest, when_the_time_is_up_nothing_is_asked) {
  EXPECT_EQ(find_domain_dane(dns_, "a.example", std::chrono::steady_clock::now()).dane,
            DomainDane::unreachable);
  EXPECT_TRUE(dns_.questions().empty());
}

}  // namespace
}  // namespace tlsrpt::sender
