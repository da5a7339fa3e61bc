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

std::string_view tag_of(Disposition disposition) {
  switch (disposition) {
    case Disposition::stored:
      return "report-stored";
    case Disposition::refused:
      return "report-refused";
    case Disposition::no_report:
      return "not-a-report";
    case Disposition::dns_error:
    case Disposition::unverified:
      return "dns-error";
    case Disposition::over_limit:
      return "over-limit";
    case Disposition::failed:
      return "intake-failed";
  }
  return "intake-failed";
}

LogLevel level_of(Disposition disposition) {
  switch (disposition) {
    case Disposition::stored:
    case Disposition::no_report:
      return LogLevel::info;
    case Disposition::refused:
      return LogLevel::notice;
    case Disposition::dns_error:
    case Disposition::unverified:
    case Disposition::over_limit:
      return LogLevel::warning;
    case Disposition::failed:
      return LogLevel::error;
  }
  return LogLevel::error;
}

std::string_view stored_tag(bool duplicate) {
  return duplicate ? "report-duplicate" : "report-stored";
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

bool is_accepted(const ReadOutcome& outcome) { return outcome.accepted(); }
bool is_refused(const ReadOutcome& outcome) { return !outcome.accepted(); }

/// What every line about a mail begins with.
LogLine start_line(std::string_view tag, const IntakeResult& result, std::string_view queue_id) {
  LogLine line(tag);
  line.add("queue_id", queue_id.empty() ? std::string_view("-") : queue_id);
  add_if_any(line, "from_domain", result.facts.from_domain);
  line.add("dkim", to_word(result.dkim.status));
  add_if_any(line, "dkim_domain", result.dkim.best.domain);
  return line;
}

/// How many parts were refused, and why the first of them was.
void add_refusals(LogLine& line, const IntakeResult& result) {
  const auto first = std::find_if(result.outcomes.begin(), result.outcomes.end(), is_refused);
  if (first == result.outcomes.end()) return;
  line.add("refused", std::int64_t{std::count_if(first, result.outcomes.end(), is_refused)});
  line.add("reason", to_word(first->refusal));
}

/// One line for each report that was stored or known already.
std::vector<LogEntry> describe_reports(const IntakeResult& result, std::string_view queue_id) {
  std::vector<LogEntry> entries;
  std::size_t reports = 0;
  for (const ReadOutcome& outcome : result.outcomes) {
    if (!outcome.accepted()) continue;
    // Where nothing is stored (-t), every report is new.
    const bool duplicate = reports < result.stored.size() && result.stored[reports].duplicate;
    if (++reports > kMaxLines) continue;
    LogLine line = start_line(stored_tag(duplicate), result, queue_id);
    add_report(line, outcome);
    entries.push_back({level_of(Disposition::stored), std::move(line)});
  }
  if (reports > kMaxLines) {
    entries.back().line.add("more_reports", std::uint64_t{reports - kMaxLines});
  }
  return entries;
}

}  // namespace

std::vector<LogEntry> describe_mail(const IntakeResult& result, std::string_view queue_id) {
  std::vector<LogEntry> entries;
  Disposition rest = result.disposition;
  if (rest == Disposition::stored) {
    entries = describe_reports(result, queue_id);
    const bool all_stored =
        std::none_of(result.outcomes.begin(), result.outcomes.end(), is_refused);
    if (all_stored && !entries.empty()) return entries;
    if (!all_stored) rest = Disposition::refused;
  }
  LogLine line = start_line(tag_of(rest), result, queue_id);
  // A mail that comes again names its report already now.
  const auto report = std::find_if(result.outcomes.begin(), result.outcomes.end(), is_accepted);
  if (result.disposition != Disposition::stored && report != result.outcomes.end()) {
    add_report(line, *report);
  }
  if (rest != Disposition::no_report) add_refusals(line, result);
  add_if_any(line, "detail", result.detail);
  entries.push_back({level_of(rest), std::move(line)});
  return entries;
}

void add_intake(LogLine& line, const IntakeResult& result) {
  line.add("dkim", to_word(result.dkim.status));
  const auto report = std::find_if(result.outcomes.begin(), result.outcomes.end(), is_accepted);
  if (report != result.outcomes.end()) {
    add_report(line, *report);
    const auto reports = std::count_if(report, result.outcomes.end(), is_accepted);
    if (reports > 1) line.add("reports", std::int64_t{reports});
  }
  add_refusals(line, result);
  add_if_any(line, "detail", result.detail);
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
