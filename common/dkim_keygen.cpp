// SPDX-License-Identifier: BSD-2-Clause
#include "common/dkim_keygen.hpp"

#include <openssl/pem.h>

#include <algorithm>
#include <memory>

#include "common/dkim_crypto.hpp"
#include "common/dkim_signature.hpp"

namespace tlsrpt {

namespace {

/// RFC 1035 section 3.3: a character-string has one byte for its length.
constexpr std::size_t kMaxString = 255;

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};

dkim::Key generate(const KeyKind& kind) {
  switch (kind.type) {
    case KeyKind::Type::rsa:
      return dkim::Key(
          EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(kind.bits)));
    case KeyKind::Type::ed25519:
      return dkim::Key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  }
  return nullptr;
}

std::string write_pem(const EVP_PKEY& key) {
  // Memory of this kind is wiped when it is given back.
  const std::unique_ptr<BIO, FreeBio> bio(BIO_new(BIO_s_secmem()));
  if (!bio ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), &key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return "";
  }
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : "";
}

}  // namespace

Result<std::string> generate_key_pem(const KeyKind& kind) {
  if (kind.type == KeyKind::Type::rsa &&
      (kind.bits < kMinNewRsaBits || kind.bits > kMaxNewRsaBits)) {
    return fail(ErrorCode::invalid_argument, "RSA with {} bits; {} to {} are possible", kind.bits,
                kMinNewRsaBits, kMaxNewRsaBits);
  }
  const dkim::QuietErrors quiet;
  const dkim::Key key = generate(kind);
  std::string pem = key ? write_pem(*key) : "";
  if (pem.empty()) return fail(ErrorCode::crypto, "OpenSSL could not make a key");
  return pem;
}

std::string key_record(const DkimKey& key) {
  std::string_view type;
  switch (key.impl().algorithm) {
    case dkim::Algorithm::rsa_sha256:
      type = "rsa";
      break;
    case dkim::Algorithm::ed25519_sha256:
      type = "ed25519";
      break;
  }
  return fmt::format("v=DKIM1; k={}; s=tlsrpt:email; p={}", type, key.public_key_base64());
}

std::string zone_line(std::string_view selector, std::string_view domain, std::string_view record) {
  std::string line = dkim::key_name(domain, selector) + ". IN TXT (";
  while (!record.empty()) {
    line += fmt::format(" \"{}\"", record.substr(0, kMaxString));
    record.remove_prefix(std::min(kMaxString, record.size()));
  }
  return line + " )";
}

}  // namespace tlsrpt
