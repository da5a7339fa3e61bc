// SPDX-License-Identifier: BSD-2-Clause
#include <gtest/gtest.h>

#include "tests/unit/common/dkim_test_support.hpp"

namespace tlsrpt {
namespace {

using dkim_test::load_key;
using dkim_test::read_test_file;

TEST(DkimKey, reads_rsa_and_ed25519) {
  EXPECT_EQ(load_key("rsa1024").bits(), 1024);
  EXPECT_EQ(load_key("rsa4096").bits(), 4096);
  EXPECT_EQ(load_key("rsa2048").algorithm(), "rsa-sha256");
  EXPECT_EQ(load_key("ed25519").algorithm(), "ed25519-sha256");
}

TEST(DkimKey, reads_pkcs1_and_pkcs8_alike) {
  EXPECT_EQ(load_key("rsa2048").public_key_base64(), load_key("rsa2048-pkcs1").public_key_base64());
}

TEST(DkimKey, knows_the_public_key_of_rfc_8463) {  // R206; appendix A.1 and A.2
  const std::string seed = base64_decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=").value();
  const std::string der = base64_decode("MC4CAQAwBQYDK2VwBCIEIA==").value() + seed;
  const Result<DkimKey> key = DkimKey::from_pem(
      "-----BEGIN PRIVATE KEY-----\n" + base64_encode(der) + "\n-----END PRIVATE KEY-----\n");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->public_key_base64(), "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
}

TEST(DkimKey, refuses_what_it_cannot_sign_with) {
  const auto detail = [](const std::string& pem) {
    const Result<DkimKey> key = DkimKey::from_pem(pem);
    return key ? "accepted" : key.error().detail;
  };
  EXPECT_EQ(detail(read_test_file("rsa512.pem")),  // R204
            "signing key: RSA with 512 bits; 1024 to 16384 are possible");
  EXPECT_EQ(detail(read_test_file("p256.pem")), "signing key: neither RSA nor Ed25519");
  const std::string none = "signing key: no PEM private key without passphrase found";
  EXPECT_EQ(detail(""), none);
  EXPECT_EQ(detail("-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n"), none);
  EXPECT_EQ(detail(read_test_file("rsa2048-encrypted.pem")), none);
  EXPECT_EQ(DkimKey::from_pem(std::string(70000, 'x')).error().code, ErrorCode::limit_exceeded);
}

}  // namespace
}  // namespace tlsrpt
