// SPDX-License-Identifier: BSD-2-Clause
#include "sender/check_text.hpp"

#include <algorithm>

#include "common/escape.hpp"
#include "common/failure_advice.hpp"
#include "sender/reason_code.hpp"
#include "sender/text_table.hpp"

namespace tlsrpt::sender {

namespace {

std::string join(const std::vector<std::string>& words, std::string_view between) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += between;
    text += word;
  }
  return text;
}

std::string tlsrpt_line(const TlsrptCheck& tlsrpt) {
  switch (tlsrpt.verdict) {
    case TlsrptCheck::Verdict::none:
      return "no record: nobody sends reports";
    case TlsrptCheck::Verdict::unknown:
      return "not known";
    case TlsrptCheck::Verdict::defective:
      if (tlsrpt.rua.empty()) return "defective";
      break;
    case TlsrptCheck::Verdict::good:
      break;
  }
  std::vector<std::string> uris;
  for (const Rua& rua : tlsrpt.rua) uris.push_back(rua.uri);
  return "reports to " + escape_terminal(join(uris, ", "));
}

std::string sts_line(const StsDiscovery& sts) {
  if (sts.policy) {
    return escape_terminal(fmt::format("mode {}, max_age {} s, id {}, mx {}",
                                       to_word(sts.policy->mode), sts.policy->max_age.count(),
                                       sts.record.id, join(sts.policy->mx, " ")));
  }
  if (sts.problem) {
    return escape_terminal(fmt::format("announced with id {}, but {}: {}", sts.record.id,
                                       sts.problem->reason_code, sts.problem->detail));
  }
  return sts.record.verdict == StsRecord::Verdict::failed ? "not known" : "none";
}

std::string mx_line(const DomainCheck& check) {
  switch (check.mx) {
    case MxKind::hosts:
      return fmt::format("{} host{}{}", check.hosts.size(), check.hosts.size() == 1 ? "" : "s",
                         check.mx_secure ? ", secured by DNSSEC" : ", without DNSSEC");
    case MxKind::address:
      return "no MX record; the address of the domain counts";
    case MxKind::null_mx:
      return "null MX: the domain takes no mail";
    case MxKind::no_host:
      return "none";
    case MxKind::failed:
      break;
  }
  return "not known";
}

std::string tls_cell(const SessionCheck& session) {
  const ObservedSession& seen = session.probe.session;
  switch (seen.starttls) {
    case StarttlsState::established:
      return session.probe.tls_version;
    case StarttlsState::refused:
    case StarttlsState::failed:
      return seen.reason_code;
    case StarttlsState::not_reached:
      return "not reached";
    case StarttlsState::not_offered:
      return "no STARTTLS";
    case StarttlsState::skipped:
      break;
  }
  return "-";
}

std::string verification_cell(const Verification& verification) {
  if (verification.errors.empty()) return verification.complete ? "valid" : "-";
  std::vector<std::string> words;
  for (const int error : verification.errors) {
    const FailureDetails details = classify_certificate(error);
    const std::string word =
        details.failure_reason_code.empty() ? details.result_type : details.failure_reason_code;
    if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
  }
  return join(words, " ");
}

std::string dane_cell(const HostCheck& host, const SessionCheck* session) {
  if (host.dane.unknown) return "?";
  if (host.dane.status != DaneStatus::usable || session == nullptr) {
    return std::string(to_word(host.dane.status));
  }
  const Verification& dane = session->probe.session.dane;
  return dane.complete && dane.errors.empty() ? "match" : verification_cell(dane);
}

std::string policy_cell(const HostCheck& host) {
  if (!host.in_policy) return "-";
  return *host.in_policy ? "yes" : "no";
}

std::string until_cell(const SessionCheck& session) {
  if (!session.probe.certificate) return "-";
  return format_rfc3339(session.probe.certificate->not_after).substr(0, 10);
}

std::vector<std::vector<std::string>> rows_of(const HostCheck& host) {
  std::vector<std::vector<std::string>> rows;
  for (const SessionCheck& session : host.sessions) {
    rows.push_back({host.host, session.probe.session.receiving_ip, tls_cell(session),
                    verification_cell(session.probe.session.pkix), until_cell(session),
                    policy_cell(host), dane_cell(host, &session)});
  }
  if (rows.empty()) {
    const std::string addresses = host.addresses.empty() ? "-" : join(host.addresses, " ");
    rows.push_back(
        {host.host, addresses, "-", "-", "-", policy_cell(host), dane_cell(host, nullptr)});
  }
  for (auto& row : rows) {
    for (std::string& cell : row) cell = escape_terminal(cell);
  }
  return rows;
}

void add_table(const DomainCheck& check, std::size_t width, std::vector<std::string>& lines) {
  if (check.hosts.empty()) return;
  const std::vector<TableColumn> columns = {{"MX", 40},          {"ADDRESS", 39}, {"TLS", 40},
                                            {"TRUST STORE", 60}, {"UNTIL", 10},   {"STS", 3},
                                            {"DANE", 40}};
  std::vector<std::vector<std::string>> rows;
  for (const HostCheck& host : check.hosts) {
    for (auto& row : rows_of(host)) rows.push_back(std::move(row));
  }
  constexpr std::size_t kIndent = 2;
  const std::size_t inner = width > kIndent ? width - kIndent : width;
  for (const std::string& line : text_table(columns, rows, inner)) lines.push_back("  " + line);
}

std::string place_of(const ReportedFailure& failure) {
  std::string place = failure.host.empty() ? failure.policy_domain : failure.host;
  if (!failure.address.empty()) place += " [" + failure.address + "]";
  return place;
}

void add_failures(const DomainCheck& check, std::vector<std::string>& lines) {
  if (check.failures.empty()) return;
  lines.emplace_back("Senders would report:");
  for (const ReportedFailure& failure : check.failures) {
    std::string line = fmt::format("  {}: {}", failure.policy_type, failure.result_type);
    if (!failure.reason_code.empty()) line += fmt::format(" ({})", failure.reason_code);
    lines.push_back(escape_terminal(line + "  " + place_of(failure)));
    const FailureAdvice advice =
        advise(failure.policy_type, failure.result_type, failure.reason_code);
    const std::string domain = escape_terminal(check.domain);
    lines.push_back("    " + for_domain(advice.meaning, domain));
    lines.push_back("    Mend: " + for_domain(advice.remedy, domain));
  }
}

void add_list(std::string_view title, const std::vector<std::string>& texts,
              std::vector<std::string>& lines) {
  if (texts.empty()) return;
  lines.emplace_back(title);
  for (const std::string& text : texts) lines.push_back("  " + escape_terminal(text));
}

}  // namespace

std::vector<std::string> describe(const DomainCheck& check, std::size_t width) {
  std::vector<std::string> lines;
  lines.push_back(describe_shortly(check));
  lines.push_back("  TLSRPT   " + tlsrpt_line(check.tlsrpt));
  lines.push_back("  MTA-STS  " + sts_line(check.sts));
  lines.push_back("  MX       " + mx_line(check));
  add_table(check, width, lines);
  add_failures(check, lines);
  std::vector<std::string> problems = check.tlsrpt.problems;
  problems.insert(problems.end(), check.problems.begin(), check.problems.end());
  add_list("Defects that nobody reports:", problems, lines);
  std::vector<std::string> warnings = check.tlsrpt.warnings;
  if (!check.validated) {
    warnings.emplace_back(
        "the resolver does not validate DNSSEC, so DANE cannot be seen: set Nameserver to one "
        "that does");
  }
  add_list("Warnings:", warnings, lines);
  add_list("Could not be looked at:", check.unknown, lines);
  return lines;
}

std::string describe_shortly(const DomainCheck& check) {
  return fmt::format("{}: {}", escape_terminal(check.domain), to_word(status_of(check)));
}

}  // namespace tlsrpt::sender
