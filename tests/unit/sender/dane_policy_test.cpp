// SPDX-License-Identifier: BSD-2-Clause
#include "sender/dane_policy.hpp"

#include <gtest/gtest.h>

#include "sender/lookup_failure.hpp"
#include "tests/unit/fake_dns.hpp"

namespace tlsrpt::sender {
namespace {

using Strings = std::vector<std::string>;

const std::string kMx = "mx.example";
const std::string kTlsa = "_25._tcp.mx.example";

TlsaRecord record(std::uint8_t usage, std::uint8_t selector, std::uint8_t type, std::size_t bytes,
                  char fill = 'x') {
  return {usage, selector, type, std::string(bytes, fill)};
}
TlsaRecord ee() { return record(3, 1, 1, 32); }

struct SecureDns : FakeDns {
  explicit SecureDns(bool secure = true) {
    a_answers[kMx] = found<std::string>({"192.0.2.1"}, secure);
    aaaa_answers[kMx] = no_data<std::string>(secure);
  }
};

TEST(DanePolicy, addresses_come_first) {  // R294, R296
  SecureDns dns;
  dns.tlsa_answers["_2525._tcp.mx.example"] = FakeDns::found<TlsaRecord>({ee()}, true, 60);
  const DanePolicy policy = find_dane_policy(dns, kMx, 2525);
  EXPECT_EQ(policy.status, DaneStatus::usable);
  EXPECT_EQ(policy.base_domain, kMx);
  EXPECT_EQ(policy.ttl, 60u);
  EXPECT_EQ(dns.questions(),
            (Strings{"A mx.example", "AAAA mx.example", "TLSA _2525._tcp.mx.example"}));
}

TEST(DanePolicy, insecure_addresses_end_it) {  // R295
  SecureDns dns(false);
  dns.tlsa_answers[kTlsa] = FakeDns::found<TlsaRecord>({ee()}, true);
  EXPECT_EQ(find_dane_policy(dns, kMx).status, DaneStatus::none);
  EXPECT_EQ(dns.questions().size(), 2u);
}

TEST(DanePolicy, one_insecure_family_is_enough_to_end_it) {
  SecureDns dns;
  dns.aaaa_answers[kMx] = FakeDns::found<std::string>({"2001:db8::1"}, false);
  EXPECT_EQ(find_dane_policy(dns, kMx).status, DaneStatus::none);
}

TEST(DanePolicy, insecure_or_absent_records_are_none) {  // R301
  SecureDns dns;
  EXPECT_EQ(find_dane_policy(dns, kMx).status, DaneStatus::none);
  dns.tlsa_answers[kTlsa] = FakeDns::found<TlsaRecord>({ee()}, false);
  EXPECT_EQ(find_dane_policy(dns, kMx).status, DaneStatus::none);
}

TEST(DanePolicy, expanded_name_before_the_original) {  // R297
  SecureDns dns;
  dns.a_answers[kMx].canonical_name = "host.example";
  dns.tlsa_answers["_25._tcp.host.example"] = FakeDns::found<TlsaRecord>({ee()}, true);
  dns.tlsa_answers[kTlsa] = FakeDns::found<TlsaRecord>({record(3, 1, 2, 64)}, true);
  EXPECT_EQ(find_dane_policy(dns, kMx).base_domain, "host.example");
  dns.tlsa_answers.erase("_25._tcp.host.example");
  EXPECT_EQ(find_dane_policy(dns, kMx).base_domain, kMx);
  dns.tlsa_answers["_25._tcp.host.example"] = FakeDns::failed<TlsaRecord>("SERVFAIL");
  const DanePolicy failed = find_dane_policy(dns, kMx);
  EXPECT_EQ(failed.status, DaneStatus::failed);
  EXPECT_EQ(failed.base_domain, "host.example");
}

TEST(DanePolicy, failed_lookup) {  // R298, R299
  SecureDns dns;
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"SERVFAIL", "servfail"},
      {"timeout", "timeout"},
      {"SERVFAIL (EDE 6: signature of <mx> wrong)", "ede-6"},
      {"connection refused", "dns-failure"}};
  for (const auto& [detail, reason] : cases) {
    dns.tlsa_answers[kTlsa] = FakeDns::failed<TlsaRecord>(detail);
    const DanePolicy policy = find_dane_policy(dns, kMx);
    EXPECT_EQ(policy.status, DaneStatus::failed);
    EXPECT_EQ(policy.problem, (PolicyProblem{"dnssec-invalid", reason, detail}));
    EXPECT_EQ(policy.ttl, 0u);
  }
}

TEST(DanePolicy, addresses_that_cannot_be_had) {  // X1, R299
  FakeDns dns;
  dns.a_answers[kMx] = FakeDns::failed<std::string>("timeout");
  dns.aaaa_answers[kMx] = FakeDns::failed<std::string>("timeout");
  EXPECT_EQ(find_dane_policy(dns, kMx).status, DaneStatus::none);
  EXPECT_TRUE(find_dane_policy(dns, kMx).unknown);
  dns.a_answers[kMx] = FakeDns::failed<std::string>("SERVFAIL (EDE 9: no DNSKEY)");
  EXPECT_EQ(find_dane_policy(dns, kMx).status, DaneStatus::failed);
  EXPECT_FALSE(find_dane_policy(dns, "nowhere.example").unknown);
}

TEST(DanePolicy, unusable_records) {  // R302, R311, R312
  SecureDns dns;
  dns.tlsa_answers[kTlsa] =
      FakeDns::found<TlsaRecord>({record(1, 1, 1, 32), record(3, 1, 1, 31)}, true);
  const DanePolicy policy = find_dane_policy(dns, kMx);
  EXPECT_EQ(policy.status, DaneStatus::unusable);
  EXPECT_EQ(policy.records.size(), 2u);
  EXPECT_TRUE(policy.usable.empty());
}

TEST(DanePolicy, usable_beside_unusable) {  // R304
  SecureDns dns;
  dns.tlsa_answers[kTlsa] = FakeDns::found<TlsaRecord>({ee(), record(0, 0, 1, 32)}, true);
  const DanePolicy policy = find_dane_policy(dns, kMx);
  EXPECT_EQ(policy.status, DaneStatus::usable);
  EXPECT_EQ(policy.usable, std::vector<TlsaRecord>{ee()});
  EXPECT_EQ(policy.records.front().usage, 0);
}

TEST(DanePolicy, digest_agility) {  // R313
  SecureDns dns;
  dns.tlsa_answers[kTlsa] = FakeDns::found<TlsaRecord>(
      {ee(), record(3, 1, 2, 64), record(3, 0, 1, 32), record(2, 1, 1, 32)}, true);
  const std::vector<TlsaRecord> expected = {record(2, 1, 1, 32), record(3, 0, 1, 32),
                                            record(3, 1, 2, 64)};
  EXPECT_EQ(find_dane_policy(dns, kMx).usable, expected);
  // A digest that is too short is none, so it outdoes nobody.
  dns.tlsa_answers[kTlsa] = FakeDns::found<TlsaRecord>({ee(), record(3, 1, 2, 63)}, true);
  EXPECT_EQ(find_dane_policy(dns, kMx).usable, std::vector<TlsaRecord>{ee()});
}

TEST(DanePolicy, what_a_client_can_use) {  // R312
  EXPECT_TRUE(is_usable(record(2, 0, 1, 32)));
  EXPECT_TRUE(is_usable(record(3, 1, 2, 64)));
  EXPECT_FALSE(is_usable(record(3, 1, 1, 31)));
  EXPECT_FALSE(is_usable(record(3, 1, 2, 32)));
  EXPECT_FALSE(is_usable(record(3, 2, 1, 32)));
  EXPECT_FALSE(is_usable(record(3, 1, 3, 32)));
  EXPECT_FALSE(is_usable(record(4, 1, 1, 32)));
  EXPECT_FALSE(is_usable(record(0, 1, 1, 32)));
  EXPECT_FALSE(is_usable(record(3, 0, 0, 100)));
  EXPECT_FALSE(is_usable(record(3, 1, 0, 100)));
}

TEST(DanePolicy, text_as_in_a_report) {
  const TlsaRecord one{3, 1, 1, std::string("\x00\xab", 2)};
  EXPECT_EQ(to_text(one), "3 1 1 00AB");
  DanePolicy policy;
  policy.base_domain = kMx;
  policy.records = {one};
  EXPECT_EQ(report_policy(policy).policy_type, "tlsa");
  EXPECT_EQ(report_policy(policy).policy_domain, kMx);
  EXPECT_EQ(report_policy(policy).policy_string, Strings{"3 1 1 00AB"});
}

TEST(LookupFailure, only_dnssec_errors_say_that_it_is_dnssec) {
  EXPECT_TRUE(is_dnssec_failure("SERVFAIL (EDE 6: bogus)"));
  EXPECT_TRUE(is_dnssec_failure("SERVFAIL (EDE 12)"));
  EXPECT_FALSE(is_dnssec_failure("SERVFAIL (EDE 22: no authority reached)"));
  EXPECT_FALSE(is_dnssec_failure("SERVFAIL"));
  EXPECT_FALSE(extended_error("SERVFAIL (EDE x)"));
}

}  // namespace
}  // namespace tlsrpt::sender
