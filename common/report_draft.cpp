// SPDX-License-Identifier: BSD-2-Clause
#include "common/report_draft.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/ascii.hpp"
#include "common/domain_name.hpp"
#include "common/result_type.hpp"
#include "common/utf8.hpp"

namespace tlsrpt {

namespace {

// How many failure details there is room for from the beginning: in any policy, and at most in the
// first that has some, which often is the only one.
constexpr std::size_t kFirstRoom = 4;
constexpr std::size_t kMostFirstRoom = 64;
constexpr std::size_t kDetailsBytes = 256;  ///< of JSON; most take more, so that there is room

}  // namespace

ReportDraft::ReportDraft(const ReportLimits& limits, std::size_t text_size)
    : limits_(limits),
      first_room_(std::clamp(text_size / kDetailsBytes, kFirstRoom, kMostFirstRoom)) {}

void ReportDraft::refuse(Refusal refusal, std::string detail) {
  outcome_.refusal = refusal;
  outcome_.detail = std::move(detail);
}

void ReportDraft::flag_kind(const FoundMember& found) {
  switch (found.type) {
    case MemberType::object:
      return;  // its absence is what counts
    case MemberType::policy_results:
      return flags().add(Flag::policies_not_array);
    case MemberType::failure_details:
      return flags().add(Flag::failure_details_type);
    case MemberType::texts:
      return flags().add(found.member == Member::mx_host ? Flag::mx_host_type
                                                         : Flag::policy_string_type);
    case MemberType::count:
      return flags().add(Flag::count_invalid);
    case MemberType::time:
      return flags().add(Flag::date_format);
    case MemberType::text:
      return flags().add(Flag::text_type);
  }
}

bool ReportDraft::open_policy_result() {
  if (outcome_.report.policies.size() >= limits_.max_policies) {
    refuse(Refusal::too_many_policies,
           fmt::format("more than {} policies (MaximumPolicies)", limits_.max_policies));
    return false;
  }
  outcome_.report.policies.emplace_back();
  lifted_ = {};
  return true;
}

void ReportDraft::drop_policy_result() {
  details_ -= result().failure_details.size();
  outcome_.report.policies.pop_back();
  flags().add(Flag::details_dropped);
}

void ReportDraft::close_policy_result(bool has_summary) {
  Policy& policy = result().policy;
  if (lifted_ != Policy{}) flags().add(Flag::policy_not_nested);
  if (policy.policy_type.empty()) policy.policy_type = std::move(lifted_.policy_type);
  if (policy.policy_domain.empty()) policy.policy_domain = std::move(lifted_.policy_domain);
  if (policy.policy_string.empty()) policy.policy_string = std::move(lifted_.policy_string);
  if (policy.mx_host.empty()) policy.mx_host = std::move(lifted_.mx_host);

  if (policy.policy_type.empty()) {
    flags().add(Flag::missing_policy_type);
  } else if (!is_registered_policy_type(policy.policy_type)) {
    flags().add(Flag::unknown_policy_type);
  }
  if (policy.policy_domain.empty()) flags().add(Flag::missing_policy_domain);
  if (!has_summary) flags().add(Flag::missing_summary);
}

void ReportDraft::name_policy(std::string_view name) {
  Policy& policy = result().policy;
  if (name.empty() || !policy.policy_domain.empty() || !lifted_.policy_domain.empty()) return;
  auto domain = normalize_domain(name);
  if (domain && domain->find('.') != std::string::npos) policy.policy_domain = std::move(*domain);
}

bool ReportDraft::open_failure_details() {
  if (details_ >= limits_.max_failure_details) {
    flags().add(Flag::details_dropped);
    return false;
  }
  ++details_;
  std::vector<FailureDetails>& rows = result().failure_details;
  if (rows.empty()) rows.reserve(std::exchange(first_room_, kFirstRoom));
  rows.emplace_back();
  return true;
}

void ReportDraft::drop_failure_details() {
  --details_;
  result().failure_details.pop_back();
  flags().add(Flag::details_dropped);
}

void ReportDraft::close_failure_details(bool has_count) {
  std::string& type = details().result_type;
  if (type.empty()) {
    flags().add(Flag::missing_result_type);
  } else if (!is_registered_result_type(type)) {
    const auto registered = find_result_type(type);
    flags().add(registered ? Flag::member_case : Flag::unknown_result_type);
    type = registered.value_or(trim_blanks(type));
  }
  if (!has_count) flags().add(Flag::missing_count);
}

void ReportDraft::clear(ReportObject object, Member member) {
  if (member == Member::policies) {
    outcome_.report.policies.clear();
    details_ = 0;
  } else if (member == Member::failure_details) {
    details_ -= result().failure_details.size();
    result().failure_details.clear();
  } else if (member == Member::policy) {
    result().policy = {};
  } else if (member == Member::summary) {
    result().total_successful_session_count = 0;
    result().total_failure_session_count = 0;
  } else if (member == Member::date_range) {
    start_.reset();
    end_.reset();
  } else if (member == Member::policy_string) {
    policy_of(object).policy_string.clear();
  } else if (member == Member::mx_host) {
    policy_of(object).mx_host.clear();
  }
}

void ReportDraft::add_texts(ReportObject object, Member member, const JsonScalar& scalar) {
  if (scalar.kind != JsonScalar::Kind::text) flags().add(Flag::text_type);
  const bool usable =
      scalar.kind == JsonScalar::Kind::text || scalar.kind == JsonScalar::Kind::number;
  if (!usable) return;
  const ListLimits limits{limits_.max_strings, limits_.max_string};
  Policy& policy = policy_of(object);
  if (member == Member::mx_host) {
    add_mx_patterns(policy.mx_host, scalar.value, limits, flags());
  } else {
    add_policy_lines(policy.policy_string, scalar.value, limits, flags());
  }
}

void ReportDraft::set_count(Member member, std::optional<std::uint64_t> count) {
  if (count) any_count_ = true;
  const std::uint64_t value = count.value_or(0);
  if (member == Member::failed_session_count) {
    details().failed_session_count = value;
  } else if (member == Member::total_failure_session_count) {
    result().total_failure_session_count = value;
  } else {
    result().total_successful_session_count = value;
  }
}

void ReportDraft::set_time(Member member, Seconds time) {
  (member == Member::start_datetime ? start_ : end_) = time;
}

void ReportDraft::set_text(ReportObject object, Member member, std::string_view text) {
  switch (member) {
    case Member::organization_name:
      outcome_.report.organization_name = text;
      return;
    case Member::contact_info:
      outcome_.report.contact_info = text;
      return;
    case Member::report_id:
      outcome_.report.report_id = text;
      return;
    case Member::policy_type:
      policy_of(object).policy_type = read_policy_type(text, flags());
      return;
    case Member::policy_domain:
      policy_of(object).policy_domain = read_policy_domain(text, limits_.max_string, flags());
      return;
    case Member::result_type:
      details().result_type = text;
      return;
    case Member::sending_mta_ip:
      details().sending_mta_ip = read_ip(text, flags());
      return;
    case Member::receiving_mx_hostname:
      details().receiving_mx_hostname = read_host(text);
      return;
    case Member::receiving_mx_helo:
      details().receiving_mx_helo = text;
      return;
    case Member::receiving_ip:
      details().receiving_ip = read_ip(text, flags());
      return;
    case Member::additional_information:
      details().additional_information = text;
      return;
    case Member::failure_reason_code:
      details().failure_reason_code = text;
      return;
    case Member::date_range:
    case Member::policies:
    case Member::start_datetime:
    case Member::end_datetime:
    case Member::policy:
    case Member::summary:
    case Member::failure_details:
    case Member::policy_string:
    case Member::mx_host:
    case Member::total_successful_session_count:
    case Member::total_failure_session_count:
    case Member::failed_session_count:
      return;  // no texts
  }
}

void ReportDraft::note_no_time(std::string_view text) {
  constexpr std::size_t kShown = 40;
  if (no_time_.empty()) no_time_ = cut_utf8(trim_blanks(text), kShown);
}

/// A day that lacks one of its ends is still known by the other. False if both are missing.
bool ReportDraft::complete_date_range() {
  using std::chrono::days;
  using std::chrono::seconds;
  if (!start_ && !end_) return false;
  if (!start_ || !end_) outcome_.flags.add(Flag::date_format);
  if (!start_)
    start_ = std::max(Seconds{std::chrono::floor<days>(*end_ - seconds{1})}, kEarliestTime);
  if (!end_) end_ = std::chrono::floor<days>(*start_) + days{1} - seconds{1};
  if (*end_ < *start_) outcome_.flags.add(Flag::date_range_reversed);
  outcome_.report.date_range = {*start_, *end_};
  return true;
}

/// Whether what was read can mean anything.
void ReportDraft::judge() {
  if (!complete_date_range()) {
    std::string detail = "neither start-datetime nor end-datetime is a date";
    if (!no_time_.empty()) detail += fmt::format(" that can mean one day only: '{}'", no_time_);
    refuse(Refusal::no_date_range, std::move(detail));
  } else if (outcome_.report.policies.empty()) {
    refuse(Refusal::no_policies, "\"policies\" is missing or has no policy in it");
  } else if (!any_count_) {
    refuse(Refusal::no_counts, "no policy has a count of sessions");
  }
}

ReadOutcome ReportDraft::finish() {
  Report& report = outcome_.report;
  Flags& flags = outcome_.flags;
  if (outcome_.accepted()) judge();
  if (!outcome_.accepted()) {
    report = {};
    return std::move(outcome_);
  }
  if (report.organization_name.empty()) flags.add(Flag::missing_organization_name);
  if (report.contact_info.empty()) flags.add(Flag::missing_contact_info);
  if (report.report_id.empty()) flags.add(Flag::missing_report_id);
  return std::move(outcome_);
}

}  // namespace tlsrpt
