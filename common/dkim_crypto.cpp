// SPDX-License-Identifier: BSD-2-Clause
#include "common/dkim_crypto.hpp"

#include <openssl/decoder.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

namespace tlsrpt::dkim {
namespace {

struct FreePkeyContext {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, FreePkeyContext>;

struct FreeDigestContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeDigestContext>;

struct FreeDecoder {
  void operator()(OSSL_DECODER_CTX* context) const { OSSL_DECODER_CTX_free(context); }
};

const unsigned char* octets(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

unsigned char* octets(std::string& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

Key read_rsa_public_key(std::string_view der) {
  EVP_PKEY* key = nullptr;
  const std::unique_ptr<OSSL_DECODER_CTX, FreeDecoder> decoder(OSSL_DECODER_CTX_new_for_pkey(
      &key, "DER", /*input_structure=*/nullptr, "RSA", EVP_PKEY_PUBLIC_KEY, nullptr, nullptr));
  if (!decoder) return nullptr;
  const unsigned char* data = octets(der);
  std::size_t left = der.size();
  const bool read = OSSL_DECODER_from_data(decoder.get(), &data, &left) == 1;
  Key result(key);
  if (!read || left != 0) return nullptr;
  return result;
}

bool set_rsa_scheme(EVP_PKEY_CTX* context) {
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
         EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1;
}

std::optional<std::string> sign_rsa(EVP_PKEY& key, std::string_view digest) {
  const PkeyContext context(EVP_PKEY_CTX_new(&key, nullptr));
  std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(&key)), '\0');
  std::size_t size = signature.size();
  if (!context || EVP_PKEY_sign_init(context.get()) != 1 || !set_rsa_scheme(context.get()) ||
      EVP_PKEY_sign(context.get(), octets(signature), &size, octets(digest), digest.size()) != 1) {
    return std::nullopt;
  }
  signature.resize(size);
  return signature;
}

bool verify_rsa(EVP_PKEY& key, std::string_view digest, std::string_view signature) {
  const PkeyContext context(EVP_PKEY_CTX_new(&key, nullptr));
  return context && EVP_PKEY_verify_init(context.get()) == 1 && set_rsa_scheme(context.get()) &&
         EVP_PKEY_verify(context.get(), octets(signature), signature.size(), octets(digest),
                         digest.size()) == 1;
}

std::optional<std::string> sign_ed25519(EVP_PKEY& key, std::string_view digest) {
  const DigestContext context(EVP_MD_CTX_new());
  std::string signature(64, '\0');
  std::size_t size = signature.size();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, &key) != 1 ||
      EVP_DigestSign(context.get(), octets(signature), &size, octets(digest), digest.size()) != 1) {
    return std::nullopt;
  }
  signature.resize(size);
  return signature;
}

bool verify_ed25519(EVP_PKEY& key, std::string_view digest, std::string_view signature) {
  const DigestContext context(EVP_MD_CTX_new());
  return context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, &key) == 1 &&
         EVP_DigestVerify(context.get(), octets(signature), signature.size(), octets(digest),
                          digest.size()) == 1;
}

}  // namespace

std::string_view to_word(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::rsa_sha256:
      return "rsa-sha256";
    case Algorithm::ed25519_sha256:
      return "ed25519-sha256";
  }
  return "";
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  const QuietErrors quiet;
  good_ = context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1;
}

void Sha256::update(std::string_view bytes) {
  if (good_) good_ = EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1;
}

std::optional<std::string> Sha256::finish() {
  const QuietErrors quiet;
  std::string digest(32, '\0');
  if (!good_ || EVP_DigestFinal_ex(context_.get(), octets(digest), nullptr) != 1) {
    return std::nullopt;
  }
  good_ = false;
  return digest;
}

Key read_public_key(Algorithm algorithm, std::string_view bytes) {
  const QuietErrors quiet;
  switch (algorithm) {
    case Algorithm::rsa_sha256:
      return read_rsa_public_key(bytes);
    case Algorithm::ed25519_sha256:
      if (bytes.size() != 32) return nullptr;
      return Key(
          EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octets(bytes), bytes.size()));
  }
  return nullptr;
}

std::optional<std::string> write_public_key(Algorithm algorithm, const EVP_PKEY& key) {
  const QuietErrors quiet;
  switch (algorithm) {
    case Algorithm::rsa_sha256: {
      unsigned char* der = nullptr;
      const int size = i2d_PUBKEY(&key, &der);
      if (size <= 0) return std::nullopt;
      std::string result(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
      OPENSSL_free(der);
      return result;
    }
    case Algorithm::ed25519_sha256: {
      std::string result(32, '\0');
      std::size_t size = result.size();
      if (EVP_PKEY_get_raw_public_key(&key, octets(result), &size) != 1) return std::nullopt;
      return result;
    }
  }
  return std::nullopt;
}

int key_bits(const EVP_PKEY& key) { return EVP_PKEY_get_bits(&key); }

std::optional<std::string> sign_digest(Algorithm algorithm, EVP_PKEY& key,
                                       std::string_view digest) {
  const QuietErrors quiet;
  switch (algorithm) {
    case Algorithm::rsa_sha256:
      return sign_rsa(key, digest);
    case Algorithm::ed25519_sha256:
      return sign_ed25519(key, digest);
  }
  return std::nullopt;
}

bool verify_digest(Algorithm algorithm, EVP_PKEY& key, std::string_view digest,
                   std::string_view signature) {
  const QuietErrors quiet;
  switch (algorithm) {
    case Algorithm::rsa_sha256:
      return verify_rsa(key, digest, signature);
    case Algorithm::ed25519_sha256:
      return verify_ed25519(key, digest, signature);
  }
  return false;
}

}  // namespace tlsrpt::dkim
