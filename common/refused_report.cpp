// SPDX-License-Identifier: BSD-2-Clause
#include "common/refused_report.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "common/ascii.hpp"
#include "common/report_payload.hpp"
#include "common/report_shape.hpp"

namespace tlsrpt {
namespace {

bool ends_with_any(std::string_view name, std::initializer_list<std::string_view> ends) {
  return std::any_of(ends.begin(), ends.end(),
                     [name](std::string_view end) { return ends_with_ignoring_case(name, end); });
}

/// SENDER!DOMAIN!BEGIN!END of JSON (RFC 8460 section 5.1).
bool is_report_name(std::string_view name) {
  return std::count(name.begin(), name.end(), '!') >= 3 &&
         ends_with_any(name, {".json", ".json.gz", ".json.gzip"});
}

/// "Report Domain: DOMAIN Submitter: SENDER Report-ID: <ID>" (RFC 8460 section 5.3).
bool is_report_subject(std::string_view subject) {
  const std::string text = lower_case(subject);
  const std::size_t domain = text.find("report domain:");
  const std::size_t submitter = text.find("submitter:");
  return domain != std::string::npos && submitter != std::string::npos && domain < submitter;
}

/// Damaged or over a limit, rather than something else.
bool is_spoilt(Refusal refusal) {
  constexpr std::array kSpoilt = {Refusal::too_large,     Refusal::gzip_damaged,
                                  Refusal::gzip_ratio,    Refusal::too_many_packings,
                                  Refusal::json_too_deep, Refusal::json_too_many_members};
  return std::find(kSpoilt.begin(), kSpoilt.end(), refusal) != kSpoilt.end();
}

bool could_be_dmarc(std::string_view beginning, std::string_view file_name) {
  return payload_kind(beginning) == PayloadKind::other ||
         ends_with_any(file_name, {".xml", ".xml.gz", ".zip"});
}

}  // namespace

bool was_meant_as_report(const ReadOutcome& refused, std::string_view file_name,
                         std::string_view subject) {
  const std::string_view bytes = refused.json.empty() ? refused.beginning : refused.json;
  if (likeness_to_report(bytes) == Likeness::certain) return true;
  if (is_report_name(file_name) || is_report_name(refused.member)) return true;
  const bool json = payload_kind(bytes) == PayloadKind::json;
  return (json || is_spoilt(refused.refusal)) && is_report_subject(subject) &&
         !could_be_dmarc(bytes, file_name);
}

}  // namespace tlsrpt
