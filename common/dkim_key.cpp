// SPDX-License-Identifier: BSD-2-Clause
#include <openssl/err.h>
#include <openssl/pem.h>

#include <utility>

#include "common/base64.hpp"
#include "common/dkim_crypto.hpp"

namespace tlsrpt {
namespace {

constexpr std::size_t kMaxPemBytes = 64u << 10;

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};

/// Without it OpenSSL would ask for a passphrase at the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

dkim::Key read_private_key(std::string_view pem) {
  const std::unique_ptr<BIO, FreeBio> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!bio) return nullptr;
  ERR_set_mark();
  dkim::Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_pop_to_mark();
  return key;
}

}  // namespace

Result<DkimKey> DkimKey::from_pem(std::string_view pem) {
  if (pem.size() > kMaxPemBytes) {
    return fail(ErrorCode::limit_exceeded, "signing key: {} bytes are too many for a PEM file",
                pem.size());
  }
  dkim::Key key = read_private_key(pem);
  if (!key) {
    return fail(ErrorCode::crypto, "signing key: no PEM private key without passphrase found");
  }
  dkim::Algorithm algorithm = dkim::Algorithm::ed25519_sha256;
  if (EVP_PKEY_is_a(key.get(), "RSA") == 1) {
    algorithm = dkim::Algorithm::rsa_sha256;
    const int bits = dkim::key_bits(*key);
    if (bits < dkim::kMinRsaBits || bits > dkim::kMaxRsaBits) {
      return fail(ErrorCode::crypto, "signing key: RSA with {} bits; {} to {} are possible", bits,
                  dkim::kMinRsaBits, dkim::kMaxRsaBits);
    }
  } else if (EVP_PKEY_is_a(key.get(), "ED25519") != 1) {
    return fail(ErrorCode::crypto, "signing key: neither RSA nor Ed25519");
  }
  const std::optional<std::string> public_key = dkim::write_public_key(algorithm, *key);
  if (!public_key) return fail(ErrorCode::crypto, "signing key: no public key in it");
  return DkimKey(
      std::make_unique<Impl>(Impl{algorithm, std::move(key), base64_encode(*public_key)}));
}

DkimKey::DkimKey(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DkimKey::DkimKey(DkimKey&&) noexcept = default;
DkimKey& DkimKey::operator=(DkimKey&&) noexcept = default;
DkimKey::~DkimKey() = default;

std::string_view DkimKey::algorithm() const { return dkim::to_word(impl_->algorithm); }
int DkimKey::bits() const { return dkim::key_bits(*impl_->key); }
std::string DkimKey::public_key_base64() const { return impl_->public_key_base64; }

}  // namespace tlsrpt
