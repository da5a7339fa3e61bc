// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Looks at the STARTTLS of a mail server as a sender sees it, without sending any mail.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sender/certificate_check.hpp"
#include "sender/dane_policy.hpp"
#include "sender/observed_session.hpp"
#include "sender/patience.hpp"

namespace tlsrpt::sender {

struct ProbeTarget {
  std::string domain;   ///< next hop, normalised
  std::string mx_host;  ///< normalised
  std::string address;  ///< where to connect: an IP address
  std::uint16_t port = 25;
  DanePolicy dane;         ///< of the MX host
  bool mx_secure = false;  ///< DNSSEC vouches for the MX record: the next hop is a name, too (R308)
};

struct ProbeSettings {
  std::string ehlo_name;
  X509_STORE* trust = nullptr;  ///< outlives the probe
};

struct ProbeResult {
  ObservedSession session;
  std::vector<std::string> ehlo_lines;  ///< of the answer in clear; not escaped
  std::string tls_version;              ///< "TLSv1.3"; empty without TLS
  std::string cipher;
  std::optional<CertificateView> certificate;
  /// What stood in the way, for people: of not_reached, refused and failed. May hold text of the
  /// server, not escaped.
  std::string trouble;
};

/// Connects, greets, begins TLS, greets again and leaves. Never says MAIL. TLS 1.2 or later (R279);
/// SNI is the TLSA base domain with DANE (R314), else the MX host (R278). The handshake goes on
/// whatever the certificate is. Threads: any number at once.
ProbeResult probe_starttls(const ProbeTarget& target, const ProbeSettings& settings,
                           const Patience& patience);

}  // namespace tlsrpt::sender
