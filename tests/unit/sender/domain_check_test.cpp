// SPDX-License-Identifier: BSD-2-Clause
#include "sender/domain_check.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sender/check_text.hpp"
#include "sender/text_table.hpp"
#include "tests/unit/fake_dns.hpp"
#include "tests/unit/sender/scripted_server.hpp"
#include "tests/unit/sender/times.hpp"

namespace tlsrpt::sender {
namespace {

using Strings = std::vector<std::string>;

const std::string kDomain = "rcpt.example";
const std::string kMx = "mx.rcpt.example";

struct FakeFetcher : StsFetcher {
  tl::expected<StsPolicy, PolicyProblem> answer =
      tl::unexpected(PolicyProblem{"sts-policy-fetch-error", "http-status-404", {}});
  tl::expected<StsPolicy, PolicyProblem> fetch(const std::string&) override { return answer; }
};

StsPolicy policy_for(const std::string& mx) {
  return parse_sts_policy("version: STSv1\nmode: enforce\nmx: " + mx + "\nmax_age: 86400\n")
      .value();
}

struct DomainCheckCase : ::testing::Test {
  FakeDns dns;
  FakeFetcher fetcher;
  CheckSettings settings;

  DomainCheckCase() {
    settings.connect = false;
    settings.probe.ehlo_name = "probe.example";
    settings.timeout = std::chrono::seconds(10);
    dns.add_txt("_smtp._tls." + kDomain, "v=TLSRPTv1; rua=mailto:r@rcpt.example");
    add_mx(kMx);
  }

  void add_mx(const std::string& host) {
    auto& answer = dns.mx_answers[kDomain];
    if (answer.status != DnsStatus::found) answer = FakeDns::found<MxRecord>({});
    answer.records.push_back({10, host});
    dns.a_answers[host] = FakeDns::found<std::string>({"192.0.2.1"});
  }

  void announce() { dns.add_txt("_mta-sts." + kDomain, "v=STSv1; id=1"); }

  DomainCheck check() { return check_domain(dns, fetcher, kDomain, settings); }

  /// "sts validation-failure mx-not-in-sts-policy"
  Strings failures() {
    Strings list;
    for (const ReportedFailure& one : check().failures) {
      list.push_back(fmt::format("{} {} {}", one.policy_type, one.result_type, one.reason_code));
    }
    return list;
  }
};

using DomainCheckTest = DomainCheckCase;

TEST_F(DomainCheckTest, nothing_wrong) {
  const DomainCheck seen = check();
  EXPECT_EQ(status_of(seen), CheckStatus::good);
  EXPECT_EQ(seen.mx, MxKind::hosts);
  EXPECT_EQ(seen.hosts.at(0).addresses, Strings{"192.0.2.1"});
}

TEST_F(DomainCheckTest, policy_that_cannot_be_had) {  // R281
  announce();
  EXPECT_EQ(failures(), Strings{"sts sts-policy-fetch-error http-status-404"});
}

TEST_F(DomainCheckTest, a_fault_of_this_machine_is_not_the_domains) {
  announce();
  fetcher.answer = tl::unexpected(PolicyProblem{"", "no-trust-store", "none"});
  EXPECT_EQ(failures(), Strings{});
  EXPECT_EQ(status_of(check()), CheckStatus::unknown);
}

TEST_F(DomainCheckTest, policy_without_the_host) {  // R291
  announce();
  fetcher.answer = policy_for("other.example");
  EXPECT_EQ(failures(), Strings{"sts validation-failure mx-not-in-sts-policy"});
  fetcher.answer = policy_for(kMx);
  EXPECT_EQ(failures(), Strings{});
}

TEST_F(DomainCheckTest, several_sts_records_are_a_defect_that_nobody_reports) {  // R284
  announce();
  dns.add_txt("_mta-sts." + kDomain, "v=STSv1; id=2");
  const DomainCheck seen = check();
  EXPECT_TRUE(seen.failures.empty());
  ASSERT_EQ(seen.problems.size(), 1u);
  EXPECT_NE(seen.problems[0].find("_mta-sts.rcpt.example"), std::string::npos);
}

TEST_F(DomainCheckTest, tlsa_records) {  // R299, R303
  const std::string name = "_25._tcp." + kMx;
  dns.a_answers[kMx].authenticated = true;
  dns.tlsa_answers[name] = FakeDns::found<TlsaRecord>({{1, 1, 1, std::string(32, 'x')}}, true);
  EXPECT_EQ(failures(), Strings{"tlsa tlsa-invalid all-tlsa-unusable"});
  dns.tlsa_answers[name] = FakeDns::failed<TlsaRecord>("SERVFAIL (EDE 7: expired)");
  EXPECT_EQ(failures(), Strings{"tlsa dnssec-invalid ede-7"});
}

TEST_F(DomainCheckTest, forged_and_missing_mx_records) {  // R300, D12
  dns.mx_answers[kDomain] = FakeDns::failed<MxRecord>("SERVFAIL (EDE 6: bogus)");
  EXPECT_EQ(failures(), Strings{"no-policy-found validation-failure ede-6"});
  dns.mx_answers[kDomain] = FakeDns::failed<MxRecord>("timeout");
  EXPECT_EQ(status_of(check()), CheckStatus::unknown);
  dns.mx_answers[kDomain] = FakeDns::found<MxRecord>({{0, "."}});
  EXPECT_EQ(check().mx, MxKind::null_mx);
  EXPECT_EQ(status_of(check()), CheckStatus::good);
  dns.mx_answers[kDomain] = FakeDns::no_data<MxRecord>();
  EXPECT_EQ(check().mx, MxKind::no_host);
  EXPECT_EQ(status_of(check()), CheckStatus::defect);
  dns.a_answers[kDomain] = FakeDns::found<std::string>({"192.0.2.7"});
  EXPECT_EQ(check().mx, MxKind::address);
  EXPECT_EQ(check().hosts.at(0).host, kDomain);
}

TEST_F(DomainCheckTest, host_without_an_address) {
  dns.a_answers.erase(kMx);
  EXPECT_EQ(check().problems.size(), 1u);
}

TEST_F(DomainCheckTest, hosts_are_bounded) {
  for (int i = 0; i < 40; ++i) add_mx(fmt::format("mx{}.rcpt.example", i));
  EXPECT_EQ(check().hosts.size(), 16u);
  EXPECT_EQ(check().unknown.size(), 1u);
}

TEST_F(DomainCheckTest, session_is_judged) {
  ScriptedServer server({[](Peer& peer) { peer.begin(); }});
  settings.connect = true;
  settings.connect_to = server.relay().host;
  settings.connect_port = static_cast<std::uint16_t>(server.relay().port);
  const DomainCheck seen = check();
  ASSERT_EQ(seen.failures.size(), 1u);
  const ReportedFailure expected{"no-policy-found", kDomain, "starttls-not-supported", "", kMx,
                                 "127.0.0.1"};
  EXPECT_EQ(seen.failures[0], expected);
}

TEST_F(DomainCheckTest, text_of_strangers_is_escaped) {
  dns.add_txt("_smtp._tls." + kDomain, "v=TLSRPTv1; rua=mailto:\x1b[31m@x.example");
  dns.mx_answers[kDomain] = FakeDns::failed<MxRecord>("\x1b]0;title\x07");
  const DomainCheck seen = check();
  std::string text = check_as_json(seen);
  for (const std::string& line : describe(seen, 80)) text += line;
  for (const std::string& line : describe_publication(seen, at("2026-03-01T00:00:00Z"))) {
    text += line;
  }
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\x07'), std::string::npos);
  EXPECT_TRUE(nlohmann::json::accept(check_as_json(seen)));
}

TEST_F(DomainCheckTest, what_to_publish) {
  DomainCheck seen = check();
  SessionCheck session;
  session.probe.session.starttls = StarttlsState::established;
  session.probe.session.pkix.complete = true;
  session.probe.certificate.emplace();
  session.probe.certificate->key_record = {3, 1, 1, std::string(32, '\xab')};
  seen.hosts[0].sessions = {session};
  const Seconds now = at("2026-03-01T12:30:00Z");
  Strings lines = describe_publication(seen, now);
  const Strings expected = {
      "_smtp._tls.rcpt.example. IN TXT \"v=TLSRPTv1; rua=mailto:r@rcpt.example\"",
      "; No TLSA records: they count in zones with DNSSEC only.",
      "_mta-sts.rcpt.example. IN TXT \"v=STSv1; id=20260301123000\"",
      "; https://mta-sts.rcpt.example/.well-known/mta-sts.txt, as text/plain:",
      "version: STSv1",
      "mode: enforce",
      "mx: mx.rcpt.example",
      "max_age: 604800"};
  EXPECT_EQ(lines, expected);
  HostCheck bad = seen.hosts[0];
  bad.host = "bad.rcpt.example";
  bad.sessions[0].probe.session.pkix.errors = {X509_V_ERR_CERT_HAS_EXPIRED};
  seen.hosts.push_back(bad);
  seen.hosts[0].dane.secure_addresses = true;
  lines = describe_publication(seen, now);
  EXPECT_NE(std::find(lines.begin(), lines.end(), "mode: testing"), lines.end());
  EXPECT_EQ(std::find(lines.begin(), lines.end(), "mx: bad.rcpt.example"), lines.end());
  EXPECT_TRUE(lines[1].starts_with("_25._tcp.mx.rcpt.example. IN TLSA 3 1 1 ABAB"));
}

TEST(TlsrptCheck, defects_are_explained) {
  using Verdict = TlsrptCheck::Verdict;
  const auto look = [](Strings texts) {
    return check_tlsrpt_record(FakeDns::found<std::string>(std::move(texts)));
  };
  EXPECT_EQ(look({"v=TLSRPTv1; rua=mailto:a@x.example"}).verdict, Verdict::good);
  EXPECT_EQ(look({"v=spf1 -all"}).verdict, Verdict::none);
  EXPECT_EQ(look({"v=spf1 -all", "v=TLSRPTv1; rua=mailto:a@x.example"}).verdict, Verdict::good);
  for (const Strings& texts : std::vector<Strings>{
           {"v=TLSRPTv1; rua=mailto:a@x.example", "v=TLSRPTv1;rua=mailto:b@x.example"},
           {"v=TLSRPTv1 rua=mailto:a@x.example"},
           {"v=TLSRPTv1;"},
           {"v=TLSRPTv1; rua=ftp://x.example/"},
           {"v=TLSRPTv1; rua=http://x.example/"},
           {"v=TLSRPTv2; rua=mailto:a@x.example"},
           {"v=tlsrptv1; rua=mailto:a@x.example"},
           {"v=TLSRPTv1; RUA=mailto:a@x.example"},
           {"v=TLSRPTv1; rua=mailto:a@x.example!10m"}}) {
    const TlsrptCheck seen = look(texts);
    EXPECT_EQ(seen.verdict, Verdict::defective) << texts[0];
    EXPECT_EQ(seen.problems.size(), 1u) << texts[0];
  }
  EXPECT_EQ(check_tlsrpt_record(FakeDns::failed<std::string>()).verdict, Verdict::unknown);
}

}  // namespace
}  // namespace tlsrpt::sender
