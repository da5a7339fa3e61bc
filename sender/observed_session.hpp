// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// One outbound SMTP session as somebody saw it: our own handshake, or an MTA's log. It says what
// happened, and nothing about whether that is good: evaluation.hpp does.

#include <cstdint>
#include <string>
#include <vector>

#include "common/utc_time.hpp"

namespace tlsrpt::sender {

/// What became of STARTTLS.
enum class StarttlsState : std::uint8_t {
  not_reached,  ///< no connection, no greeting, 421: nothing that is reported (RFC 8460 4.3.4)
  skipped,      ///< the MX was not connected to, since no policy names it
  not_offered,
  refused,  ///< offered, and answered with something else than 220
  failed,   ///< no TLS session came about
  established,
};

/// What is known about a certificate by one set of rules. Nothing is guessed: without errors and
/// not complete means that nobody looked.
struct Verification {
  /// X509_V_ERR_ codes, each once, the weightiest first; X509_V_ERR_UNSPECIFIED: refused, for a
  /// reason that is not known.
  std::vector<int> errors;
  bool complete = false;  ///< all was looked at: without errors the certificate is valid
  bool operator==(const Verification&) const = default;
};

struct ObservedSession {
  Seconds begun_at{};          ///< whose UTC day it belongs to (R325)
  std::string domain;          ///< next-hop domain, normalised
  std::string mx_host;         ///< normalised; empty: not known
  std::string receiving_ip;    ///< canonical; empty: not known
  std::string sending_ip;      ///< as above
  std::string receiving_helo;  ///< announced name; empty: not known
  StarttlsState starttls = StarttlsState::not_reached;
  std::string reason_code;  ///< of refused and failed: a stable token, see reason_code.hpp
  Verification pkix;        ///< by the trust store, and for the MX host (R277)
  Verification dane;        ///< by TLSA records (R304-R310)
  /// 'pkix' and 'dane' are the MTA's one verdict, by the policy that it enforced: DANE or MTA-STS,
  /// whichever applies. If both do, a log does not tell which (AppliedPolicies::precedence).
  bool demanded_only = false;
  /// The MTA has told its TLSRPT library about this session, by its own log: it comes as a datagram.
  bool reported_by_mta = false;
  bool operator==(const ObservedSession&) const = default;
};

}  // namespace tlsrpt::sender
