// SPDX-License-Identifier: BSD-2-Clause

// JSON of a stranger, with limits that short texts reach, and with those of the product.

#include "common/report_reader.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace tlsrpt;

void check_lengths(const Report& report, const ReportLimits& limits) {
  fuzz::require(report.policies.size() <= limits.max_policies, "policies stay within their limit");
  std::size_t details = 0;
  for (const PolicyResult& result : report.policies) {
    fuzz::require(result.policy.policy_string.size() <= limits.max_strings &&
                      result.policy.mx_host.size() <= limits.max_strings,
                  "lists of texts stay within their limit");
    fuzz::require(result.total_successful_session_count <= kMaxCount &&
                      result.total_failure_session_count <= kMaxCount,
                  "counts are those of I-JSON");
    details += result.failure_details.size();
  }
  fuzz::require(details <= limits.max_failure_details, "failure details stay within their limit");
}

void check(std::string_view text, const ReportLimits& limits) {
  const auto outcomes = read_reports(text, limits);
  fuzz::require(!outcomes.empty(), "there is an outcome");
  for (const ReadOutcome& outcome : outcomes) {
    if (!outcome.accepted()) continue;
    fuzz::require(!outcome.report.policies.empty(), "an accepted report has a policy");
    check_lengths(outcome.report, limits);
    fuzz::require_round_trip(outcome.report, limits);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check(fuzz::as_text(data, size), fuzz::small_report_limits());
  check(fuzz::as_text(data, size), {});
  return 0;
}
