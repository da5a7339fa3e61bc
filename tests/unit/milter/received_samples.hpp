// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Received reports as tests of the store and its views need them.

#include <string>

#include "milter/received_store.hpp"

namespace tlsrpt::milter {

/// Midnight of a day of March 2026, UTC.
inline Seconds march(unsigned day) {
  return Day(std::chrono::year(2026) / std::chrono::March / std::chrono::day(day));
}

inline PolicyResult policy_result(const std::string& domain, const std::string& type,
                                  std::uint64_t successful, std::uint64_t failed = 0) {
  PolicyResult result;
  result.policy.policy_type = type;
  result.policy.policy_domain = domain;
  result.total_successful_session_count = successful;
  result.total_failure_session_count = failed;
  return result;
}

/// A report of one day that arrived the day after at 07:00, authenticated by its submitter.
inline ReceivedReport received(unsigned day, const std::string& submitter, const std::string& id,
                               std::vector<PolicyResult> policies) {
  ReceivedReport report;
  report.provenance.source = "milter";
  report.provenance.received_at = march(day + 1) + std::chrono::hours(7);
  report.provenance.dkim = DkimStatus::pass;
  report.provenance.dkim_domain = submitter;
  report.provenance.from_domain = submitter;
  report.provenance.submitter = submitter;
  report.report.organization_name = submitter + " Ltd";
  report.report.report_id = id;
  report.report.contact_info = "tlsrpt@" + submitter;
  report.report.date_range = {march(day), march(day + 1) - std::chrono::seconds(1)};
  report.report.policies = std::move(policies);
  report.json = R"({"report-id":")" + id + "\"}\n";
  return report;
}

inline FailureDetails failure(const std::string& type, std::uint64_t count) {
  FailureDetails details;
  details.result_type = type;
  details.failed_session_count = count;
  return details;
}

}  // namespace tlsrpt::milter
