// SPDX-License-Identifier: BSD-2-Clause
#include "milter/summary_text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/escape.hpp"
#include "common/result_type.hpp"
#include "milter/summary_counters.hpp"
#include "milter/text_table.hpp"

namespace tlsrpt::milter {

namespace {

constexpr std::size_t kMaxFailureRows = 20;  ///< of one result type
constexpr std::size_t kMaxRows = 100;        ///< of domains and reporters
constexpr std::size_t kMaxSilent = 10;
constexpr std::size_t kMaxOtherTypes = 5;  ///< policy types that are not in the RFC
constexpr std::size_t kMaxTypeBytes = 80;

std::string day_of(Seconds time) { return format_day(std::chrono::floor<std::chrono::days>(time)); }

/// The last day of a range, which may end with the next midnight.
std::string last_day_of(Seconds end) { return day_of(end - std::chrono::seconds(1)); }

std::string minute_of(Seconds time) {
  std::string text = format_rfc3339(time);  // 2026-03-02T07:00:00Z
  text[10] = ' ';
  return text.substr(0, 16) + " UTC";
}

std::string or_unknown(const std::string& text) { return text.empty() ? "(none given)" : text; }

std::string shown_type(const std::string& type) { return type.empty() ? "(no type)" : type; }

/// A type as it may stand in a line of text; senders' own words may be anything.
std::string type_in_text(const std::string& type) {
  return escape_terminal(std::string_view(shown_type(type)).substr(0, kMaxTypeBytes));
}

std::string rest_line(std::size_t all, std::size_t shown) {
  return all > shown ? fmt::format("  ... and {} more\n", group_digits(all - shown)) : "";
}

std::string heading(const Summary& summary) {
  const SummaryQuestion& question = summary.question;
  std::string text = fmt::format("TLS reports with days since {}", day_of(question.since));
  if (question.until) {
    text += fmt::format(" and before {}", day_of(*question.until));
  }
  if (!question.domain.empty()) text += " about " + escape_terminal(question.domain);
  text += '\n';
  if (summary.reports == 0) return text;
  text += fmt::format("{} report{} from {} reporter{}, {} to {}; the newest arrived {}\n",
                      group_digits(summary.reports), summary.reports == 1 ? "" : "s",
                      group_digits(summary.reporters.size()),
                      summary.reporters.size() == 1 ? "" : "s", day_of(*summary.oldest_start),
                      last_day_of(*summary.newest_end), minute_of(*summary.newest_arrival));
  return text;
}

std::string verdict_of(const std::string& type, const SessionCounts& counts) {
  const std::uint64_t all = counts.successful + counts.failed;
  const std::string name = type_in_text(type);
  if (counts.failed > 0) {
    return fmt::format("FAILURES under {}: {} of {} sessions failed ({} successful).\n", name,
                       group_digits(counts.failed), group_digits(all),
                       success_rate(counts.successful, counts.failed));
  }
  if (counts.described > 0) {
    return fmt::format("FAILURES under {} are described below, but no failed session is counted.\n",
                       name);
  }
  if (all == 0) return fmt::format("No sessions under {} were counted.\n", name);
  if (all == 1) return fmt::format("The one session under {} was safe.\n", name);
  return fmt::format("All {} sessions under {} were safe.\n", group_digits(all), name);
}

/// "All 1,203 sessions under sts were safe." One line for each policy type, those of the RFC first:
/// what strangers make up must not push them out.
std::string verdict(const Summary& summary) {
  std::string known;
  std::string others;
  std::size_t other_types = 0;
  for (const auto& [type, counts] : summary.by_policy_type) {
    if (is_registered_policy_type(type)) {
      known += verdict_of(type, counts);
    } else if (++other_types <= kMaxOtherTypes) {
      others += verdict_of(type, counts);
    }
  }
  std::string text = known + others + rest_line(other_types, kMaxOtherTypes);
  if (summary.by_policy_type.size() > 1) {
    text += "(A session may be counted under sts and tlsa: these numbers are not to be added.)\n";
  }
  return text;
}

std::string joined(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// Failures under one heading: a result type, and what it means under the policy.
struct FailureKind {
  std::string type;
  std::string_view explanation;
  explicit FailureKind(const FailureSummary& failure)
      : type(failure.result_type),
        explanation(explain_result_type(failure.result_type, failure.policy_type)) {}
  bool operator==(const FailureKind&) const = default;
};

/// The rows of one kind, which come in order of their sessions.
std::string failures_of_kind(const Summary& summary, const FailureKind& kind) {
  TextTable table({{"SESSIONS", true},
                   {"DOMAIN", false, 30},
                   {"POLICY", false, 16},
                   {"MX", false, 32},
                   {"ADDRESS"},
                   {"REASON", false, 36},
                   {"REPORTED BY", false, 40}});
  std::size_t all = 0;
  for (const FailureSummary& failure : summary.failures) {
    if (FailureKind(failure) != kind || ++all > kMaxFailureRows) continue;
    table.add({group_digits(failure.sessions), failure.policy_domain, failure.policy_type,
               failure.receiving_mx_hostname, failure.receiving_ip, failure.failure_reason_code,
               joined(failure.reporters)});
  }
  const std::string& type = kind.type;
  return fmt::format(
             "\n{}: {}\n",
             type.empty() ? "(no result type)"
                          : escape_terminal(std::string_view(type).substr(0, kMaxTypeBytes)),
             kind.explanation.empty() ? "not a result type of RFC 8460" : kind.explanation) +
         table.text() + rest_line(all, kMaxFailureRows);
}

std::string failures(const Summary& summary) {
  std::string text;
  std::vector<FailureKind> kinds;
  for (const FailureSummary& failure : summary.failures) {
    const FailureKind kind(failure);
    if (std::find(kinds.begin(), kinds.end(), kind) != kinds.end()) continue;
    kinds.push_back(kind);
    if (kinds.size() <= kMaxFailureRows) text += failures_of_kind(summary, kind);
  }
  TextTable unexplained({{"SESSIONS", true}, {"DOMAIN", false, 40}, {"POLICY", false, 16}});
  for (const DomainSummary& domain : summary.domains) {
    if (domain.sessions.unexplained == 0) continue;
    unexplained.add(
        {group_digits(domain.sessions.unexplained), domain.policy_domain, domain.policy_type});
  }
  if (!unexplained.empty()) {
    text += "\nUnexplained: failed sessions that were counted, but not described\n";
    text += unexplained.text();
  }
  return text.empty() ? text : "\nFAILURES\n" + text;
}

std::string domains(const Summary& summary) {
  TextTable table({{"DOMAIN", false, 40},
                   {"POLICY", false, 16},
                   {"SUCCESSFUL", true},
                   {"FAILED", true},
                   {"SUCCESS RATE", true}});
  for (const DomainSummary& domain : summary.domains) {
    if (&domain - summary.domains.data() >= std::ptrdiff_t{kMaxRows}) break;
    table.add({or_unknown(domain.policy_domain), shown_type(domain.policy_type),
               group_digits(domain.sessions.successful), group_digits(domain.sessions.failed),
               success_rate(domain.sessions.successful, domain.sessions.failed)});
  }
  if (table.empty()) return {};
  return "\nDOMAINS\n" + table.text() + rest_line(summary.domains.size(), kMaxRows);
}

std::string dkim_words(const ReporterSummary& reporter) {
  if (reporter.dkim.size() == 1) return std::string(to_word(reporter.dkim.begin()->first));
  std::string text;
  for (const auto& [status, reports] : reporter.dkim) {
    if (!text.empty()) text += ", ";
    text += fmt::format("{} {}", to_word(status), reports);
  }
  return text;
}

/// A line for each policy type of a reporter, as their sessions must not be added.
void add_reporter(TextTable& table, const ReporterSummary& reporter) {
  std::vector<std::string> head = {or_unknown(reporter.submitter), reporter.organization_name,
                                   group_digits(reporter.reports),
                                   last_day_of(reporter.newest_end)};
  const std::string dkim = dkim_words(reporter);
  if (reporter.by_policy_type.empty()) {
    head.insert(head.end(), {"", "", "", dkim});
    table.add(head);
  }
  std::size_t types = 0;
  for (const auto& [type, counts] : reporter.by_policy_type) {
    if (++types > kMaxFailureRows) break;
    std::vector<std::string> cells = std::move(head);
    head = std::vector<std::string>(cells.size());
    cells.insert(cells.end(), {shown_type(type), group_digits(counts.successful + counts.failed),
                               group_digits(counts.failed), types == 1 ? dkim : ""});
    table.add(std::move(cells));
  }
}

std::string reporters(const Summary& summary) {
  TextTable table({{"REPORTER", false, 24},
                   {"ORGANIZATION", false, 20},
                   {"REPORTS", true},
                   {"NEWEST DAY"},
                   {"POLICY", false, 16},
                   {"SESSIONS", true},
                   {"FAILED", true},
                   {"DKIM", false, 40}});
  const std::size_t shown = std::min(summary.reporters.size(), kMaxRows);
  for (std::size_t i = 0; i < shown; ++i) add_reporter(table, summary.reporters[i]);
  if (table.empty()) return {};
  return "\nREPORTERS\n" + table.text() + rest_line(summary.reporters.size(), kMaxRows);
}

std::string silent(const Summary& summary) {
  TextTable table({{"REPORTER", false, 40}, {"LAST DAY REPORTED"}});
  const std::size_t shown = std::min(summary.silent.size(), kMaxSilent);
  for (std::size_t i = 0; i < shown; ++i) {
    table.add({or_unknown(summary.silent[i].submitter), last_day_of(summary.silent[i].newest_end)});
  }
  if (table.empty()) return {};
  return "\nSILENT: reported before, but not about the last three days\n" + table.text() +
         rest_line(summary.silent.size(), kMaxSilent);
}

std::string refused(const Summary& summary) {
  TextTable table({{"INPUTS", true}, {"REASON"}});
  for (const auto& [refusal, inputs] : summary.refused) {
    table.add({group_digits(inputs),
               refusal == Refusal::none ? "(unknown reason)" : std::string(to_word(refusal))});
  }
  if (table.empty()) return {};
  return "\nREFUSED (list --rejected shows each)\n" + table.text();
}

std::string quarantined(const Summary& summary) {
  if (summary.quarantined == 0) return {};
  std::string names;
  for (const std::string& name : summary.quarantined_domains) {
    names += (names.empty() ? "" : ", ") + escape_terminal(or_unknown(name));
  }
  if (summary.quarantined_domains.size() == SummaryBuilder::kMaxQuarantinedDomains) {
    names += " and maybe more";
  }
  return fmt::format(
      "\nQUARANTINED\n{} report{} about domains that are not yours: opentlsrpt-reports list "
      "--quarantined\nThey are about {}. What is yours belongs into PolicyDomains, MX hosts too.\n",
      group_digits(summary.quarantined), summary.quarantined == 1 ? "" : "s", names);
}

std::string notes(const Summary& summary) {
  std::string text;
  if (summary.without_policies > 0) {
    text += fmt::format("\n{} report{} without any policy counted nothing.\n",
                        group_digits(summary.without_policies),
                        summary.without_policies == 1 ? "" : "s");
  }
  if (summary.left_out > 0) {
    text += fmt::format("\n{} further distinct entries are left out; ask for fewer days.\n",
                        group_digits(summary.left_out));
  }
  return text;
}

}  // namespace

std::string summary_text(const Summary& summary) {
  std::string text = heading(summary);
  if (summary.reports == 0) {
    text += "No report has come for these days.\n";
  } else {
    text += "\n" + verdict(summary) + failures(summary) + domains(summary) + reporters(summary);
  }
  return text + silent(summary) + quarantined(summary) + refused(summary) +
         losses_text(summary.counters) + notes(summary);
}

}  // namespace tlsrpt::milter
