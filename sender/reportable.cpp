// SPDX-License-Identifier: BSD-2-Clause
#include "sender/reportable.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "common/domain_name.hpp"
#include "common/ip_address.hpp"
#include "common/result_type.hpp"
#include "sender/reportable_text.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kMaxReason = 128;  // R100
constexpr std::size_t kMaxHelo = 255;
constexpr std::string_view kUnspecified = "unspecified";

auto order(const FailureDetails& details) {
  return std::tie(details.result_type, details.receiving_mx_hostname, details.receiving_ip,
                  details.sending_mta_ip, details.receiving_mx_helo, details.failure_reason_code,
                  details.additional_information);
}

auto order(const PolicyResult& result) {
  return std::tie(result.policy.policy_type, result.policy.policy_domain,
                  result.policy.policy_string, result.policy.mx_host);
}

/// Both are at most kMaxCount, or become so in the report anyway.
void add(std::uint64_t& sum, std::uint64_t count) {
  sum = std::min(kMaxCount, std::min(kMaxCount, sum) + std::min(kMaxCount, count));
}

void take_over(FailureDetails& into, FailureDetails& from) {
  add(into.failed_session_count, from.failed_session_count);
}

void take_over(PolicyResult& into, PolicyResult& from) {
  add(into.total_successful_session_count, from.total_successful_session_count);
  add(into.total_failure_session_count, from.total_failure_session_count);
  std::move(from.failure_details.begin(), from.failure_details.end(),
            std::back_inserter(into.failure_details));
}

/// Sorted, with one item for all that differ in their counts only (R103).
template <typename Item>
std::vector<Item> united(std::vector<Item> items) {
  std::stable_sort(items.begin(), items.end(),
                   [](const Item& a, const Item& b) { return order(a) < order(b); });
  std::vector<Item> result;
  for (Item& item : items) {
    if (!result.empty() && order(result.back()) == order(item)) {
      take_over(result.back(), item);
    } else {
      result.push_back(std::move(item));
    }
  }
  return result;
}

bool needs_reason(std::string_view result_type) {
  return result_type == "certificate-not-trusted" || result_type == "validation-failure";
}

void name_result(FailureDetails& details) {
  if (!is_registered_result_type(details.result_type)) {
    std::string reason = details.result_type;
    if (!details.failure_reason_code.empty()) reason += ":" + details.failure_reason_code;
    details.failure_reason_code = std::move(reason);
    details.result_type = "validation-failure";
  }
  details.failure_reason_code = ascii_line(details.failure_reason_code, kMaxReason);
  if (details.failure_reason_code.empty() && needs_reason(details.result_type))
    details.failure_reason_code = kUnspecified;
}

FailureDetails reportable(FailureDetails details) {
  name_result(details);
  for (std::string* address : {&details.sending_mta_ip, &details.receiving_ip})
    *address = canonical_ip(*address).value_or("");
  details.receiving_mx_hostname = normalize_domain(details.receiving_mx_hostname).value_or("");
  const std::string helo = ascii_line(details.receiving_mx_helo, kMaxHelo);
  details.receiving_mx_helo = helo.substr(0, helo.find(' '));
  if (!is_uri(details.additional_information)) details.additional_information.clear();
  return details;
}

Policy reportable(Policy policy) {
  const bool sts = policy.policy_type == "sts";
  const bool tlsa = policy.policy_type == "tlsa";
  if (!sts) policy.mx_host.clear();
  if (!sts && !tlsa) policy.policy_string.clear();
  if (tlsa) std::erase_if(policy.policy_string, [](const auto& s) { return !is_tlsa_record(s); });
  std::erase_if(policy.mx_host, [](const auto& s) { return !normalize_mx_pattern(s); });
  return policy;
}

PolicyResult reportable(const PolicyResult& counted) {
  PolicyResult result;
  result.policy = reportable(counted.policy);
  result.total_successful_session_count = counted.total_successful_session_count;
  result.total_failure_session_count = counted.total_failure_session_count;
  for (const FailureDetails& details : counted.failure_details) {
    if (details.failed_session_count > 0) result.failure_details.push_back(reportable(details));
  }
  return result;
}

}  // namespace

std::vector<PolicyResult> reportable_policies(const std::vector<PolicyResult>& counted) {
  std::vector<PolicyResult> policies;
  for (const PolicyResult& result : counted) {
    if (is_registered_policy_type(result.policy.policy_type))
      policies.push_back(reportable(result));
  }
  policies = united(std::move(policies));
  for (PolicyResult& result : policies)
    result.failure_details = united(std::move(result.failure_details));
  return policies;
}

}  // namespace tlsrpt::sender
