// SPDX-License-Identifier: BSD-2-Clause
#include "sender/report_builder.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <iterator>
#include <map>
#include <utility>

#include "common/escape.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kUniqueDigits = 16;
constexpr std::size_t kMaxReportId = 255;
constexpr std::size_t kMaxSummaryPolicies = 20;

/// SHA-256 of the texts, each ended by a NUL, in hex.
Result<std::string> digest(std::initializer_list<std::string_view> texts) {
  std::string input;
  for (const std::string_view text : texts) input.append(text).push_back('\0');
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned int size = 0;
  if (EVP_Digest(input.data(), input.size(), hash.data(), &size, EVP_sha256(), nullptr) != 1) {
    return fail(ErrorCode::crypto, "OpenSSL cannot compute SHA-256");
  }
  std::string hex;
  for (unsigned int i = 0; i < size; ++i)
    fmt::format_to(std::back_inserter(hex), "{:02x}", hash[i]);
  return hex;
}

std::string compact_day(Day day) {
  std::string text = format_day(day);
  std::erase(text, '-');
  return text;
}

std::string_view plural(std::uint64_t count) { return count == 1 ? "" : "s"; }

void append_policy(std::string& out, const PolicyResult& result) {
  const std::uint64_t failed = result.total_failure_session_count;
  fmt::format_to(std::back_inserter(out), "\nPolicy {} for {}:\n",
                 escape_terminal(result.policy.policy_type),
                 escape_terminal(result.policy.policy_domain));
  fmt::format_to(std::back_inserter(out), "  {} session{} succeeded, {} failed\n",
                 result.total_successful_session_count,
                 plural(result.total_successful_session_count), failed);
  std::map<std::string, std::uint64_t> by_type;
  for (const FailureDetails& details : result.failure_details) {
    by_type[details.result_type] += details.failed_session_count;
  }
  for (const auto& [type, count] : by_type) {
    fmt::format_to(std::back_inserter(out), "  {}: {} session{}\n", escape_terminal(type), count,
                   plural(count));
  }
}

}  // namespace

DateRange date_range_of(Day day) {
  return {Seconds(day), Seconds(day) + std::chrono::days(1) - std::chrono::seconds(1)};
}

Result<std::string> make_report_id(Day day, std::string_view domain, std::string_view submitter,
                                   std::string_view host_name) {
  const std::string date = compact_day(day);
  const auto unique = digest({date, domain, submitter, host_name});
  if (!unique) return tl::unexpected(unique.error());
  const std::string_view tail = std::string_view(*unique).substr(0, kUniqueDigits);
  std::string id = fmt::format("{}.{}.{}@{}", date, domain, tail, submitter);
  if (id.size() <= kMaxReportId) return id;
  return fmt::format("{}.{}@{}", date, std::string_view(*unique).substr(0, 2 * kUniqueDigits),
                     submitter);
}

Report build_report(const DomainDay& domain_day, const ReporterIdentity& identity,
                    std::string report_id) {
  Report report;
  report.organization_name = identity.organization_name;
  report.date_range = date_range_of(domain_day.day);
  report.contact_info = identity.contact_info;
  report.report_id = std::move(report_id);
  report.policies = domain_day.policies;
  return report;
}

Result<Report> draft_report(const DomainDay& domain_day, const ReporterIdentity& identity,
                            std::string_view host_name) {
  auto id = make_report_id(domain_day.day, domain_day.domain, identity.submitter, host_name);
  if (!id) return tl::unexpected(id.error());
  return build_report(domain_day, identity, std::move(*id));
}

bool has_failures(const DomainDay& domain_day) {
  return std::any_of(
      domain_day.policies.begin(), domain_day.policies.end(), [](const PolicyResult& result) {
        return result.total_failure_session_count > 0 || !result.failure_details.empty();
      });
}

std::string summarize(const Report& report, std::string_view domain) {
  std::string out = fmt::format(
      "This is a report about TLS in mail that was sent to {} (RFC 8460).\n"
      "\n"
      "From:      {}\n"
      "Contact:   {}\n"
      "Period:    {} to {}\n"
      "Report-ID: {}\n",
      escape_terminal(domain), escape_terminal(report.organization_name),
      escape_terminal(report.contact_info), format_rfc3339(report.date_range.start_datetime),
      format_rfc3339(report.date_range.end_datetime), report.report_id);
  const std::size_t shown = std::min(report.policies.size(), kMaxSummaryPolicies);
  for (std::size_t i = 0; i < shown; ++i) append_policy(out, report.policies[i]);
  if (shown < report.policies.size()) {
    fmt::format_to(std::back_inserter(out), "\n{} more in the attached report.\n",
                   report.policies.size() - shown);
  }
  return out + "\nThe attached file holds the whole report as JSON, packed with gzip.\n";
}

}  // namespace tlsrpt::sender
