// SPDX-License-Identifier: BSD-2-Clause
#include "sender/start_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/ip_network.hpp"
#include "sender/key_check.hpp"
#include "sender/place_checks.hpp"

namespace tlsrpt::sender {

namespace {

void append(Findings& all, Findings more) {
  std::move(more.begin(), more.end(), std::back_inserter(all));
}

Findings check_files(const ReporterSettings& settings) {
  Findings findings = check_database_place(settings.database);
  if (!settings.smtp.sendmail_path.empty()) {
    append(findings, check_program("SendmailPath", settings.smtp.sendmail_path));
  }
  if (!settings.rules_file.empty()) {
    append(findings, check_readable("DestinationRules", settings.rules_file));
  }
  return findings;
}

/// Whether there is an address, where no MX says where mail goes.
Findings check_address_of(Dns& dns, const std::string& domain) {
  const DnsStatus a = dns.a(domain).status;
  if (a == DnsStatus::found) return {};
  const DnsStatus aaaa = dns.aaaa(domain).status;
  if (aaaa == DnsStatus::found) return {};
  if (a == DnsStatus::failed || aaaa == DnsStatus::failed) {
    return {
        warning(fmt::format("the addresses of {} could not be looked up, so it is not known if "
                            "mail to ContactInfo arrives; try again, or change Nameserver",
                            domain))};
  }
  return {
      warning(fmt::format("{} has neither an MX nor an address, so nobody can write to "
                          "ContactInfo; publish an MX, or change ContactInfo",
                          domain))};
}

}  // namespace

Findings check_keys(Dns& dns, const std::vector<SigningKey>& keys, const std::string& domain) {
  std::vector<KeyVerdict> verdicts;
  for (const SigningKey& key : keys) verdicts.push_back(check_key(dns, key, domain));
  const bool all_unusable =
      std::all_of(verdicts.begin(), verdicts.end(),
                  [](const KeyVerdict& one) { return is_unusable(one.state); });
  Findings findings;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::string name = "key " + keys[i].selector + ": ";
    if (!verdicts[i].advice.empty()) {
      const std::string text = name + verdicts[i].advice;
      findings.push_back(all_unusable ? problem(text) : warning(text));
    }
    for (const std::string& text : verdicts[i].warnings) findings.push_back(warning(name + text));
  }
  return findings;
}

Findings check_contact_domain(Dns& dns, const std::string& domain) {
  const DnsAnswer<MxRecord> mx = dns.mx(domain);
  if (mx.status == DnsStatus::failed) {
    return {
        warning(fmt::format("the MX of {} could not be looked up ({}), so it is not known if "
                            "mail to ContactInfo arrives; try again, or change Nameserver",
                            domain, mx.detail))};
  }
  if (mx.absent() || mx.records.empty()) return check_address_of(dns, domain);
  if (mx.records.front().host != ".") return {};
  return {
      warning(fmt::format("{} takes no mail (null MX, RFC 7505), so nobody can write to "
                          "ContactInfo; publish an MX, or change ContactInfo",
                          domain))};
}

Findings check_relays(const std::vector<Relay>& relays, const ProbeRelay& probe) {
  Findings findings;
  for (const Relay& relay : relays) {
    const auto answer = probe(relay);
    if (answer) continue;
    findings.push_back(
        warning(fmt::format("SMTPServer {} takes no reports ({}); start it, let it relay for this "
                            "machine, or change SMTPServer",
                            to_string(relay), answer.error().detail)));
  }
  if (findings.size() < relays.size()) return findings;
  for (Finding& one : findings) one.severity = Finding::Severity::problem;
  return findings;
}

namespace {

/// A password is for one server; without 'verify' anybody can say to be that one.
Findings check_password(const SmtpSettings& smtp) {
  const auto is_far = [](const Relay& relay) {
    const auto ip = parse_ip(relay.host);
    const bool loopback =
        relay.host == "localhost" || (ip && (IpNetwork::parse("127.0.0.0/8")->contains(*ip) ||
                                             IpNetwork::parse("::1")->contains(*ip)));
    return relay.path.empty() && !loopback;
  };
  if (smtp.user.empty() || smtp.tls == RelayTls::verify ||
      std::none_of(smtp.relays.begin(), smtp.relays.end(), is_far)) {
    return {};
  }
  return {
      warning("the password of SMTPUser goes to whoever answers in place of SMTPServer; set "
              "SMTPTLS verify")};
}

}  // namespace

Findings start_checks(const ReporterSettings& settings, const std::vector<SigningKey>& keys,
                      Dns& dns, const ProbeRelay& probe) {
  Findings findings = check_files(settings);
  append(findings, check_keys(dns, keys, settings.identity.submitter));
  append(findings, check_contact_domain(dns, settings.identity.submitter));
  if (settings.smtp.sendmail_path.empty()) {
    append(findings, check_password(settings.smtp));
    append(findings, check_relays(settings.smtp.relays, probe));
  }
  return findings;
}

}  // namespace tlsrpt::sender
