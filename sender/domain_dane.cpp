// SPDX-License-Identifier: BSD-2-Clause
#include "sender/domain_dane.hpp"

#include <algorithm>

#include "sender/dane_policy.hpp"
#include "sender/lookup_failure.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kMaxHosts = 20;  // as many as an MTA would try

/// Did a server answer, if only that it cannot? "SERVFAIL" is also what most resolvers say about
/// bogus records.
DomainDane judge_failure(std::string_view detail) {
  const std::string reason = lookup_reason(detail);
  return reason == "servfail" || reason.starts_with("ede-") ? DomainDane::failed
                                                            : DomainDane::unreachable;
}

DomainDane judge(const DanePolicy& policy) {
  switch (policy.status) {
    case DaneStatus::usable:
      return DomainDane::usable;
    case DaneStatus::unusable:
      return DomainDane::unusable;
    case DaneStatus::failed:
      return policy.problem ? judge_failure(policy.problem->detail) : DomainDane::failed;
    case DaneStatus::none:
      // A host without addresses gets no mail, and says nothing about the others.
      return DomainDane::none;
  }
  return DomainDane::none;
}

/// The weightiest verdict of a domain's hosts counts for the domain.
int weight(DomainDane dane) {
  switch (dane) {
    case DomainDane::usable:
      return 4;
    case DomainDane::failed:
      return 3;
    case DomainDane::unreachable:
      return 2;
    case DomainDane::unusable:
      return 1;
    case DomainDane::mx_failed:  // of the domain, never of a host
    case DomainDane::none:
      return 0;
  }
  return 0;
}

}  // namespace

std::string_view to_word(DomainDane dane) {
  switch (dane) {
    case DomainDane::none:
      return "none";
    case DomainDane::usable:
      return "usable";
    case DomainDane::unusable:
      return "unusable";
    case DomainDane::failed:
      return "failed";
    case DomainDane::unreachable:
      return "unreachable";
    case DomainDane::mx_failed:
      return "mx-failed";
  }
  return "none";
}

DaneFinding find_domain_dane(Dns& dns, const std::string& domain,
                             std::chrono::steady_clock::time_point end) {
  const auto late = [end] { return std::chrono::steady_clock::now() >= end; };
  if (late()) return {DomainDane::unreachable, {}};
  const auto mx = dns.mx(domain);
  if (mx.status == DnsStatus::failed) {
    const bool answered = judge_failure(mx.detail) == DomainDane::failed;
    return {answered ? DomainDane::mx_failed : DomainDane::unreachable, {}};
  }
  DaneFinding finding{DomainDane::none, std::chrono::seconds(mx.ttl)};
  // With MX records that anybody could have forged, MTA-STS protects better.
  if (!mx.authenticated) return finding;
  std::vector<std::string> hosts;
  for (const MxRecord& record : mx.records) hosts.push_back(record.host);
  if (mx.absent()) hosts.push_back(domain);  // RFC 5321 section 5.1
  if (hosts.size() > kMaxHosts) hosts.resize(kMaxHosts);
  for (const std::string& host : hosts) {
    if (host == ".") continue;  // RFC 7505
    if (late()) return {DomainDane::unreachable, {}};
    const DanePolicy policy = find_dane_policy(dns, host);
    const DomainDane dane = judge(policy);
    finding.ttl = std::min(finding.ttl, std::chrono::seconds(policy.ttl));
    if (weight(dane) > weight(finding.dane)) finding.dane = dane;
    if (finding.dane == DomainDane::usable) break;
  }
  return finding;
}

}  // namespace tlsrpt::sender
