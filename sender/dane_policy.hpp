// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Does DANE for SMTP (RFC 7672) apply to an MX host, and with which records?

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/dns.hpp"
#include "common/report.hpp"
#include "sender/policy_problem.hpp"

namespace tlsrpt::sender {

enum class DaneStatus : std::uint8_t {
  none,      ///< insecure, or proven absent: as if there were no DANE (R301)
  usable,    ///< TLS with authentication is mandatory (R304)
  unusable,  ///< all records are unusable: TLS is mandatory, without authentication (R302)
  failed,    ///< a look-up failed: the host must not be used (R298)
};
std::string_view to_word(DaneStatus status);

struct DanePolicy {
  DaneStatus status = DaneStatus::none;
  std::string base_domain;          ///< where the records were found; of failed: where not (R297)
  std::vector<TlsaRecord> records;  ///< all of them, sorted
  std::vector<TlsaRecord> usable;   ///< what to authenticate with, after digest agility (R313)
  std::optional<PolicyProblem> problem;  ///< of failed
  /// Of none: the addresses could not be looked up, so that nobody knows what applies.
  bool unknown = false;
  bool secure_addresses = false;  ///< so that TLSA records count, if there are any
  std::uint32_t ttl = 0;  ///< seconds for which this holds
  bool operator==(const DanePolicy&) const = default;
};

/// Addresses first, then the TLSA records of the secure CNAME expansion, then those of the name as
/// it stands (R294-R297). mx_host: normalised.
DanePolicy find_dane_policy(Dns& dns, const std::string& mx_host, std::uint16_t port = 25);

/// Could OpenSSL use it, and may a client? (R311, R312)
bool is_usable(const TlsaRecord& record);

/// "3 1 1 ABCD...", as in a report.
std::string to_text(const TlsaRecord& record);

/// As it stands in a report: policy_type tlsa, policy_domain the TLSA base domain.
Policy report_policy(const DanePolicy& dane);

}  // namespace tlsrpt::sender
