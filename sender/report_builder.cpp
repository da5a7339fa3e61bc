// SPDX-License-Identifier: BSD-2-Clause
#include "sender/report_builder.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <iterator>
#include <utility>

#include "common/report_mail.hpp"
#include "sender/reportable.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kUniqueDigits = 16;

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
  report.policies = reportable_policies(domain_day.policies);
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

}  // namespace tlsrpt::sender
