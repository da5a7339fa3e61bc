// SPDX-License-Identifier: BSD-2-Clause

// What a domain should publish.

#include <algorithm>

#include "common/escape.hpp"
#include "common/tlsrpt_record.hpp"
#include "sender/check_text.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::chrono::seconds kTestingAge{86400};
constexpr std::chrono::seconds kEnforceAge{604800};

bool passes_pkix(const HostCheck& host) {
  return !host.sessions.empty() &&
         std::all_of(host.sessions.begin(), host.sessions.end(), [](const SessionCheck& session) {
           const ObservedSession& seen = session.probe.session;
           return seen.starttls == StarttlsState::established && seen.pkix.complete &&
                  seen.pkix.errors.empty();
         });
}

/// "20260301T120000Z" without what an id may not have.
std::string policy_id(Seconds now) {
  std::string id;
  for (const char c : format_rfc3339(now)) {
    if (c >= '0' && c <= '9') id += c;
  }
  return id;
}

std::string tlsrpt_line(const DomainCheck& check) {
  std::string uris;
  for (const Rua& rua : check.tlsrpt.rua) {
    uris += (uris.empty() ? "" : ",") + encode_rua(rua.uri);
  }
  if (uris.empty()) uris = "mailto:tlsrpt@" + check.domain;
  return fmt::format("{}. IN TXT \"v=TLSRPTv1; rua={}\"", tlsrpt_name(check.domain), uris);
}

void add_sts(const DomainCheck& check, Seconds now, std::vector<std::string>& lines) {
  std::vector<std::string> mx;
  for (const HostCheck& host : check.hosts) {
    if (passes_pkix(host)) mx.push_back(host.host);
  }
  if (mx.empty()) {
    lines.emplace_back("; No MTA-STS: no MX host has a certificate that senders would trust.");
    return;
  }
  const bool all = mx.size() == check.hosts.size();
  lines.push_back(
      fmt::format("{}. IN TXT \"v=STSv1; id={}\"", sts_record_name(check.domain), policy_id(now)));
  lines.push_back(
      fmt::format("; https://{}/.well-known/mta-sts.txt, as text/plain:", sts_host(check.domain)));
  if (!all) {
    lines.emplace_back(
        "; Mode testing until the other hosts have certificates that senders trust.");
  }
  lines.emplace_back("version: STSv1");
  lines.push_back(all ? "mode: enforce" : "mode: testing");
  for (const std::string& host : mx) lines.push_back("mx: " + escape_terminal(host));
  lines.push_back(fmt::format("max_age: {}", (all ? kEnforceAge : kTestingAge).count()));
}

/// Records of the keys seen; of hosts whose addresses are signed only, since others do not count.
void add_tlsa(const DomainCheck& check, std::uint16_t port, std::vector<std::string>& lines) {
  std::vector<std::string> records;
  for (const HostCheck& host : check.hosts) {
    if (!host.dane.secure_addresses) continue;
    const std::string& base = host.dane.base_domain.empty() ? host.host : host.dane.base_domain;
    for (const SessionCheck& session : host.sessions) {
      const auto& certificate = session.probe.certificate;
      if (!certificate || certificate->key_record.data.empty()) continue;
      const std::string line =
          fmt::format("_{}._tcp.{}. IN TLSA {}", port, base, to_text(certificate->key_record));
      if (std::find(records.begin(), records.end(), line) == records.end()) {
        records.push_back(line);
      }
    }
  }
  if (records.empty()) {
    lines.emplace_back("; No TLSA records: they count in zones with DNSSEC only.");
  }
  lines.insert(lines.end(), records.begin(), records.end());
}

}  // namespace

std::vector<std::string> describe_publication(const DomainCheck& check, Seconds now) {
  std::vector<std::string> lines = {tlsrpt_line(check)};
  const bool looked = std::any_of(check.hosts.begin(), check.hosts.end(),
                                  [](const HostCheck& host) { return !host.sessions.empty(); });
  if (!looked) {
    lines.emplace_back("; Without connections nothing can be said about MTA-STS and TLSA.");
    return lines;
  }
  add_tlsa(check, 25, lines);
  add_sts(check, now, lines);
  return lines;
}

}  // namespace tlsrpt::sender
