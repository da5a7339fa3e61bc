// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// DKIM (RFC 6376, 8301, 8463) for reports: sign one, and verify as RFC 8460 section 3 demands.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/dns.hpp"
#include "common/error.hpp"
#include "common/utc_time.hpp"

namespace tlsrpt {

enum class Canonicalization { simple, relaxed };

class DkimKey {
 public:
  /// PEM of an RSA (>= 1024 bits) or Ed25519 private key, PKCS#1 or PKCS#8.
  static Result<DkimKey> from_pem(std::string_view pem);
  DkimKey(DkimKey&&) noexcept;
  DkimKey& operator=(DkimKey&&) noexcept;
  ~DkimKey();

  [[nodiscard]] std::string_view algorithm() const;  ///< "rsa-sha256" or "ed25519-sha256"
  [[nodiscard]] int bits() const;
  /// The p= value for DNS.
  [[nodiscard]] std::string public_key_base64() const;

  struct Impl;
  [[nodiscard]] const Impl& impl() const { return *impl_; }

 private:
  explicit DkimKey(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct SignSettings {
  std::string domain;    ///< d=, normalised
  std::string selector;  ///< s=
  Canonicalization header = Canonicalization::relaxed;
  Canonicalization body = Canonicalization::relaxed;
  std::vector<std::string> signed_headers;  ///< names in order; a name more often than the message
                                            ///< has it over-signs (R189)
  Seconds timestamp{};                      ///< t=
};

/// The complete "DKIM-Signature: ...\r\n" field, folded, to be put in front of the message. Never
/// l= (R190). message: CRLF line ends. Threads: a key may be used by several at once.
Result<std::string> dkim_sign(std::string_view message, const DkimKey& key,
                              const SignSettings& settings);

/// The verdict about a message, or one signature of it.
enum class DkimStatus {
  pass,       ///< verified and acceptable under RFC 8460
  none,       ///< no signature
  fail,       ///< no signature verified
  policy,     ///< verified, but not acceptable: l=, t=y, service type, not aligned, expired. Also
              ///< without its key, if DNS fails for a signature that no key could make acceptable
  permerror,  ///< a signature or key record is malformed or gone
  temperror,  ///< a key could not be looked up: try again later (R211)
};
std::string_view to_word(DkimStatus status);

struct SignatureVerdict {
  DkimStatus status = DkimStatus::none;
  std::string domain;    ///< d=, normalised if possible
  std::string selector;  ///< s=
  std::string algorithm;
  /// A stable word; empty for pass.
  ///   none: no-signature
  ///   fail: body-hash signature
  ///   policy: length-tag expired not-aligned from-not-signed header-malformed
  ///     content-type-not-signed key-testing key-service-type
  ///   temperror: key-lookup-failed no-time-left
  ///   permerror: too-large malformed version domain selector algorithm canonicalization
  ///     query-method from-not-signed identity key-not-found key-malformed key-revoked key-type
  ///     key-hash key-size
  std::string reason;
  bool service_type_email_only = false;  ///< verified, key says s=email only (R195)
  bool signs_report_domain = false;      ///< h= has TLS-Report-Domain (R187)
};

struct DkimVerdict {
  DkimStatus status =
      DkimStatus::none;  ///< the best signature's; temperror before fail if nothing passed
  SignatureVerdict best;
  std::vector<SignatureVerdict> signatures;  ///< in order of the message, at most max_signatures
};

struct VerifySettings {
  std::string aligned_with;       ///< normalised domain that d= must equal or be the organisational
                                  ///< parent of; empty: no check
  bool strict_alignment = false;  ///< equal only
  bool strict_service_type = false;  ///< a key with s=email only does not qualify
  /// A signature that does not cover Content-Type does not qualify. One that covers it must cover
  /// every copy of it anyway.
  bool needs_content_type = false;
  Seconds now{};                     ///< for x=
  std::size_t max_signatures = 10;   ///< further ones are not looked at
  /// No key is looked up later than this after the first one; the signatures that are left get
  /// temperror. What is running then may still take the Dns' own time.
  std::chrono::seconds lookup_time{15};
  std::chrono::steady_clock::time_point (*steady_now)() = &std::chrono::steady_clock::now;
};

/// message: as received, CRLF line ends (bare LF is taken as CRLF). Pure but for the key look-ups.
DkimVerdict dkim_verify(std::string_view message, Dns& dns, const VerifySettings& settings);

}  // namespace tlsrpt
