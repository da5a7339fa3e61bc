// SPDX-License-Identifier: BSD-2-Clause
#include "common/dkim_keygen.hpp"

#include <gtest/gtest.h>

#include "tests/unit/common/dkim_test_support.hpp"

namespace tlsrpt {
namespace {

constexpr KeyKind kRsa{};
constexpr KeyKind kEd25519{KeyKind::Type::ed25519};

DkimKey new_key(const KeyKind& kind) {
  return DkimKey::from_pem(generate_key_pem(kind).value()).value();
}

TEST(DkimKeygen, makes_rsa_of_2048_bits_unless_told_otherwise) {  // R205
  const DkimKey key = new_key(kRsa);
  EXPECT_EQ(key.algorithm(), "rsa-sha256");
  EXPECT_EQ(key.bits(), 2048);
  EXPECT_EQ(new_key({KeyKind::Type::rsa, 3072}).bits(), 3072);
}

TEST(DkimKeygen, makes_ed25519) { EXPECT_EQ(new_key(kEd25519).algorithm(), "ed25519-sha256"); }

TEST(DkimKeygen, writes_pkcs8_without_passphrase) {
  for (const KeyKind& kind : {kRsa, kEd25519}) {
    const std::string pem = generate_key_pem(kind).value();
    EXPECT_TRUE(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    EXPECT_TRUE(pem.ends_with("-----END PRIVATE KEY-----\n"));
  }
}

TEST(DkimKeygen, never_makes_the_same_key_twice) {
  EXPECT_NE(generate_key_pem(kEd25519).value(), generate_key_pem(kEd25519).value());
}

TEST(DkimKeygen, refuses_sizes_that_are_weak_or_that_verifiers_need_not_take) {
  for (const int bits : {-1, 0, 1024, 2047, 4097}) {
    const auto pem = generate_key_pem({KeyKind::Type::rsa, bits});
    ASSERT_FALSE(pem) << bits;
    EXPECT_EQ(pem.error().code, ErrorCode::invalid_argument);
  }
}

TEST(DkimKeygen, our_verifier_accepts_what_new_keys_sign) {  // R183, R191
  for (const KeyKind& kind : {kRsa, kEd25519}) {
    const DkimKey key = new_key(kind);
    FakeDns dns;
    dns.add_txt(dkim_test::kKeyName, key_record(key));
    const std::string mail = dkim_test::signed_message(dkim_test::kMessage, key);
    VerifySettings settings = dkim_test::verify_settings();
    settings.strict_service_type = true;
    EXPECT_EQ(dkim_test::shown(dkim_verify(mail, dns, settings)), "pass");
  }
}

TEST(DkimKeygen, the_record_is_for_reports_and_for_mail) {  // R191, R192
  const DkimKey rsa = dkim_test::load_key("rsa2048");
  EXPECT_EQ(key_record(rsa), "v=DKIM1; k=rsa; s=tlsrpt:email; p=" + rsa.public_key_base64());
  const DkimKey ed25519 = dkim_test::load_key("ed25519");
  EXPECT_EQ(key_record(ed25519),
            "v=DKIM1; k=ed25519; s=tlsrpt:email; p=" + ed25519.public_key_base64());
}

TEST(DkimKeygen, a_zone_line_has_strings_of_at_most_255_bytes) {
  EXPECT_EQ(zone_line("s1", "example.com", "v=DKIM1; p=eA=="),
            "s1._domainkey.example.com. IN TXT ( \"v=DKIM1; p=eA==\" )");
  const std::string full(255, 'x');
  EXPECT_EQ(zone_line("s", "a", full), "s._domainkey.a. IN TXT ( \"" + full + "\" )");
  EXPECT_EQ(zone_line("s", "a", full + full + "y"),
            "s._domainkey.a. IN TXT ( \"" + full + "\" \"" + full + "\" \"y\" )");
}

}  // namespace
}  // namespace tlsrpt
