// SPDX-License-Identifier: BSD-2-Clause
#include "sender/dane_policy.hpp"

#include <fmt/format.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>
#include <tuple>
#include <utility>

#include "sender/lookup_failure.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::uint8_t kDaneTa = 2;
constexpr std::uint8_t kDaneEe = 3;
constexpr std::uint8_t kWholeCertificate = 0;
constexpr std::uint8_t kPublicKey = 1;
constexpr std::uint8_t kFullData = 0;
constexpr std::uint8_t kSha256 = 1;
constexpr std::uint8_t kSha512 = 2;
constexpr std::size_t kMaxRecords = 100;  // what OpenSSL is given at most

struct OpenSslFree {
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

bool is_whole_object(const TlsaRecord& record) {
  const auto* begin = reinterpret_cast<const unsigned char*>(record.data.data());
  const auto* at = begin;
  const auto size = static_cast<long>(record.data.size());
  bool parsed = false;
  if (record.selector == kWholeCertificate) {
    parsed = std::unique_ptr<X509, OpenSslFree>(d2i_X509(nullptr, &at, size)) != nullptr;
  } else {
    parsed = std::unique_ptr<EVP_PKEY, OpenSslFree>(d2i_PUBKEY(nullptr, &at, size)) != nullptr;
  }
  return parsed && at == begin + size;
}

auto order(const TlsaRecord& record) {
  return std::tie(record.usage, record.selector, record.matching_type, record.data);
}

/// Of the digests that say the same thing, a client believes in the strongest only (RFC 7671
/// section 9).
bool is_outdone(const TlsaRecord& record, const std::vector<TlsaRecord>& all) {
  return record.matching_type == kSha256 &&
         std::any_of(all.begin(), all.end(), [&](const TlsaRecord& other) {
           return other.usage == record.usage && other.selector == record.selector &&
                  other.matching_type == kSha512;
         });
}

std::vector<TlsaRecord> choose_usable(const std::vector<TlsaRecord>& records) {
  std::vector<TlsaRecord> sound;
  std::copy_if(records.begin(), records.end(), std::back_inserter(sound), is_usable);
  std::vector<TlsaRecord> usable;
  for (const TlsaRecord& record : sound) {
    if (!is_outdone(record, sound)) usable.push_back(record);
  }
  return usable;
}

DanePolicy failed_policy(const std::string& base_domain, const std::string& detail) {
  DanePolicy policy;
  policy.status = DaneStatus::failed;
  policy.base_domain = base_domain;
  policy.problem = PolicyProblem{"dnssec-invalid", lookup_reason(detail), detail};
  return policy;
}

struct Addresses {
  bool found = false;
  bool secure = false;
  std::string canonical_name;
  std::string failure;  ///< not empty: of a question without an answer
  bool bogus = false;
  std::uint32_t ttl = 0;
};

Addresses find_addresses(Dns& dns, const std::string& host) {
  Addresses addresses;
  bool secure = true;
  std::uint32_t ttl = 0;
  bool first = true;
  for (const auto& answer : {dns.a(host), dns.aaaa(host)}) {
    if (answer.status == DnsStatus::failed) {
      addresses.failure = answer.detail.empty() ? "SERVFAIL" : answer.detail;
      addresses.bogus = addresses.bogus || is_dnssec_failure(answer.detail);
      continue;
    }
    ttl = first ? answer.ttl : std::min(ttl, answer.ttl);
    first = false;
    if (answer.status != DnsStatus::found) continue;
    addresses.found = true;
    secure = secure && answer.authenticated;
    addresses.canonical_name = answer.canonical_name;
  }
  addresses.secure = addresses.found && secure;
  addresses.ttl = addresses.failure.empty() ? ttl : 0;
  return addresses;
}

}  // namespace

std::string_view to_word(DaneStatus status) {
  switch (status) {
    case DaneStatus::none:
      return "none";
    case DaneStatus::usable:
      return "usable";
    case DaneStatus::unusable:
      return "unusable";
    case DaneStatus::failed:
      return "failed";
  }
  return "none";
}

DanePolicy find_dane_policy(Dns& dns, const std::string& mx_host, std::uint16_t port) {
  const Addresses addresses = find_addresses(dns, mx_host);
  DanePolicy policy;
  policy.ttl = addresses.ttl;
  if (!addresses.found) {
    if (addresses.bogus) return failed_policy(mx_host, addresses.failure);
    policy.unknown = !addresses.failure.empty();
    return policy;
  }
  if (!addresses.secure) return policy;  // R295
  policy.secure_addresses = true;
  std::vector<std::string> names = {addresses.canonical_name};
  if (addresses.canonical_name != mx_host) names.push_back(mx_host);
  for (const std::string& name : names) {
    const auto answer = dns.tlsa(fmt::format("_{}._tcp.{}", port, name));
    if (answer.status == DnsStatus::failed) return failed_policy(name, answer.detail);
    policy.ttl = std::min(policy.ttl, answer.ttl);
    if (answer.status != DnsStatus::found || !answer.authenticated) continue;
    policy.base_domain = name;
    policy.records = answer.records;
    std::sort(policy.records.begin(), policy.records.end(),
              [](const TlsaRecord& a, const TlsaRecord& b) { return order(a) < order(b); });
    policy.records.resize(std::min(policy.records.size(), kMaxRecords));
    policy.usable = choose_usable(policy.records);
    policy.status = policy.usable.empty() ? DaneStatus::unusable : DaneStatus::usable;
    break;
  }
  return policy;
}

bool is_usable(const TlsaRecord& record) {
  if (record.usage != kDaneTa && record.usage != kDaneEe) return false;
  if (record.selector != kWholeCertificate && record.selector != kPublicKey) return false;
  switch (record.matching_type) {
    case kFullData:
      return is_whole_object(record);
    case kSha256:
      return record.data.size() == 32;
    case kSha512:
      return record.data.size() == 64;
    default:
      return false;
  }
}

std::string to_text(const TlsaRecord& record) {
  std::string text = fmt::format("{} {} {} ", record.usage, record.selector, record.matching_type);
  for (const char c : record.data) text += fmt::format("{:02X}", static_cast<unsigned char>(c));
  return text;
}

Policy report_policy(const DanePolicy& dane) {
  Policy policy;
  policy.policy_type = "tlsa";
  policy.policy_domain = dane.base_domain;
  for (const TlsaRecord& record : dane.records) policy.policy_string.push_back(to_text(record));
  return policy;
}

}  // namespace tlsrpt::sender
