// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Looks at a domain as a sender of mail does: its TLSRPT record, MTA-STS, mail servers, DANE, and
// one TLS session with each address.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/dns.hpp"
#include "common/rua.hpp"
#include "sender/evaluation.hpp"
#include "sender/starttls_probe.hpp"
#include "sender/sts_discovery.hpp"

namespace tlsrpt::sender {

enum class AddressFamily : std::uint8_t { any, ipv4, ipv6 };

struct CheckSettings {
  bool connect = true;
  std::string connect_to;  ///< in place of every address: a name or an address; empty: none
  std::uint16_t connect_port = 25;
  std::uint16_t port = 25;  ///< whose TLSA records apply
  AddressFamily family = AddressFamily::any;
  std::chrono::seconds timeout{30};  ///< of one session
  ProbeSettings probe;
  int stop_fd = kNoStop;
};

struct TlsrptCheck {
  enum class Verdict : std::uint8_t { good, none, defective, unknown };
  Verdict verdict = Verdict::unknown;
  std::vector<std::string> texts;  ///< that are, or try to be, a record; not escaped
  std::vector<Rua> rua;
  std::vector<std::string> problems;  ///< whole sentences without full stop, not escaped
  std::vector<std::string> warnings;
};

enum class MxKind : std::uint8_t {
  hosts,
  address,  ///< no MX record: the domain's own address (RFC 5321 section 5.1)
  null_mx,  ///< takes no mail (RFC 7505)
  no_host,  ///< neither MX nor address
  failed,
};

struct SessionCheck {
  ProbeResult probe;
  Outcome outcome;
  Delivery delivery = Delivery::allowed;
};

struct HostCheck {
  std::string host;
  std::uint16_t preference = 0;
  std::optional<bool> in_policy;  ///< if a policy is in force
  DanePolicy dane;
  std::vector<std::string> addresses;
  std::string trouble;                 ///< with the addresses; not escaped
  std::vector<SessionCheck> sessions;  ///< one for each address
};

/// What a sender would report.
struct ReportedFailure {
  std::string policy_type;
  std::string policy_domain;
  std::string result_type;
  std::string reason_code;
  std::string host;     ///< empty: not about one
  std::string address;  ///< empty: not about one
  bool operator==(const ReportedFailure&) const = default;
};

struct DomainCheck {
  std::string domain;
  bool validated = true;  ///< the resolver does DNSSEC; without it there is no DANE (R293)
  TlsrptCheck tlsrpt;
  StsDiscovery sts;
  MxKind mx = MxKind::failed;
  bool mx_secure = false;
  std::vector<HostCheck> hosts;
  std::vector<ReportedFailure> failures;
  std::vector<std::string> problems;  ///< that nobody reports; as those of TlsrptCheck
  std::vector<std::string> unknown;   ///< what could not be looked at, and why
};

enum class CheckStatus : std::uint8_t { good, defect, unknown };
std::string_view to_word(CheckStatus status);
std::string_view to_word(MxKind kind);
std::string_view to_word(TlsrptCheck::Verdict verdict);
std::string_view to_word(StarttlsState state);
std::string_view to_word(Delivery delivery);

/// A defect wins over what is not known.
CheckStatus status_of(const DomainCheck& check);

TlsrptCheck check_tlsrpt_record(const DnsAnswer<std::string>& answer);

/// domain: normalised. Sessions run at the same time, eight at most; at most 16 hosts and 32
/// addresses are looked at, and what is left out is named in 'unknown'.
DomainCheck check_domain(Dns& dns, StsFetcher& fetcher, const std::string& domain,
                         const CheckSettings& settings);

}  // namespace tlsrpt::sender
