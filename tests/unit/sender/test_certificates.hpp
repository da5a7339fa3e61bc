// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Certificates that a test makes as it wants them.
//
//   const Identity root = make_identity({.common_name = "Root", .is_authority = true});
//   const Identity mx = make_identity({.names = {"mx.example"}, .issuer = &root});

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/dns.hpp"

namespace tlsrpt::sender {

struct TestFree {
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* session) const { SSL_free(session); }
};
template <typename T>
using TestOwned = std::unique_ptr<T, TestFree>;

struct Identity {
  TestOwned<EVP_PKEY> key;
  TestOwned<X509> certificate;
};

struct IdentityWishes {
  std::string common_name = "test";
  std::vector<std::string> names{};  // of subjectAltName
  const Identity* issuer = nullptr;
  bool is_authority = false;
  long begins = -86400;  // seconds from now
  long ends = 86400;
  std::string usage = "serverAuth";
  std::string name_constraints{};
};

inline void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) throw std::runtime_error("extension " + value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

inline Identity make_identity(const IdentityWishes& wishes) {
  static long serial = 0;
  Identity made{TestOwned<EVP_PKEY>(EVP_EC_gen("P-256")), TestOwned<X509>(X509_new())};
  X509* certificate = made.certificate.get();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), wishes.begins);
  X509_gmtime_adj(X509_getm_notAfter(certificate), wishes.ends);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(wishes.common_name.c_str()), -1,
                             -1, 0);
  const Identity& issuer = wishes.issuer != nullptr ? *wishes.issuer : made;
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer.certificate.get()));
  X509_set_pubkey(certificate, made.key.get());
  X509* signer = issuer.certificate.get();
  add_extension(certificate, signer, NID_basic_constraints,
                wishes.is_authority ? "critical,CA:TRUE" : "CA:FALSE");
  if (!wishes.is_authority) add_extension(certificate, signer, NID_ext_key_usage, wishes.usage);
  std::string names;
  for (const std::string& one : wishes.names) names += (names.empty() ? "DNS:" : ",DNS:") + one;
  if (!names.empty()) add_extension(certificate, signer, NID_subject_alt_name, names);
  if (!wishes.name_constraints.empty()) {
    add_extension(certificate, signer, NID_name_constraints, wishes.name_constraints);
  }
  if (X509_sign(certificate, issuer.key.get(), EVP_sha256()) == 0) {
    throw std::runtime_error("X509_sign");
  }
  return made;
}

inline std::string digest(const std::string& bytes, const EVP_MD* type) {
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()), &size, type,
             nullptr);
  out.resize(size);
  return out;
}

inline std::string der_of(const Identity& identity, bool key_only) {
  unsigned char* raw = nullptr;
  const int size = key_only
                       ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(identity.certificate.get()), &raw)
                       : i2d_X509(identity.certificate.get(), &raw);
  std::string bytes(reinterpret_cast<char*>(raw), static_cast<std::size_t>(size));
  OPENSSL_free(raw);
  return bytes;
}

inline TlsaRecord tlsa_of(const Identity& identity, std::uint8_t usage, std::uint8_t selector,
                          std::uint8_t type) {
  const std::string der = der_of(identity, selector == 1);
  if (type == 0) return {usage, selector, type, der};
  return {usage, selector, type, digest(der, type == 1 ? EVP_sha256() : EVP_sha512())};
}

}  // namespace tlsrpt::sender
