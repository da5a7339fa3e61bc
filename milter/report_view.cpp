// SPDX-License-Identifier: BSD-2-Clause
#include "milter/report_view.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/escape.hpp"
#include "common/result_type.hpp"
#include "milter/summary.hpp"
#include "milter/text_table.hpp"

namespace tlsrpt::milter {

namespace {

constexpr std::size_t kMaxTextsShown = 100;

/// "Report-ID:       text", nothing for an empty text.
void field(std::string& view, std::string_view name, std::string_view value,
           std::string_view indent = "") {
  if (value.empty()) return;
  view += fmt::format("{}{:<18}{}\n", indent, fmt::format("{}:", name), escape_terminal(value));
}

void fields(std::string& view, std::string_view name, const std::vector<std::string>& values) {
  for (std::size_t i = 0; i < std::min(values.size(), kMaxTextsShown); ++i) {
    field(view, name, values[i], "  ");
  }
  if (values.size() > kMaxTextsShown) {
    view += fmt::format("  ... and {} more\n", values.size() - kMaxTextsShown);
  }
}

std::string dkim_text(const Provenance& provenance) {
  std::string text(to_word(provenance.dkim));
  if (!provenance.dkim_domain.empty()) text += " d=" + provenance.dkim_domain;
  if (!provenance.dkim_selector.empty()) text += " s=" + provenance.dkim_selector;
  if (!provenance.dkim_reason.empty()) text += " (" + provenance.dkim_reason + ")";
  return text;
}

void append_provenance(std::string& view, const Provenance& provenance) {
  field(view, "Arrived",
        fmt::format("{} ({})", format_rfc3339(provenance.received_at), provenance.source));
  field(view, "Sent from", provenance.source_address);
  field(view, "Submitter", provenance.submitter);
  field(view, "DKIM", dkim_text(provenance));
  field(view, "From domain", provenance.from_domain);
  field(view, "Queue ID", provenance.queue_id);
  field(view, "Message-ID", provenance.message_id);
}

void append_failure(std::string& view, const FailureDetails& details,
                    const std::string& policy_type) {
  const std::string& type = details.result_type;
  const std::string_view explanation = explain_result_type(type, policy_type);
  view += fmt::format("\n  {} session{}: {}\n", group_digits(details.failed_session_count),
                      details.failed_session_count == 1 ? "" : "s",
                      type.empty() ? "(no result type)" : escape_terminal(type));
  view +=
      fmt::format("    {}\n", explanation.empty() ? "not a result type of RFC 8460" : explanation);
  field(view, "Reason code", details.failure_reason_code, "    ");
  field(view, "Receiving MX", details.receiving_mx_hostname, "    ");
  field(view, "Receiving HELO", details.receiving_mx_helo, "    ");
  field(view, "Receiving IP", details.receiving_ip, "    ");
  field(view, "Sending MTA IP", details.sending_mta_ip, "    ");
  field(view, "Information", details.additional_information, "    ");
}

void append_policy(std::string& view, const PolicyResult& result, bool is_ours) {
  const Policy& policy = result.policy;
  view += fmt::format(
      "\nPolicy {} of {}\n",
      policy.policy_type.empty() ? "(no type)" : escape_terminal(policy.policy_type),
      policy.policy_domain.empty() ? "(no domain)" : escape_terminal(policy.policy_domain));
  if (!is_ours) view += "  Quarantined: the domain is not one of PolicyDomains.\n";
  fields(view, "policy-string", policy.policy_string);
  fields(view, "mx-host", policy.mx_host);
  SessionCounts counts;
  counts.add(result);
  view += fmt::format("  {} successful, {} failed sessions ({} successful)\n",
                      group_digits(result.total_successful_session_count),
                      group_digits(result.total_failure_session_count),
                      success_rate(counts.successful, counts.failed));
  for (const FailureDetails& details : result.failure_details) {
    append_failure(view, details, policy.policy_type);
  }
  if (counts.unexplained > 0) {
    view += fmt::format("\n  {} failed session{} counted, but not described\n",
                        group_digits(counts.unexplained), counts.unexplained == 1 ? "" : "s");
  }
}

}  // namespace

std::string report_view(std::int64_t id, const ReceivedReport& received,
                        const std::vector<std::string>& policy_domains) {
  const Report& report = received.report;
  std::string view;
  field(view, "Report", std::to_string(id));
  field(view, "Organization", report.organization_name);
  field(view, "Contact", report.contact_info);
  field(view, "Report-ID", report.report_id);
  field(view, "Begins", format_rfc3339(report.date_range.start_datetime));
  field(view, "Ends", format_rfc3339(report.date_range.end_datetime));
  append_provenance(view, received.provenance);
  for (const std::string& word : received.flags.words()) field(view, "Flag", word);
  if (report.policies.empty()) view += "\nThe report has no policies, so it counts nothing.\n";
  for (const PolicyResult& result : report.policies) {
    const auto& ours = policy_domains;
    append_policy(view, result,
                  ours.empty() || std::find(ours.begin(), ours.end(),
                                            result.policy.policy_domain) != ours.end());
  }
  return view;
}

std::string refusal_view(std::int64_t id, const RefusedInput& refused) {
  std::string view;
  field(view, "Refused", std::to_string(id));
  field(view, "Reason", to_word(refused.refusal));
  field(view, "Detail", refused.detail);
  field(view, "Subject", refused.subject);
  append_provenance(view, refused.provenance);
  if (refused.bytes.empty()) return view + "The bytes are no longer kept (MaximumRefusedSize).\n";
  view += refused.size > refused.bytes.size() ? "The first " : "All ";
  return view +
         fmt::format("{} bytes are kept; --raw prints them.\n", group_digits(refused.bytes.size()));
}

}  // namespace tlsrpt::milter
