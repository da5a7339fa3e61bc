// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// A new key for signing reports, and the record under which its public half is published.

#include <cstdint>
#include <string>
#include <string_view>

#include "common/dkim.hpp"
#include "common/error.hpp"

namespace tlsrpt {

/// RFC 8301 section 3.2: signers SHOULD use 2048 bits or more (R205), verifiers need not take more
/// than 4096.
inline constexpr int kMinNewRsaBits = 2048;
inline constexpr int kMaxNewRsaBits = 4096;

struct KeyKind {
  enum class Type : std::uint8_t { rsa, ed25519 };
  Type type = Type::rsa;
  int bits = kMinNewRsaBits;  ///< of RSA; without meaning for Ed25519
};

/// A private key in PKCS#8 PEM, as DkimKey::from_pem reads it. Takes up to some seconds for RSA.
/// Errors: invalid_argument for other sizes, crypto if OpenSSL fails.
Result<std::string> generate_key_pem(const KeyKind& kind);

/// What DNS has to say about the key: "v=DKIM1; k=rsa; s=tlsrpt:email; p=...". The service type
/// tlsrpt is RFC 8460's wish (R191); email lets ordinary filters verify the signature (R192).
std::string key_record(const DkimKey& key);

/// The record as one line of a zone file (RFC 1035 section 5.1), without line end:
/// `s1._domainkey.example.com. IN TXT ( "v=DKIM1; ..." "..." )`, in strings of at most 255 bytes.
/// selector and domain: normalised. record: printable ASCII without quotes and backslashes.
std::string zone_line(std::string_view selector, std::string_view domain, std::string_view record);

}  // namespace tlsrpt
