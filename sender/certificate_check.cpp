// SPDX-License-Identifier: BSD-2-Clause
#include "sender/certificate_check.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kMaxNames = 100;
// Some 80 bits, as Postfix and others take it; 512-bit keys fail.
constexpr int kSecurityLevel = 1;

struct OpenSslOwner {
  void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* session) const { SSL_free(session); }
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(unsigned char* bytes) const { OPENSSL_free(bytes); }
};
template <typename T>
using Owned = std::unique_ptr<T, OpenSslOwner>;

/// Takes down what is wrong and goes on.
int note_error(int ok, X509_STORE_CTX* context) {
  if (ok == 1) return 1;
  auto* errors = static_cast<std::vector<int>*>(X509_STORE_CTX_get_app_data(context));
  const int error = X509_STORE_CTX_get_error(context);
  if (std::find(errors->begin(), errors->end(), error) == errors->end()) errors->push_back(error);
  return 1;
}

bool has(const std::vector<int>& errors, int error) {
  return std::find(errors.begin(), errors.end(), error) != errors.end();
}

/// Leaves out what only follows from something else in the list.
void simplify(std::vector<int>& errors) {
  if (has(errors, X509_V_ERR_DANE_NO_MATCH)) errors = {X509_V_ERR_DANE_NO_MATCH};
  if (errors.size() > 1) std::erase(errors, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE);
  if (errors.size() > 1) std::erase(errors, X509_V_ERR_CERT_UNTRUSTED);
  std::erase(errors, X509_V_OK);
}

Verification run(X509_STORE_CTX* context, std::vector<int>& errors) {
  X509_STORE_CTX_set_app_data(context, &errors);
  X509_STORE_CTX_set_verify_cb(context, &note_error);
  const int done = X509_verify_cert(context);
  if (done != 1 && errors.empty()) errors.push_back(X509_STORE_CTX_get_error(context));
  simplify(errors);
  if (done < 0 && errors.empty()) errors.push_back(X509_V_ERR_UNSPECIFIED);
  ERR_clear_error();
  return {errors, true};
}

Verification check_pkix(X509* leaf, STACK_OF(X509) * chain, X509_STORE* store,
                        const std::string& host) {
  const Owned<X509_STORE_CTX> context(X509_STORE_CTX_new());
  if (!context || X509_STORE_CTX_init(context.get(), store, leaf, chain) != 1) return {};
  X509_STORE_CTX_set_default(context.get(), "ssl_server");
  X509_VERIFY_PARAM* demands = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_auth_level(demands, kSecurityLevel);
  X509_VERIFY_PARAM_set_hostflags(
      demands, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  X509_VERIFY_PARAM_set1_host(demands, host.data(), host.size());
  std::vector<int> errors;
  return run(context.get(), errors);
}

/// OpenSSL keeps TLSA records in a session, so there must be one.
Owned<SSL> hold_records(SSL_CTX* context, const DanePolicy& dane) {
  Owned<SSL> session(SSL_new(context));
  if (!session || SSL_dane_enable(session.get(), dane.base_domain.c_str()) != 1) return nullptr;
  SSL_dane_set_flags(session.get(), DANE_FLAG_NO_DANE_EE_NAMECHECKS);  // R306
  for (const TlsaRecord& record : dane.usable) {
    SSL_dane_tlsa_add(session.get(), record.usage, record.selector, record.matching_type,
                      reinterpret_cast<const unsigned char*>(record.data.data()),
                      record.data.size());
  }
  return session;
}

Verification check_dane(X509* leaf, STACK_OF(X509) * chain, const CertificateDemands& demands) {
  if (demands.dane == nullptr || demands.dane->status != DaneStatus::usable) return {};
  const Owned<SSL_CTX> holder(SSL_CTX_new(TLS_client_method()));
  if (!holder || SSL_CTX_dane_enable(holder.get()) != 1) return {};
  const Owned<SSL> session = hold_records(holder.get(), *demands.dane);
  const TrustStore nobody(X509_STORE_new());
  const Owned<X509_STORE_CTX> context(X509_STORE_CTX_new());
  if (!session || !nobody || !context ||
      X509_STORE_CTX_init(context.get(), nobody.get(), leaf, chain) != 1) {
    return {};
  }
  X509_STORE_CTX_set_default(context.get(), "ssl_server");
  X509_STORE_CTX_set0_dane(context.get(), SSL_get0_dane(session.get()));
  X509_VERIFY_PARAM* names = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_auth_level(names, kSecurityLevel);
  X509_VERIFY_PARAM_set_hostflags(names, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const std::string& base = demands.dane->base_domain;
  X509_VERIFY_PARAM_set1_host(names, base.data(), base.size());
  for (const std::string& name : demands.dane_names) {
    X509_VERIFY_PARAM_add1_host(names, name.data(), name.size());
  }
  std::vector<int> errors;
  return run(context.get(), errors);
}

Seconds time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return Seconds{std::chrono::seconds{::timegm(&parts)}};
}

std::string bytes_of(const ASN1_STRING* text) {
  const auto* data = reinterpret_cast<const char*>(ASN1_STRING_get0_data(text));
  return {data, static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::string print_name(const X509_NAME* name) {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  if (!bio || X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) < 0) return {};
  char* data = nullptr;
  const long size = BIO_ctrl(bio.get(), BIO_CTRL_INFO, 0, &data);
  return {data, static_cast<std::size_t>(std::max(size, 0L))};
}

std::vector<std::string> dns_names(X509* certificate) {
  std::vector<std::string> result;
  const Owned<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS && result.size() < kMaxNames) {
      result.push_back(bytes_of(name->d.dNSName));
    }
  }
  return result;
}

TlsaRecord key_record(X509* certificate) {
  unsigned char* raw = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &raw);
  const Owned<unsigned char> owner(raw);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (size <= 0 || EVP_Digest(raw, static_cast<std::size_t>(size), digest.data(), &length,
                              EVP_sha256(), nullptr) != 1) {
    return {3, 1, 1, {}};
  }
  return {3, 1, 1, std::string(digest.begin(), digest.begin() + length)};
}

CertificateView view_of(X509* certificate) {
  CertificateView view;
  view.names = dns_names(certificate);
  std::array<char, 256> name{};
  if (X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(),
                                static_cast<int>(name.size())) > 0) {
    view.common_name = name.data();
  }
  view.issuer = print_name(X509_get_issuer_name(certificate));
  view.not_before = time_of(X509_get0_notBefore(certificate));
  view.not_after = time_of(X509_get0_notAfter(certificate));
  view.key_record = key_record(certificate);
  ERR_clear_error();
  return view;
}

}  // namespace

Result<TrustStore> load_trust_store(const std::string& file) {
  TrustStore store(X509_STORE_new());
  const bool read =
      store != nullptr && (file.empty() ? X509_STORE_set_default_paths(store.get()) == 1
                                        : X509_STORE_load_file(store.get(), file.c_str()) == 1);
  ERR_clear_error();
  if (read) return store;
  if (file.empty()) return fail(ErrorCode::crypto, "cannot read the system's certificates");
  return fail(ErrorCode::not_found, "no certificates can be read from {}", file);
}

CertificateVerdict check_certificate(STACK_OF(X509) * chain, X509_STORE* store,
                                     const CertificateDemands& demands) {
  if (chain == nullptr || sk_X509_num(chain) == 0) return {};
  X509* leaf = sk_X509_value(chain, 0);
  return {check_pkix(leaf, chain, store, demands.mx_host), check_dane(leaf, chain, demands),
          view_of(leaf)};
}

}  // namespace tlsrpt::sender
