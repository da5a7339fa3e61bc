// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// A server's certificate, judged by the trust store and by TLSA records: every fault, not only the
// first one.

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/utc_time.hpp"
#include "sender/dane_policy.hpp"
#include "sender/observed_session.hpp"

namespace tlsrpt::sender {

struct StoreFree {
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
};
using TrustStore = std::unique_ptr<X509_STORE, StoreFree>;

/// The certificates of the file, or the system's for "". Error: the file cannot be read.
Result<TrustStore> load_trust_store(const std::string& file);

struct CertificateView {
  std::vector<std::string> names;  ///< DNS names of subjectAltName; not escaped
  std::string common_name;         ///< not escaped
  std::string issuer;              ///< RFC 2253; not escaped
  Seconds not_before{};
  Seconds not_after{};
  TlsaRecord key_record;  ///< 3 1 1 of its public key
  bool operator==(const CertificateView&) const = default;
};

/// What a certificate and its chain are checked against.
struct CertificateDemands {
  std::string mx_host;                  ///< by MTA-STS: a DNS-ID, the common name does not count
  const DanePolicy* dane = nullptr;     ///< status usable; or nothing, or another status
  std::vector<std::string> dane_names;  ///< that usage 2 allows beside the base domain (R308)
};

struct CertificateVerdict {
  Verification pkix;
  Verification dane;  ///< silent if there are no usable records
  CertificateView view;
};

/// chain: as the server sent it, its own certificate first. Threads: any number at once, also with
/// one store.
CertificateVerdict check_certificate(STACK_OF(X509) * chain, X509_STORE* store,
                                     const CertificateDemands& demands);

}  // namespace tlsrpt::sender
