// SPDX-License-Identifier: BSD-2-Clause
#include "common/dkim_key_record.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace tlsrpt::dkim {
namespace {

std::string reason(const std::string& text) {
  const auto record = parse_key_record(text);
  return record ? "" : std::string(record.error());
}

TEST(DkimKeyRecord, says_why_it_cannot_be_used) {
  const std::vector<std::pair<std::string, std::string>> kCases = {
      {"p=eA==", ""},
      {"v=DKIM1; p=eA==", ""},
      {"v=DKIM1; k=rsa; h=sha1:sha256; n=a note; unknown=x; p=e\r\n A = =;", ""},
      {" v = DKIM1 ; p = eA== ", ""},
      {"k=RSA; p=eA==", ""},
      // R201: an empty p= is a key that was taken back, whatever else stands there.
      {"v=DKIM1; p=", "key-revoked"},
      {"v=DKIM1; k=new; p= ;", "key-revoked"},
      {"v=DKIM2; p=eA==", "key-malformed"},
      {"v=dkim1; p=eA==", "key-malformed"},
      {"p=eA==; v=DKIM1", "key-malformed"},
      {"v=DKIM1", "key-malformed"},
      {"v=DKIM1; p=e!==", "key-malformed"},
      {"v=DKIM1; p=eA==; p=eA==", "key-malformed"},
      {"", "key-malformed"},
      {"v=spf1 -all", "key-malformed"},
      {"p=eA==; n=" + std::string(9000, 'x'), "key-malformed"},
      {"k=dsa; p=eA==", "key-type"},
      {"k=; p=eA==", "key-type"},
      {"h=sha1; p=eA==", "key-hash"},
      {"h=; p=eA==", "key-hash"},
  };
  for (const auto& [text, expected] : kCases) EXPECT_EQ(reason(text), expected) << text;
}

TEST(DkimKeyRecord, service_types) {
  using enum ServiceType;
  const std::vector<std::pair<std::string, ServiceType>> kCases = {
      {"", tlsrpt},                    // R193
      {"s=*; ", tlsrpt},               // R193
      {"s=tlsrpt; ", tlsrpt},          // R194
      {"s=email : tlsrpt; ", tlsrpt},  // R194
      {"s=email:\r\n *; ", tlsrpt},    // R194
      {"s=TLSRPT; ", tlsrpt},          //
      {"s=email; ", email_only},       // R195
      {"s=foo:email; ", email_only},   // R195, R196
      {"s=foo:tlsrpt; ", tlsrpt},      // R196
      {"s=foo; ", other},              // R196
      {"s=tlsrptx:xtlsrpt; ", other},  // R196
      {"s=; ", other},                 //
  };
  for (const auto& [tags, expected] : kCases) {
    const auto record = parse_key_record(tags + "p=eA==");
    ASSERT_TRUE(record) << tags;
    EXPECT_EQ(record->service, expected) << tags;
  }
}

TEST(DkimKeyRecord, a_filter_of_ordinary_mail_uses_keys_for_email_only) {  // R192
  for (const std::string tags : {"", "s=*; ", "s=email; ", "s=tlsrpt:email; "}) {
    EXPECT_TRUE(parse_key_record(tags + "p=eA==")->for_mail) << tags;
  }
  EXPECT_FALSE(parse_key_record("s=tlsrpt; p=eA==")->for_mail);
  EXPECT_FALSE(parse_key_record("s=foo; p=eA==")->for_mail);
}

TEST(DkimKeyRecord, flags) {
  const auto plain = parse_key_record("k=ed25519; p=eA==");
  EXPECT_FALSE(plain->testing);
  EXPECT_FALSE(plain->strict_identity);
  EXPECT_EQ(plain->algorithm, Algorithm::ed25519_sha256);
  EXPECT_EQ(plain->public_key, "x");
  const auto both = parse_key_record("t=z: y :s; p=eA==");
  EXPECT_TRUE(both->testing);
  EXPECT_TRUE(both->strict_identity);
}

}  // namespace
}  // namespace tlsrpt::dkim
