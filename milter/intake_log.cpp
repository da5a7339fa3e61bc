// SPDX-License-Identifier: BSD-2-Clause
#include "milter/intake_log.hpp"

#include <algorithm>
#include <limits>
#include <set>

namespace tlsrpt::milter {

namespace {

constexpr std::size_t kMaxLines = 50;
constexpr std::size_t kMaxDomains = 5;

std::uint64_t add_saturated(std::uint64_t a, std::uint64_t b) {
  return a > std::numeric_limits<std::uint64_t>::max() - b
             ? std::numeric_limits<std::uint64_t>::max()
             : a + b;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ',';
    text += word;
  }
  return text;
}

std::string_view tag_of(const IntakeResult& result) {
  switch (result.disposition) {
    case Disposition::stored:
      return !result.stored.empty() &&
                     std::all_of(result.stored.begin(), result.stored.end(),
                                 [](const StoredReport& report) { return report.duplicate; })
                 ? "report-duplicate"
                 : "report-stored";
    case Disposition::refused:
      return "report-refused";
    case Disposition::no_report:
      return "not-a-report";
    case Disposition::dns_error:
      return "dns-error";
    case Disposition::failed:
      return "intake-failed";
  }
  return "intake-failed";
}

void add_if_any(LogLine& line, std::string_view key, std::string_view value) {
  if (!value.empty()) line.add(key, value);
}

/// The domains of a report: the first few, then how many more.
std::string domains_of(const Report& report) {
  std::set<std::string_view> domains;
  for (const PolicyResult& result : report.policies) domains.insert(result.policy.policy_domain);
  std::string text;
  std::size_t shown = 0;
  for (const std::string_view domain : domains) {
    if (shown == kMaxDomains) return text + fmt::format(",+{}", domains.size() - shown);
    if (shown++ > 0) text += ',';
    text += domain;
  }
  return text;
}

/// Counts are credited to their own policy object: these two are for the eye (R242), so they are
/// the largest of any policy, never a sum.
void add_counts(LogLine& line, const Report& report) {
  std::uint64_t sessions = 0;
  std::uint64_t failures = 0;
  for (const PolicyResult& result : report.policies) {
    sessions = std::max(sessions, add_saturated(result.total_successful_session_count,
                                                result.total_failure_session_count));
    failures = std::max(failures, result.total_failure_session_count);
  }
  line.add("sessions", sessions).add("failures", failures);
}

void add_report(LogLine& line, const ReadOutcome& outcome) {
  add_if_any(line, "domain", domains_of(outcome.report));
  add_if_any(line, "report_id", outcome.report.report_id);
  add_if_any(line, "organization", outcome.report.organization_name);
  add_counts(line, outcome.report);
  add_if_any(line, "flags", joined(outcome.flags.words()));
}

}  // namespace

LogLevel level_of(const IntakeResult& result) {
  switch (result.disposition) {
    case Disposition::stored:
    case Disposition::no_report:
      return LogLevel::info;
    case Disposition::refused:
      return LogLevel::notice;
    case Disposition::dns_error:
      return LogLevel::warning;
    case Disposition::failed:
      return LogLevel::error;
  }
  return LogLevel::error;
}

void add_intake(LogLine& line, const IntakeResult& result) {
  add_if_any(line, "from_domain", result.facts.from_domain);
  line.add("dkim", to_word(result.dkim.status));
  add_if_any(line, "dkim_domain", result.dkim.best.domain);
  const auto accepted = [](const ReadOutcome& outcome) { return outcome.accepted(); };
  const auto reports = std::count_if(result.outcomes.begin(), result.outcomes.end(), accepted);
  const auto refusals = static_cast<std::ptrdiff_t>(result.outcomes.size()) - reports;
  const auto first = std::find_if(result.outcomes.begin(), result.outcomes.end(), accepted);
  if (first != result.outcomes.end()) add_report(line, *first);
  if (reports > 1) line.add("reports", std::int64_t{reports});
  if (result.disposition != Disposition::no_report && refusals > 0) {
    const auto refused = std::find_if_not(result.outcomes.begin(), result.outcomes.end(), accepted);
    line.add("refused", std::int64_t{refusals}).add("reason", to_word(refused->refusal));
  }
  add_if_any(line, "detail", result.detail);
}

LogLine describe_mail(const IntakeResult& result, std::string_view queue_id) {
  LogLine line(tag_of(result));
  line.add("queue_id", queue_id.empty() ? std::string_view("-") : queue_id);
  add_intake(line, result);
  return line;
}

std::vector<LogLine> explain_mail(const IntakeResult& result, std::string_view queue_id) {
  std::vector<LogLine> lines;
  const auto start = [&](std::string_view tag) -> LogLine& {
    return lines.emplace_back(tag).add("queue_id",
                                       queue_id.empty() ? std::string_view("-") : queue_id);
  };
  for (const SignatureVerdict& signature : result.dkim.signatures) {
    if (lines.size() == kMaxLines) return lines;
    LogLine& line = start("dkim-signature");
    line.add("status", to_word(signature.status)).add("domain", signature.domain);
    line.add("selector", signature.selector).add("algorithm", signature.algorithm);
    add_if_any(line, "reason", signature.reason);
  }
  for (const ReadOutcome& outcome : result.outcomes) {
    if (lines.size() == kMaxLines) return lines;
    LogLine& line = start("report-part");
    line.add("verdict", outcome.accepted() ? "accepted" : "rejected");
    if (outcome.accepted()) {
      add_report(line, outcome);
    } else {
      line.add("reason", to_word(outcome.refusal));
      add_if_any(line, "detail", outcome.detail);
    }
  }
  return lines;
}

}  // namespace tlsrpt::milter
