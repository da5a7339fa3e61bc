// SPDX-License-Identifier: BSD-2-Clause
#include "sender/post_guard.hpp"

#include <algorithm>

#include "sender/public_address.hpp"

namespace tlsrpt::sender {

namespace {

HandOverResult not_found(const DnsAnswer<std::string>& a, const DnsAnswer<std::string>& aaaa) {
  for (const auto* answer : {&a, &aaaa}) {
    if (answer->status == DnsStatus::failed)
      return {HandOver::temporary, fmt::format("DNS: {}", answer->detail)};
  }
  const bool no_name = a.status == DnsStatus::no_name;
  return {HandOver::temporary, no_name ? "DNS: no such host" : "DNS: the host has no address"};
}

}  // namespace

HandOverResult refused_address(std::string_view address) {
  HandOverResult result{HandOver::permanent,
                        fmt::format("{} is no public address, nor in PostNetworks", address)};
  result.destination_refused = true;
  return result;
}

PostGuard::PostGuard(const std::vector<std::string>& networks) {
  for (const std::string& text : networks) {
    if (const auto network = IpNetwork::parse(text)) networks_.push_back(*network);
  }
}

bool PostGuard::allows(const IpBytes& address) const {
  return is_public_address(address) ||
         std::any_of(networks_.begin(), networks_.end(),
                     [&address](const IpNetwork& network) { return network.contains(address); });
}

PostAddresses PostGuard::judge(const std::vector<std::string>& addresses) const {
  PostAddresses result;
  for (const std::string& text : addresses) {
    const auto address = parse_ip(text);
    if (!address || !allows(*address)) {
      result.refusal = refused_address(text);
    } else if (result.allowed.size() < kMaxAddresses) {
      result.allowed.push_back(text);
    }
  }
  return result;
}

PostAddresses PostGuard::addresses_of(const std::string& host, Dns& dns) const {
  if (parse_ip(host)) return judge({host});
  const auto aaaa = dns.aaaa(host);
  const auto a = dns.a(host);
  std::vector<std::string> found = aaaa.records;
  found.insert(found.end(), a.records.begin(), a.records.end());
  PostAddresses result = judge(found);
  // What failed to be looked up may be the address that is allowed.
  const bool all_known = a.status != DnsStatus::failed && aaaa.status != DnsStatus::failed;
  if (result.allowed.empty() && (found.empty() || !all_known)) result.refusal = not_found(a, aaaa);
  return result;
}

}  // namespace tlsrpt::sender
