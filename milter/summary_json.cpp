// SPDX-License-Identifier: BSD-2-Clause
#include <nlohmann/json.hpp>

#include "common/escape.hpp"
#include "common/result_type.hpp"
#include "milter/summary_text.hpp"

namespace tlsrpt::milter {

namespace {

using Json = nlohmann::ordered_json;

void add_counts(Json& object, const SessionCounts& counts) {
  object["successful"] = counts.successful;
  object["failed"] = counts.failed;
  object["unexplained"] = counts.unexplained;
}

Json counts_by_type(const std::map<std::string, SessionCounts>& types) {
  Json array = Json::array();
  for (const auto& [type, counts] : types) {
    Json& one = array.emplace_back();
    one["policy-type"] = type;
    add_counts(one, counts);
  }
  return array;
}

Json domains(const Summary& summary) {
  Json array = Json::array();
  for (const DomainSummary& domain : summary.domains) {
    Json& one = array.emplace_back();
    one["policy-domain"] = domain.policy_domain;
    one["policy-type"] = domain.policy_type;
    add_counts(one, domain.sessions);
  }
  return array;
}

Json reporters(const Summary& summary) {
  Json array = Json::array();
  for (const ReporterSummary& reporter : summary.reporters) {
    Json& one = array.emplace_back();
    one["submitter"] = reporter.submitter;
    one["organization-name"] = reporter.organization_name;
    one["reports"] = reporter.reports;
    one["newest-end"] = format_rfc3339(reporter.newest_end);
    one["newest-arrival"] = format_rfc3339(reporter.newest_arrival);
    for (const auto& [status, reports] : reporter.dkim) {
      one["dkim"][std::string(to_word(status))] = reports;
    }
    one["sessions"] = counts_by_type(reporter.by_policy_type);
  }
  return array;
}

Json failures(const Summary& summary) {
  Json array = Json::array();
  for (const FailureSummary& failure : summary.failures) {
    Json& one = array.emplace_back();
    const auto add = [&](const char* name, std::string_view value) {
      if (!value.empty()) one[name] = value;
    };
    add("result-type", failure.result_type);
    add("explanation", explain_result_type(failure.result_type, failure.policy_type));
    add("failure-reason-code", failure.failure_reason_code);
    add("policy-domain", failure.policy_domain);
    add("policy-type", failure.policy_type);
    add("receiving-mx-hostname", failure.receiving_mx_hostname);
    add("receiving-ip", failure.receiving_ip);
    one["sessions"] = failure.sessions;
    one["reporters"] = failure.reporters;
  }
  return array;
}

}  // namespace

std::string summary_json(const Summary& summary) {
  Json object;
  object["since"] = format_rfc3339(summary.question.since);
  if (summary.question.until) object["until"] = format_rfc3339(*summary.question.until);
  if (!summary.question.domain.empty()) object["domain"] = summary.question.domain;
  object["reports"] = summary.reports;
  if (summary.newest_end) object["newest-end"] = format_rfc3339(*summary.newest_end);
  if (summary.newest_arrival) object["newest-arrival"] = format_rfc3339(*summary.newest_arrival);
  object["sessions"] = counts_by_type(summary.by_policy_type);
  object["failures"] = failures(summary);
  object["domains"] = domains(summary);
  object["reporters"] = reporters(summary);
  object["silent"] = Json::array();
  for (const SilentReporter& reporter : summary.silent) {
    Json& one = object["silent"].emplace_back();
    one["submitter"] = reporter.submitter;
    one["newest-end"] = format_rfc3339(reporter.newest_end);
  }
  object["refused"] = Json::object();
  for (const auto& [refusal, inputs] : summary.refused) {
    object["refused"][std::string(to_word(refusal))] = inputs;
  }
  object["counters"] = Json::object();
  for (const auto& [name, value] : summary.counters) object["counters"][name] = value;
  object["quarantined"] = summary.quarantined;
  object["left-out"] = summary.left_out;
  return escape_json_for_terminal(
      object.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace) + "\n");
}

}  // namespace tlsrpt::milter
