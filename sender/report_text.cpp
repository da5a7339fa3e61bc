// SPDX-License-Identifier: BSD-2-Clause
#include "sender/report_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "common/escape.hpp"
#include "common/result_type.hpp"
#include "common/tlsrpt_record.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kLine = 72;
constexpr std::size_t kMaxPolicies = 10;
constexpr std::size_t kMaxFailures = 5;  // of one policy
constexpr std::string_view kRestIndent = "  ";

/// Appends words with as many on each line as fit. Further lines begin with 'rest'.
void append_wrapped(std::string& out, std::string_view first, std::string_view rest,
                    std::string_view text) {
  std::string line(first);
  bool empty = true;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    if (!empty && line.size() + 1 + word.size() > kLine) {
      out += line + '\n';
      line = rest;
      empty = true;
    }
    if (!empty) line += ' ';
    line += word;
    empty = false;
  }
  out += line + '\n';
}

void append_paragraph(std::string& out, std::string_view text) {
  append_wrapped(out, "", "", text);
  out += '\n';
}

std::string sessions(std::uint64_t count) {
  return fmt::format("{} session{}", count, count == 1 ? "" : "s");
}

/// "77.7%": cut, not rounded, so that 100% means all.
std::string success_rate(std::uint64_t successful, std::uint64_t failed) {
  const std::uint64_t permille = successful * 1000 / (successful + failed);
  if (permille == 0 && successful > 0) return "<0.1%";
  if (permille % 10 == 0) return fmt::format("{}%", permille / 10);
  return fmt::format("{}.{}%", permille / 10, permille % 10);
}

std::string outcome_of(const PolicyResult& result) {
  const std::uint64_t successful = std::min(result.total_successful_session_count, kMaxCount);
  const std::uint64_t failed = std::min(result.total_failure_session_count, kMaxCount);
  if (successful + failed == 0) return "no sessions";
  return fmt::format("{}: {} succeeded, {} failed; success rate {}", sessions(successful + failed),
                     successful, failed, success_rate(successful, failed));
}

std::string title_of(const Policy& policy) {
  const std::string domain = escape_terminal(policy.policy_domain);
  if (policy.policy_type == "sts") return fmt::format("MTA-STS policy of {}", domain);
  if (policy.policy_type == "tlsa") return fmt::format("DANE (TLSA records) of {}", domain);
  return fmt::format("No policy found for {} (neither MTA-STS nor DANE)", domain);
}

/// Failures that a person takes for the same; addresses and HELO names stand in the attachment.
struct Failure {
  std::string_view result_type, host, reason;
  std::uint64_t count = 0;
};

std::vector<Failure> failures_by_frequency(const PolicyResult& result) {
  std::map<std::tuple<std::string_view, std::string_view, std::string_view>, std::uint64_t> counts;
  for (const FailureDetails& details : result.failure_details) {
    std::uint64_t& sum =
        counts[{details.result_type, details.receiving_mx_hostname, details.failure_reason_code}];
    sum = std::min(kMaxCount, sum + std::min(kMaxCount, details.failed_session_count));
  }
  std::vector<Failure> failures;
  for (const auto& [key, count] : counts)
    failures.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), count});
  std::stable_sort(failures.begin(), failures.end(),
                   [](const Failure& a, const Failure& b) { return a.count > b.count; });
  return failures;
}

void append_failure(std::string& out, const Failure& failure, std::string_view policy_type) {
  std::string text =
      fmt::format("{}: {}", sessions(failure.count), escape_terminal(failure.result_type));
  if (!failure.host.empty()) text += fmt::format(" at {}", escape_terminal(failure.host));
  if (!failure.reason.empty()) text += fmt::format(", reason {}", escape_terminal(failure.reason));
  append_wrapped(out, "  - ", "    ", text);
  const std::string_view meaning = explain_result_type(failure.result_type, policy_type);
  if (!meaning.empty()) append_wrapped(out, "    (", "    ", fmt::format("{})", meaning));
}

void append_policy(std::string& out, const PolicyResult& result) {
  append_wrapped(out, "", kRestIndent, title_of(result.policy));
  append_wrapped(out, kRestIndent, kRestIndent, outcome_of(result));
  const std::vector<Failure> failures = failures_by_frequency(result);
  const std::size_t shown = std::min(failures.size(), kMaxFailures);
  for (std::size_t i = 0; i < shown; ++i)
    append_failure(out, failures[i], result.policy.policy_type);
  if (shown < failures.size())
    fmt::format_to(std::back_inserter(out), "  - and {} more\n", failures.size() - shown);
  out += '\n';
}

/// Those with most failures first, otherwise as in the report.
std::vector<const PolicyResult*> worst_first(const Report& report) {
  std::vector<const PolicyResult*> sorted;
  for (const PolicyResult& result : report.policies) sorted.push_back(&result);
  std::stable_sort(sorted.begin(), sorted.end(), [](const PolicyResult* a, const PolicyResult* b) {
    return a->total_failure_session_count > b->total_failure_session_count;
  });
  return sorted;
}

/// "Sun, 01 Mar 2026, the whole day in UTC", as all reports of ours are; else both times.
std::string time_in_words(const DateRange& range) {
  const Day day = std::chrono::floor<std::chrono::days>(range.start_datetime);
  const Seconds last = Seconds(day) + std::chrono::days(1) - std::chrono::seconds(1);
  if (range.start_datetime != Seconds(day) || range.end_datetime != last) {
    return fmt::format("{} to {}", format_rfc3339(range.start_datetime),
                       format_rfc3339(range.end_datetime));
  }
  constexpr std::size_t kDate = std::string_view("Sun, 01 Mar 2026").size();
  return format_rfc5322(range.start_datetime).substr(0, kDate) + ", the whole day in UTC";
}

void append_opening(std::string& out, const Report& report, std::string_view domain) {
  const std::string name = escape_terminal(domain);
  append_paragraph(
      out, fmt::format("This is a report about TLS in mail that was sent to {} (SMTP TLS "
                       "Reporting, RFC 8460). It comes because the DNS record {} asks for such "
                       "reports.",
                       name, tlsrpt_name(name)));
  const std::pair<std::string_view, std::string> rows[] = {
      {"From:      ", escape_terminal(report.organization_name)},
      {"About:     ", name},
      {"Day:       ", time_in_words(report.date_range)},
      {"Report-ID: ", escape_terminal(report.report_id)},
  };
  for (const auto& [label, value] : rows) append_wrapped(out, label, "           ", value);
  out += '\n';
}

void append_closing(std::string& out, const Report& report) {
  const bool failed =
      std::any_of(report.policies.begin(), report.policies.end(), [](const PolicyResult& result) {
        return result.total_failure_session_count > 0 || !result.failure_details.empty();
      });
  append_paragraph(out, failed ? "What to do: repair what is named above; the report about the day "
                                 "after the repair shows whether it helped."
                               : "What to do: nothing, no session failed.");
  append_wrapped(out, "", "",
                 fmt::format("The attached file holds the whole report as JSON, packed with gzip. "
                             "Questions and complaints: {}",
                             escape_terminal(report.contact_info)));
}

}  // namespace

std::string summarize(const Report& report, std::string_view domain) {
  std::string out;
  append_opening(out, report, domain);
  const std::vector<const PolicyResult*> policies = worst_first(report);
  const std::size_t shown = std::min(policies.size(), kMaxPolicies);
  for (std::size_t i = 0; i < shown; ++i) append_policy(out, *policies[i]);
  if (shown < policies.size()) {
    append_paragraph(out,
                     fmt::format("And {} more in the attached report.", policies.size() - shown));
  }
  append_closing(out, report);
  return out;
}

}  // namespace tlsrpt::sender
