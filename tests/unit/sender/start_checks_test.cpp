// SPDX-License-Identifier: BSD-2-Clause
#include "sender/start_checks.hpp"

#include <algorithm>

#include "common/dkim_keygen.hpp"
#include "tests/unit/sender/sending_house.hpp"

namespace tlsrpt::sender {
namespace {

constexpr auto kProblem = Finding::Severity::problem;
constexpr auto kWarning = Finding::Severity::warning;
const std::string kDomain = "sender.example";

/// The one finding has this severity and this text in it.
void expect_one(const Findings& findings, Finding::Severity severity, const std::string& part) {
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].severity, severity) << findings[0].text;
  EXPECT_NE(findings[0].text.find(part), std::string::npos) << findings[0].text;
}

std::vector<SigningKey> two_keys() {
  std::vector<SigningKey> keys = test_keys();
  const auto pem = read_file(TEST_DATA_DIR "/dkim/ed25519.pem", 1 << 16);
  keys.push_back({"s2", DkimKey::from_pem(pem.value()).value()});
  return keys;
}

std::vector<Relay> two_relays() {
  return {parse_relay("a.example").value(), parse_relay("[::1]:2525").value()};
}

Result<void> refuse(const Relay&) { return fail(ErrorCode::temporary, "connection refused"); }
Result<void> accept_all(const Relay&) { return {}; }

TEST(StartChecks, keys_that_match_are_no_finding) {
  const auto keys = two_keys();
  FakeDns dns;
  dns.add_txt("s1._domainkey.sender.example", key_record(keys[0].key));
  dns.add_txt("s2._domainkey.sender.example", key_record(keys[1].key));
  EXPECT_TRUE(check_keys(dns, keys, kDomain).empty());
}

TEST(StartChecks, an_unusable_key_is_a_problem_unless_another_serves) {  // R183, R198
  const auto keys = two_keys();
  FakeDns dns;
  const Findings none = check_keys(dns, keys, kDomain);
  ASSERT_EQ(none.size(), 2U);
  for (const Finding& one : none) EXPECT_EQ(one.severity, kProblem);
  dns.add_txt("s1._domainkey.sender.example", key_record(keys[0].key));
  expect_one(check_keys(dns, keys, kDomain), kWarning, "key s2: there is no TXT record");
}

TEST(StartChecks, a_failure_of_dns_does_not_stop_a_start) {
  FakeDns dns;
  dns.txt_answers["s1._domainkey.sender.example"] = FakeDns::failed<std::string>("timeout");
  expect_one(check_keys(dns, test_keys(), kDomain), kWarning, "(timeout)");
}

TEST(StartChecks, a_weakness_of_a_record_that_serves_is_a_warning) {
  const auto keys = test_keys();
  FakeDns dns;
  dns.add_txt("s1._domainkey.sender.example", "s=email; p=" + keys[0].key.public_key_base64());
  expect_one(check_keys(dns, keys, kDomain), kWarning, "write s=tlsrpt:email");
}

TEST(StartChecks, mail_to_the_contact_needs_an_mx_or_an_address) {
  FakeDns dns;
  expect_one(check_contact_domain(dns, kDomain), kWarning, "neither an MX nor an address");
  dns.aaaa_answers[kDomain] = FakeDns::found<std::string>({"2001:db8::1"});
  EXPECT_TRUE(check_contact_domain(dns, kDomain).empty());
  dns.mx_answers[kDomain] = FakeDns::found<MxRecord>({{10, "mx.sender.example"}});
  EXPECT_TRUE(check_contact_domain(dns, kDomain).empty());
  dns.mx_answers[kDomain] = FakeDns::found<MxRecord>({{0, "."}});
  expect_one(check_contact_domain(dns, kDomain), kWarning, "null MX");
}

TEST(StartChecks, what_dns_does_not_tell_about_the_contact_is_said_so) {
  FakeDns dns;
  dns.mx_answers[kDomain] = FakeDns::failed<MxRecord>("SERVFAIL");
  expect_one(check_contact_domain(dns, kDomain), kWarning, "(SERVFAIL)");
  dns.mx_answers.clear();
  dns.aaaa_answers[kDomain] = FakeDns::failed<std::string>("SERVFAIL");
  expect_one(check_contact_domain(dns, kDomain), kWarning, "could not be looked up");
}

TEST(StartChecks, relays_are_a_problem_only_if_all_fail) {
  EXPECT_TRUE(check_relays(two_relays(), accept_all).empty());
  expect_one(check_relays(two_relays(),
                          [](const Relay& relay) {
                            return relay.port == 2525 ? refuse(relay) : accept_all(relay);
                          }),
             kWarning, "SMTPServer [::1]:2525 takes no reports (connection refused)");
  const Findings all = check_relays(two_relays(), refuse);
  ASSERT_EQ(all.size(), 2U);
  for (const Finding& one : all) EXPECT_EQ(one.severity, kProblem);
}

/// Everything in order; each test breaks one thing.
class AllChecks : public testing::Test {
 protected:
  TempDir folder_;
  std::vector<SigningKey> keys_ = test_keys();
  ReporterSettings settings_ = test_settings();
  FakeDns dns_;

  AllChecks() {
    settings_.database = folder_.file("outbound.db");
    settings_.smtp.relays = two_relays();
    dns_.add_txt("s1._domainkey.sender.example", key_record(keys_[0].key));
    dns_.a_answers[kDomain] = FakeDns::found<std::string>({"192.0.2.1"});
  }
  Findings run(const ProbeRelay& probe = accept_all) {
    return start_checks(settings_, keys_, dns_, probe);
  }
};

TEST_F(AllChecks, find_nothing_where_all_is_in_order) { EXPECT_TRUE(run().empty()); }

TEST_F(AllChecks, tell_everything_at_once) {
  settings_.database = folder_.file("gone/outbound.db");
  settings_.rules_file = folder_.file("rules");
  dns_.txt_answers.clear();
  dns_.a_answers.clear();
  const Findings findings = run(refuse);
  ASSERT_EQ(findings.size(), 6U);
  EXPECT_EQ(std::ranges::count(findings, kWarning, &Finding::severity), 1);
}

TEST_F(AllChecks, probe_no_relay_where_a_program_takes_the_mail) {
  settings_.smtp.sendmail_path = "/bin/true";
  EXPECT_TRUE(run(refuse).empty());
  settings_.smtp.sendmail_path = folder_.file("sendmail");
  expect_one(run(refuse), kProblem, "SendmailPath");
}

}  // namespace
}  // namespace tlsrpt::sender
