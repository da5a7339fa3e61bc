// SPDX-License-Identifier: BSD-2-Clause
#include "sender/destinations.hpp"

#include <algorithm>

#include "tests/unit/sender/sending_house.hpp"

namespace tlsrpt::sender {
namespace {

std::vector<std::string> addresses(const Destinations& destinations) {
  std::vector<std::string> result;
  for (const Rua& rua : destinations.rua) {
    result.push_back(rua.scheme == Rua::Scheme::mailto ? rua.address : rua.uri);
  }
  return result;
}

using Addresses = std::vector<std::string>;

TEST(Destinations, the_record_in_dns_counts_more_than_the_one_the_mta_saw) {
  FakeDns dns;
  dns.add_txt("_smtp._tls.rcpt.example", "v=TLSRPTv1; rua=mailto:new@rcpt.example");
  const auto found =
      find_destinations(dns, {}, "rcpt.example", "v=TLSRPTv1; rua=mailto:old@rcpt.example");
  EXPECT_EQ(found.status, RecordStatus::usable);
  EXPECT_EQ(addresses(found), Addresses{"new@rcpt.example"});
  EXPECT_FALSE(found.from_mta);
}

TEST(Destinations, a_failure_of_dns_falls_back_to_the_record_of_the_mta) {
  FakeDns dns;
  dns.txt_answers["_smtp._tls.rcpt.example"] = FakeDns::failed<std::string>("timeout");
  const auto found =
      find_destinations(dns, {}, "rcpt.example", "v=TLSRPTv1; rua=mailto:old@rcpt.example");
  EXPECT_EQ(found.status, RecordStatus::usable);
  EXPECT_EQ(addresses(found), Addresses{"old@rcpt.example"});
  EXPECT_TRUE(found.from_mta);
}

TEST(Destinations, a_failure_of_dns_without_a_usable_fallback_is_no_absence) {
  FakeDns dns;
  dns.txt_answers["_smtp._tls.rcpt.example"] = FakeDns::failed<std::string>("timeout");
  for (const char* seen : {"", "v=spf1 -all"}) {  // R35
    const auto found = find_destinations(dns, {}, "rcpt.example", seen);
    EXPECT_EQ(found.status, RecordStatus::dns_failure) << seen;
    EXPECT_EQ(found.detail, "timeout");
  }
}

TEST(Destinations, absence_in_dns_wins_over_what_the_mta_saw) {
  FakeDns dns;
  dns.txt_answers["_smtp._tls.nodata.example"] = FakeDns::no_data<std::string>();
  dns.add_txt("_smtp._tls.other.example", "v=spf1 -all");
  for (const char* domain : {"nxdomain.example", "nodata.example", "other.example"}) {
    const auto found = find_destinations(dns, {}, domain, kRecord);
    EXPECT_EQ(found.status, RecordStatus::no_record) << domain;
    EXPECT_TRUE(found.rua.empty()) << domain;
  }
}

TEST(Destinations, nothing_but_the_one_name_is_asked_for) {  // R1, R4, R7
  FakeDns dns;
  dns.add_txt("_smtp._tls.rcpt.example", "v=TLSRPTv1; rua=mailto:tls@elsewhere.example");
  EXPECT_EQ(find_destinations(dns, {}, "sub.rcpt.example", "").status, RecordStatus::no_record)
      << "the record of the parent is not that of the domain";
  EXPECT_EQ(addresses(find_destinations(dns, {}, "rcpt.example", "")),
            Addresses{"tls@elsewhere.example"})
      << "no authorisation is needed to report to another domain";
  EXPECT_EQ(dns.questions(), (std::vector<std::string>{"TXT _smtp._tls.sub.rcpt.example",
                                                       "TXT _smtp._tls.rcpt.example"}));
}

TEST(Destinations, are_both_mail_and_https_in_the_order_of_the_record) {
  FakeDns dns;
  dns.add_txt("_smtp._tls.both.example",
              "v=TLSRPTv1; rua=https://both.example/r,mailto:tls@both.example");
  const auto both = find_destinations(dns, {}, "both.example", "");
  EXPECT_EQ(both.status, RecordStatus::usable);
  EXPECT_EQ(addresses(both), (Addresses{"https://both.example/r", "tls@both.example"}));
}

TEST(Destinations, one_bad_uri_costs_itself_and_a_record_of_bad_ones_gets_nothing) {
  FakeDns dns;
  dns.add_txt("_smtp._tls.some.example", "v=TLSRPTv1; rua=mailto:,mailto:tls@some.example");
  dns.add_txt("_smtp._tls.none.example", "v=TLSRPTv1; rua=mailto:no-at-sign,ftp://none.example");
  EXPECT_EQ(addresses(find_destinations(dns, {}, "some.example", "")),
            Addresses{"tls@some.example"});
  EXPECT_EQ(find_destinations(dns, {}, "none.example", kRecord).status,
            RecordStatus::no_usable_rua);
}

TEST(Destinations, no_more_than_maximum_rua_are_served) {
  FakeDns dns;
  dns.add_txt("_smtp._tls.rcpt.example",
              "v=TLSRPTv1; rua=mailto:a@rcpt.example,mailto:b@rcpt.example,mailto:c@rcpt.example");
  const auto found = find_destinations(dns, {.max_rua = 2}, "rcpt.example", "");
  EXPECT_EQ(addresses(found), (Addresses{"a@rcpt.example", "b@rcpt.example"}));
  EXPECT_FALSE(found.warnings.empty());
}

}  // namespace
}  // namespace tlsrpt::sender
