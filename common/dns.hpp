// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The seam to DNS. Answers come from a validating resolver on a trusted path: the AD bit is its
// DNSSEC verdict, as in Postfix.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"

namespace tlsrpt {

enum class DnsStatus {
  found,
  no_name,  ///< NXDOMAIN
  no_data,  ///< the name exists, without records of this type
  failed,   ///< SERVFAIL, bogus, timeout, unreachable: nothing is known (R35)
};

struct MxRecord {
  std::uint16_t preference = 0;
  std::string host;  ///< normalised; "." for a null MX (RFC 7505)
  bool operator==(const MxRecord&) const = default;
};

struct TlsaRecord {
  std::uint8_t usage = 0;
  std::uint8_t selector = 0;
  std::uint8_t matching_type = 0;
  std::string data;  ///< raw bytes
  bool operator==(const TlsaRecord&) const = default;
};

template <typename Record>
struct DnsAnswer {
  DnsStatus status = DnsStatus::failed;
  bool authenticated = false;  ///< AD bit
  /// Seconds: the smallest of the answer's records; for an absence, how long it may be remembered.
  std::uint32_t ttl = 0;
  std::vector<Record> records;
  /// For failed: "SERVFAIL", "timeout", "connection refused", ... with what an extended error
  /// (RFC 8914) says in parentheses, not escaped. For found: how many malformed records were
  /// skipped, if any.
  std::string detail;
  /// Of found: the name that holds the records, behind all CNAMEs; normalised. 'authenticated'
  /// covers the aliases, too.
  std::string canonical_name;

  [[nodiscard]] bool absent() const {
    return status == DnsStatus::no_name || status == DnsStatus::no_data;
  }
};

/// Threads: one object may be used by several threads at once. Every call ends within the
/// configured timeout.
class Dns {
 public:
  virtual ~Dns() = default;
  /// The character-strings of each record joined (R11); CNAMEs followed (R33).
  virtual DnsAnswer<std::string> txt(std::string_view name) = 0;
  virtual DnsAnswer<MxRecord> mx(std::string_view name) = 0;  ///< by preference
  virtual DnsAnswer<TlsaRecord> tlsa(std::string_view name) = 0;
  virtual DnsAnswer<std::string> a(std::string_view name) = 0;     ///< dotted quads
  virtual DnsAnswer<std::string> aaaa(std::string_view name) = 0;  ///< RFC 5952
  /// Does the resolver validate (R293)? It does if it says that it has authenticated the name
  /// servers of the root. Error temporary: it did not answer.
  virtual Result<bool> validates() = 0;
};

struct DnsSettings {
  /// "192.0.2.1", "192.0.2.1:5353", "192.0.2.1@5353", "2001:db8::1", "[2001:db8::1]:53"; asked in
  /// this order. Empty: those of /etc/resolv.conf, as it is at the time of make_dns.
  std::vector<std::string> nameservers;
  int timeout_ms = 5000;  ///< of one question, retries and TCP included
};

/// The real thing, through ldns. Fails if a nameserver is no address, or resolv.conf has none.
Result<std::unique_ptr<Dns>> make_dns(const DnsSettings& settings);

}  // namespace tlsrpt
