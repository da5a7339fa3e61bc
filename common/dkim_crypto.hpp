// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The cryptography that DKIM needs, out of OpenSSL's EVP interface. Nothing here leaves an entry in
// OpenSSL's error queue.

#include <openssl/err.h>
#include <openssl/evp.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/dkim.hpp"

namespace tlsrpt::dkim {

/// What a= may say. rsa-sha1 is not among them, on purpose (RFC 8301).
enum class Algorithm { rsa_sha256, ed25519_sha256 };
std::string_view to_word(Algorithm algorithm);

/// RFC 8301: shorter ones count as no signature.
constexpr int kMinRsaBits = 1024;
/// More than OpenSSL verifies with; keeps the cost of a stranger's key small.
constexpr int kMaxRsaBits = 16384;

/// OpenSSL's error queue belongs to the thread: an entry left there would be read as another call's
/// failure.
class QuietErrors {
 public:
  QuietErrors() { ERR_set_mark(); }
  ~QuietErrors() { ERR_pop_to_mark(); }
  QuietErrors(const QuietErrors&) = delete;
  QuietErrors& operator=(const QuietErrors&) = delete;
};

class Sha256 {
 public:
  Sha256();
  void update(std::string_view bytes);
  /// 32 bytes, or nothing if OpenSSL failed at any step. Ends the object's use.
  std::optional<std::string> finish();

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
  bool good_ = false;
};

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;

/// A public key as p= holds it, after base64: for RSA a SubjectPublicKeyInfo or a bare RSAPublicKey
/// (both are in use), for Ed25519 the 32 bytes (RFC 8463). Null if it is none.
Key read_public_key(Algorithm algorithm, std::string_view bytes);

/// The bytes that p= holds for the key; nothing if OpenSSL failed.
std::optional<std::string> write_public_key(Algorithm algorithm, const EVP_PKEY& key);

int key_bits(const EVP_PKEY& key);

/// Both work on the SHA-256 of the signed header; Ed25519 then takes that digest as its
/// message (RFC 8463 section 3). Threads: a key may be used by several at once.
std::optional<std::string> sign_digest(Algorithm algorithm, EVP_PKEY& key, std::string_view digest);
bool verify_digest(Algorithm algorithm, EVP_PKEY& key, std::string_view digest,
                   std::string_view signature);

}  // namespace tlsrpt::dkim

namespace tlsrpt {

struct DkimKey::Impl {
  dkim::Algorithm algorithm;
  dkim::Key key;
  std::string public_key_base64;
};

}  // namespace tlsrpt
