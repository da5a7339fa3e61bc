// SPDX-License-Identifier: BSD-2-Clause
#include "sender/sts_discovery.hpp"

#include <string_view>
#include <utility>

#include "common/domain_name.hpp"
#include "common/ip_network.hpp"

namespace tlsrpt::sender {

namespace {

PolicyProblem record_problem(std::string_view reason_code, std::string detail) {
  return {"sts-policy-fetch-error", std::string(reason_code), std::move(detail)};
}

/// A smart host may be given as an address, which has no policy.
bool can_have_record(const std::string& domain) {
  return !parse_ip(domain) && is_normal_domain(sts_record_name(domain));
}

StsRecord judge(StsRecord record) {
  auto id = select_sts_id(record.texts);
  record.verdict = id ? StsRecord::Verdict::announced : StsRecord::Verdict::none;
  if (id) {
    record.id = std::move(*id);
    return record;
  }
  const bool absent = id.error().code == ErrorCode::not_found;
  record.problem = record_problem(absent ? "no-sts-record" : "bad-sts-record", id.error().detail);
  return record;
}

}  // namespace

StsRecord find_sts_record(Dns& dns, const std::string& domain) {
  StsRecord record;
  if (!can_have_record(domain)) return judge(std::move(record));
  const std::string name = sts_record_name(domain);
  auto answer = dns.txt(name);
  record.ttl = answer.ttl;
  if (answer.status == DnsStatus::failed) {
    record.problem = record_problem("dns-failure", fmt::format("TXT {}: {}", name, answer.detail));
    return record;
  }
  record.texts = std::move(answer.records);
  return judge(std::move(record));
}

StsDiscovery discover(Dns& dns, StsFetcher& fetcher, const std::string& domain) {
  StsDiscovery found;
  found.record = find_sts_record(dns, domain);
  if (found.record.verdict != StsRecord::Verdict::announced) return found;
  auto policy = fetcher.fetch(domain);
  if (policy) {
    found.policy = std::move(*policy);
  } else {
    found.problem = std::move(policy.error());
  }
  return found;
}

}  // namespace tlsrpt::sender
