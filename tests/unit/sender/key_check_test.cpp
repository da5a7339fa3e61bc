// SPDX-License-Identifier: BSD-2-Clause
#include "sender/key_check.hpp"

#include "common/base64.hpp"
#include "common/dkim_keygen.hpp"
#include "tests/unit/sender/sending_house.hpp"

namespace tlsrpt::sender {
namespace {

constexpr std::string_view kName = "s1._domainkey.sender.example";

SigningKey load(const std::string& file) {
  const auto pem = read_file(TEST_DATA_DIR "/dkim/" + file + ".pem", 1 << 16);
  return {"s1", DkimKey::from_pem(pem.value()).value()};
}

/// The verdict about rsa2048 if DNS has these records.
KeyVerdict check(const std::vector<std::string>& records, const std::string& file = "rsa2048") {
  FakeDns dns;
  for (const std::string& record : records) dns.add_txt(kName, record);
  return check_key(dns, load(file), "sender.example");
}

std::string public_key(const std::string& file = "rsa2048") {
  return load(file).key.public_key_base64();
}

TEST(KeyCheck, our_own_record_matches) {
  for (const std::string file : {"rsa2048", "ed25519"}) {
    const KeyVerdict verdict = check({key_record(load(file).key)}, file);
    EXPECT_EQ(verdict.state, KeyState::matches);
    EXPECT_EQ(verdict.advice, "");
    EXPECT_TRUE(verdict.warnings.empty());
  }
}

TEST(KeyCheck, asks_for_the_selector_below_the_domain) {
  FakeDns dns;
  check_key(dns, load("ed25519"), "sender.example");
  EXPECT_EQ(dns.questions(), std::vector<std::string>{"TXT " + std::string(kName)});
}

TEST(KeyCheck, an_rsa_key_matches_in_its_bare_form_too) {
  // SubjectPublicKeyInfo has 24 bytes in front of the RSAPublicKey of 2048 bits.
  const std::string bare = base64_encode(base64_decode(public_key()).value().substr(24));
  EXPECT_EQ(check({"p=" + bare}).state, KeyState::matches);
}

TEST(KeyCheck, tells_what_is_wrong_and_what_to_do) {
  struct Case {
    std::vector<std::string> records;
    KeyState state;
    std::string_view advice;  ///< part of it
  };
  const std::string p = "p=" + public_key();
  const std::vector<Case> cases = {
      {{}, KeyState::no_record, "publish what testkey prints"},
      {{p, p}, KeyState::several_records, "there are 2 TXT records"},
      {{"v=spf1 -all"}, KeyState::malformed, "replace it"},
      {{"v=DKIM1; p=eA=="}, KeyState::malformed, "replace it"},
      {{"v=DKIM1; p="}, KeyState::revoked, "empty p="},
      {{"v=DKIM1; k=ed25519; p=" + public_key("ed25519")}, KeyState::wrong_type, "k="},
      {{"v=DKIM1; k=dsa; " + p}, KeyState::wrong_type, "k="},
      {{"v=DKIM1; h=sha1; " + p}, KeyState::wrong_hash, "take h= out"},
      {{"v=DKIM1; s=other; " + p}, KeyState::wrong_service, "write s=tlsrpt:email"},
      {{"v=DKIM1; t=y; " + p}, KeyState::testing, "take t=y out"},
      {{"v=DKIM1; p=" + public_key("rsa4096")}, KeyState::other_key, "another key"},
      {{"v=DKIM1; t=y; p=" + public_key("rsa4096")}, KeyState::other_key, "another key"},
  };
  for (const Case& one : cases) {
    const KeyVerdict verdict = check(one.records);
    EXPECT_EQ(to_word(verdict.state), to_word(one.state));
    EXPECT_TRUE(is_unusable(verdict.state));
    EXPECT_NE(verdict.advice.find(one.advice), std::string::npos) << verdict.advice;
    EXPECT_NE(verdict.advice.find(kName), std::string::npos) << verdict.advice;
    EXPECT_TRUE(verdict.warnings.empty());
  }
}

TEST(KeyCheck, a_failure_of_dns_says_nothing_about_the_key) {
  FakeDns dns;
  dns.txt_answers[std::string(kName)] = FakeDns::failed<std::string>("timeout");
  const KeyVerdict verdict = check_key(dns, load("rsa2048"), "sender.example");
  EXPECT_EQ(verdict.state, KeyState::dns_failure);
  EXPECT_FALSE(is_unusable(verdict.state));
  EXPECT_NE(verdict.advice.find("(timeout)"), std::string::npos) << verdict.advice;
}

TEST(KeyCheck, warns_of_service_types_that_not_everybody_takes) {  // R192, R195
  const std::string p = "p=" + public_key();
  for (const std::string services : {"tlsrpt", "email", "foo:tlsrpt"}) {
    const KeyVerdict verdict = check({"s=" + services + "; " + p});
    EXPECT_EQ(verdict.state, KeyState::matches) << services;
    ASSERT_EQ(verdict.warnings.size(), 1U) << services;
    EXPECT_NE(verdict.warnings[0].find("write s=tlsrpt:email"), std::string::npos);
  }
  for (const std::string services : {"*", "tlsrpt:email", "email : tlsrpt"}) {
    EXPECT_TRUE(check({"s=" + services + "; " + p}).warnings.empty()) << services;
  }
}

TEST(KeyCheck, warns_of_short_rsa_keys_whatever_dns_says) {  // R205
  const std::string p = "p=" + public_key("rsa1024");
  for (const auto& records : {std::vector<std::string>{p}, std::vector<std::string>{}}) {
    const KeyVerdict verdict = check(records, "rsa1024");
    ASSERT_EQ(verdict.warnings.size(), 1U);
    EXPECT_NE(verdict.warnings[0].find("1024 bits"), std::string::npos);
  }
}

}  // namespace
}  // namespace tlsrpt::sender
