// SPDX-License-Identifier: BSD-2-Clause
#include "common/report_verdict.hpp"

namespace tlsrpt {

std::string_view to_word(Flag flag) {
  switch (flag) {
    case Flag::byte_order_mark:
      return "byte-order-mark";
    case Flag::trailing_data:
      return "trailing-data";
    case Flag::wrapped_in_array:
      return "wrapped-in-array";
    case Flag::wrapped_in_object:
      return "wrapped-in-object";
    case Flag::repaired_json:
      return "repaired-json";
    case Flag::invalid_utf8:
      return "invalid-utf8";
    case Flag::lone_surrogate:
      return "lone-surrogate";
    case Flag::duplicate_member:
      return "duplicate-member";
    case Flag::member_case:
      return "member-case";
    case Flag::member_alias:
      return "member-alias";
    case Flag::member_misplaced:
      return "member-misplaced";
    case Flag::member_ignored:
      return "member-ignored";
    case Flag::text_type:
      return "text-type";
    case Flag::text_cut:
      return "text-cut";
    case Flag::missing_organization_name:
      return "missing-organization-name";
    case Flag::missing_contact_info:
      return "missing-contact-info";
    case Flag::missing_report_id:
      return "missing-report-id";
    case Flag::date_format:
      return "date-format";
    case Flag::date_range_reversed:
      return "date-range-reversed";
    case Flag::date_in_future:
      return "date-in-future";
    case Flag::date_implausible:
      return "date-implausible";
    case Flag::policies_not_array:
      return "policies-not-array";
    case Flag::policy_not_nested:
      return "policy-not-nested";
    case Flag::missing_policy_type:
      return "missing-policy-type";
    case Flag::unknown_policy_type:
      return "unknown-policy-type";
    case Flag::missing_policy_domain:
      return "missing-policy-domain";
    case Flag::invalid_policy_domain:
      return "invalid-policy-domain";
    case Flag::policy_domain_form:
      return "policy-domain-form";
    case Flag::policy_string_type:
      return "policy-string-type";
    case Flag::mx_host_type:
      return "mx-host-type";
    case Flag::missing_summary:
      return "missing-summary";
    case Flag::missing_count:
      return "missing-count";
    case Flag::count_type:
      return "count-type";
    case Flag::count_invalid:
      return "count-invalid";
    case Flag::count_saturated:
      return "count-saturated";
    case Flag::failure_details_type:
      return "failure-details-type";
    case Flag::missing_result_type:
      return "missing-result-type";
    case Flag::unknown_result_type:
      return "unknown-result-type";
    case Flag::invalid_ip:
      return "invalid-ip";
    case Flag::details_dropped:
      return "details-dropped";
    case Flag::double_gzip:
      return "double-gzip";
    case Flag::gzip_trailing_data:
      return "gzip-trailing-data";
    case Flag::content_mismatch:
      return "content-mismatch";
    case Flag::utf16:
      return "utf-16";
    case Flag::mail_shape:
      return "mail-shape";
    case Flag::mime_not_closed:
      return "mime-not-closed";
    case Flag::mail_damaged:
      return "mail-damaged";
    case Flag::forwarded_message:
      return "forwarded-message";
    case Flag::submitter_mismatch:
      return "submitter-mismatch";
    case Flag::domain_mismatch:
      return "domain-mismatch";
    case Flag::filename_mismatch:
      return "filename-mismatch";
    case Flag::signer_mismatch:
      return "signer-mismatch";
    case Flag::unsigned_domain:
      return "unsigned-domain";
    case Flag::duplicate_header:
      return "duplicate-header";
    case Flag::foreign_domain:
      return "foreign-domain";
    case Flag::dkim_key_service_type:
      return "dkim-key-service-type";
  }
  return "";
}

std::string_view to_word(Refusal refusal) {
  switch (refusal) {
    case Refusal::none:
      return "";
    case Refusal::empty:
      return "empty";
    case Refusal::not_json:
      return "not-json";
    case Refusal::json_too_deep:
      return "json-too-deep";
    case Refusal::json_too_many_members:
      return "json-too-many-members";
    case Refusal::not_a_report:
      return "not-a-report";
    case Refusal::no_date_range:
      return "no-date-range";
    case Refusal::no_policies:
      return "no-policies";
    case Refusal::no_counts:
      return "no-counts";
    case Refusal::too_large:
      return "too-large";
    case Refusal::too_many_reports:
      return "too-many-reports";
    case Refusal::too_many_policies:
      return "too-many-policies";
    case Refusal::gzip_damaged:
      return "gzip-damaged";
    case Refusal::gzip_ratio:
      return "gzip-ratio";
    case Refusal::zip_damaged:
      return "zip-damaged";
    case Refusal::zip_unsupported:
      return "zip-unsupported";
    case Refusal::zip_too_many_members:
      return "zip-too-many-members";
    case Refusal::too_many_packings:
      return "too-many-packings";
    case Refusal::message_too_deep:
      return "message-too-deep";
    case Refusal::message_too_many_parts:
      return "message-too-many-parts";
    case Refusal::message_headers_too_large:
      return "message-headers-too-large";
    case Refusal::no_report_part:
      return "no-report-part";
    case Refusal::not_authentic:
      return "not-authentic";
    case Refusal::reader_failed:
      return "reader-failed";
  }
  return "";
}

// Both lists are found by asking for words, so that an enumerator cannot be forgotten here.

std::vector<Flag> all_flags() {
  std::vector<Flag> flags;
  for (unsigned i = 0; !to_word(static_cast<Flag>(i)).empty(); ++i) {
    flags.push_back(static_cast<Flag>(i));
  }
  return flags;
}

std::vector<Refusal> all_refusals() {
  std::vector<Refusal> refusals;
  for (unsigned i = 1; !to_word(static_cast<Refusal>(i)).empty(); ++i) {
    refusals.push_back(static_cast<Refusal>(i));
  }
  return refusals;
}

std::vector<std::string> Flags::words() const {
  std::vector<std::string> words;
  for (const Flag flag : all_flags()) {
    if (has(flag)) words.emplace_back(to_word(flag));
  }
  return words;
}

}  // namespace tlsrpt
