// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The report of RFC 8460 section 4 as a value: written strictly, read tolerantly.
// An empty string or list means that the member is absent (R101).

#include <cstdint>
#include <string>
#include <vector>

#include "common/utc_time.hpp"

namespace tlsrpt {

inline constexpr std::uint64_t kMaxCount = (std::uint64_t{1} << 53) - 1;  ///< I-JSON, R50

struct DateRange {
  Seconds start_datetime{};
  Seconds end_datetime{};
  bool operator==(const DateRange&) const = default;
};

struct Policy {
  std::string policy_type;  ///< "tlsa", "sts", "no-policy-found", or a stranger's word
  std::vector<std::string> policy_string;  ///< sts: policy lines; tlsa: "3 1 1 HEX"
  std::string policy_domain;               ///< A-labels, lower case
  std::vector<std::string> mx_host;        ///< sts only: the policy's MX patterns
  bool operator==(const Policy&) const = default;
};

struct FailureDetails {
  std::string result_type;
  std::string sending_mta_ip;
  std::string receiving_mx_hostname;
  std::string receiving_mx_helo;
  std::string receiving_ip;
  std::uint64_t failed_session_count = 0;
  std::string additional_information;
  std::string failure_reason_code;
  bool operator==(const FailureDetails&) const = default;
};

struct PolicyResult {
  Policy policy;
  std::uint64_t total_successful_session_count = 0;
  std::uint64_t total_failure_session_count = 0;
  std::vector<FailureDetails> failure_details;
  bool operator==(const PolicyResult&) const = default;
};

struct Report {
  std::string organization_name;
  DateRange date_range;
  std::string contact_info;
  std::string report_id;
  std::vector<PolicyResult> policies;
  bool operator==(const Report&) const = default;
};

}  // namespace tlsrpt
