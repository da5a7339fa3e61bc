// SPDX-License-Identifier: BSD-2-Clause
#include "sender/policy_knowledge.hpp"

#include <gtest/gtest.h>

#include "tests/unit/fake_dns.hpp"
#include "tests/unit/sender/policy_house.hpp"

namespace tlsrpt::sender {
namespace {

using Clock = std::chrono::steady_clock;

class PolicyKnowledgeTest : public testing::Test {
 protected:
  PolicyKnowledge make(KnowledgeSettings settings = {}) { return {settings, policies_, dns_}; }
  static Clock::time_point soon() { return Clock::now() + std::chrono::minutes(1); }
  void set_dane(const std::string& domain, DnsAnswer<TlsaRecord> tlsa) {
    dns_.mx_answers[domain] = FakeDns::found<MxRecord>({{10, "mx." + domain}}, true);
    dns_.a_answers["mx." + domain] = FakeDns::found<std::string>({"192.0.2.1"}, true);
    dns_.tlsa_answers["_25._tcp.mx." + domain] = std::move(tlsa);
  }
  static DnsAnswer<TlsaRecord> usable() {
    return FakeDns::found<TlsaRecord>({{3, 1, 1, std::string(32, 'x')}}, true);
  }
  FakeDns dns_;
  FakeStsPolicies policies_;
};

TEST_F(PolicyKnowledgeTest, is_fresh_for_a_while_and_remembered_after_it) {
  policies_.set("a.example", enforced_standing("a.example"));
  auto knowledge = make();
  EXPECT_FALSE(knowledge.fresh("a.example", Clock::now()));
  EXPECT_FALSE(knowledge.remembered("a.example"));
  const DomainKnowledge known = knowledge.look_up("a.example", soon());
  EXPECT_EQ(knowledge.fresh("a.example", Clock::now()), known);
  EXPECT_FALSE(knowledge.fresh("a.example", Clock::now() + std::chrono::seconds(61)));
  EXPECT_EQ(knowledge.remembered("a.example"), known);
}

TEST_F(PolicyKnowledgeTest, what_nobody_could_find_out_is_asked_again_soon) {
  StsStanding unknown;
  unknown.unknown = true;
  policies_.set("a.example", unknown);
  auto knowledge = make();
  knowledge.look_up("a.example", soon());
  EXPECT_FALSE(knowledge.fresh("a.example", Clock::now() + std::chrono::seconds(3)));
}

TEST_F(PolicyKnowledgeTest, dane_is_looked_up_only_where_an_answer_would_hide_it) {
  set_dane("a.example", usable());
  auto knowledge = make();
  EXPECT_EQ(knowledge.look_up("a.example", soon()).dane, DomainDane::none);
  EXPECT_TRUE(dns_.questions().empty());
  policies_.set("a.example", enforced_standing("a.example"));
  EXPECT_EQ(knowledge.look_up("a.example", soon()).dane, DomainDane::usable);
  KnowledgeSettings without;
  without.dane = false;
  EXPECT_EQ(make(without).look_up("a.example", soon()).dane, DomainDane::none);
}

TEST_F(PolicyKnowledgeTest, a_dead_resolver_does_not_undo_what_was_known_of_dane) {
  for (const char* domain : {"dane.example", "sts.example", "new.example"}) {
    policies_.set(domain, enforced_standing(domain));
  }
  set_dane("dane.example", usable());
  set_dane("sts.example", FakeDns::no_data<TlsaRecord>(true));
  auto knowledge = make();
  knowledge.look_up("dane.example", soon());
  knowledge.look_up("sts.example", soon());
  for (const char* detail : {"timeout", "SERVFAIL"}) {
    for (const char* domain : {"dane.example", "sts.example", "new.example"}) {
      dns_.mx_answers[domain] = FakeDns::failed<MxRecord>(detail);
    }
    EXPECT_EQ(knowledge.look_up("dane.example", soon()).dane, DomainDane::usable) << detail;
    EXPECT_EQ(knowledge.look_up("sts.example", soon()).dane, DomainDane::none) << detail;
  }
  EXPECT_EQ(knowledge.look_up("new.example", soon()).dane, DomainDane::mx_failed);
}

TEST_F(PolicyKnowledgeTest, a_record_is_looked_up_only_beside_a_problem) {
  dns_.add_txt("_smtp._tls.a.example", "v=TLSRPTv1; rua=mailto:r@a.example");
  dns_.add_txt("_smtp._tls.a.example", "unrelated");
  auto knowledge = make();
  EXPECT_EQ(knowledge.look_up("a.example", soon()).tlsrpt_record, "");
  StsStanding standing;
  standing.problem = PolicyProblem{"sts-policy-fetch-error", "timeout", ""};
  policies_.set("a.example", standing);
  EXPECT_EQ(knowledge.look_up("a.example", soon()).tlsrpt_record,
            "v=TLSRPTv1; rua=mailto:r@a.example");
  dns_.add_txt("_smtp._tls.a.example", "v=TLSRPTv1; rua=mailto:s@a.example");
  EXPECT_EQ(knowledge.look_up("a.example", soon()).tlsrpt_record, "") << "two are none (R10)";
}

TEST_F(PolicyKnowledgeTest, is_bounded) {
  KnowledgeSettings settings;
  settings.max_domains = 10;
  auto knowledge = make(settings);
  for (int i = 0; i < 100; ++i) knowledge.look_up(fmt::format("d{}.example", i), soon());
  EXPECT_LE(knowledge.domains(), 10u);
}

}  // namespace
}  // namespace tlsrpt::sender
