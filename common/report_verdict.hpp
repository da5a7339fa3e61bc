// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What reading one report came to: the stable words for flags and refusals, listed in
// opentlsrpt-reports(1). Adding a word means adding it there; a test compares the two.

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "common/report.hpp"

namespace tlsrpt {

/// An oddity that did not cost the report.
enum class Flag : std::uint8_t {
  byte_order_mark,    ///< text began with U+FEFF
  trailing_data,      ///< text or NUL bytes before or behind the JSON value
  wrapped_in_array,   ///< the report stood in an array
  wrapped_in_object,  ///< the report is a member of an object that is none
  repaired_json,      ///< what JsonScanner puts right: trailing commas, raw controls, odd escapes
  invalid_utf8,       ///< bytes replaced by U+FFFD
  lone_surrogate,     ///< replaced by U+FFFD
  duplicate_member,   ///< the last value that is not null was taken
  member_case,        ///< names of members in another case, words of the RFC spelt otherwise
  member_alias,       ///< failure-error-code, additional-info-uri, mx-host-pattern, report_id
  member_misplaced,   ///< read from another object than the RFC has it in
  member_ignored,     ///< the RFC has it elsewhere, or it was there twice: not read
  text_type,          ///< a number, array or null where the RFC has a string
  text_cut,           ///< longer than the limit
  missing_organization_name,
  missing_contact_info,
  missing_report_id,
  date_format,  ///< understood, but not RFC 3339
  date_range_reversed,
  date_in_future,
  date_implausible,  ///< from before there were TLS reports
  policies_not_array,
  policy_not_nested,  ///< the policy's members stood one level up
  missing_policy_type,
  unknown_policy_type,
  missing_policy_domain,
  invalid_policy_domain,
  policy_domain_form,  ///< U-labels, a dot at the end, blanks around it
  policy_string_type,  ///< a string, or a string that holds a JSON array
  mx_host_type,
  missing_summary,
  missing_count,
  count_type,     ///< a string of digits, 7.0, null
  count_invalid,  ///< negative, fraction, boolean: taken as 0
  count_saturated,
  failure_details_type,
  missing_result_type,
  unknown_result_type,
  invalid_ip,       ///< kept as text
  details_dropped,  ///< entries that are no objects, or beyond the limit
  double_gzip,
  gzip_trailing_data,
  content_mismatch,  ///< label or name say something else than the bytes
  utf16,             ///< text was UTF-16
  mail_shape,        ///< not the multipart/report or the media types of RFC 8460
  mime_not_closed,
  mail_damaged,  ///< junk before or in a header, or odd line ends; read as what it must have been
  forwarded_message,      ///< in a mail that was forwarded or packed: no signature vouches for it
  submitter_mismatch,     ///< header and contact-info name different organisations (R224)
  domain_mismatch,        ///< the header names none of the policy domains
  filename_mismatch,      ///< the file name speaks of another sender, domain or time
  signer_mismatch,        ///< the DKIM signature is not of the organisation of contact-info
  unsigned_domain,        ///< a policy domain out of a TLS-Report-Domain that is not signed
  duplicate_header,       ///< a TLS-Report-* header more than once (R249)
  foreign_domain,         ///< a policy domain that is not one of ours (R228)
  dkim_key_service_type,  ///< key says s=email only (R195)
};

/// Why an input was refused.
enum class Refusal : std::uint8_t {
  none,
  empty,  ///< no bytes
  not_json,
  json_too_deep,
  json_too_many_members,
  not_a_report,   ///< JSON, but no object with any member of a report
  no_date_range,  ///< no usable date at all
  no_policies,
  no_counts,  ///< no count in any policy
  too_large,  ///< more bytes than the limit, packed or unpacked
  too_many_reports,
  too_many_policies,
  gzip_damaged,  ///< cut, wrong CRC or length, reserved flags
  gzip_ratio,    ///< unpacks to more than the allowed ratio
  zip_damaged,
  zip_unsupported,  ///< encrypted, or a method other than stored and deflate
  zip_too_many_members,
  too_many_packings,  ///< a container in a container in a container
  message_too_deep,   ///< MIME nesting
  message_too_many_parts,
  message_headers_too_large,
  no_report_part,  ///< a message without any report
  not_authentic,   ///< no DKIM signature that RFC 8460 accepts
  reader_failed,   ///< the confined reader died or took too long
};

std::string_view to_word(Flag flag);        ///< "byte-order-mark"
std::string_view to_word(Refusal refusal);  ///< "not-json"; "" for none
std::vector<Flag> all_flags();
std::vector<Refusal> all_refusals();  ///< without none

/// A set of flags; order of the enumeration.
class Flags {
 public:
  Flags() = default;
  Flags(std::initializer_list<Flag> flags) {
    for (Flag flag : flags) add(flag);
  }
  void add(Flag flag) { bits_ |= std::uint64_t{1} << static_cast<unsigned>(flag); }
  void add(const Flags& other) { bits_ |= other.bits_; }
  [[nodiscard]] bool has(Flag flag) const { return (bits_ >> static_cast<unsigned>(flag)) & 1u; }
  [[nodiscard]] bool empty() const { return bits_ == 0; }
  [[nodiscard]] std::vector<std::string> words() const;
  [[nodiscard]] std::uint64_t bits() const { return bits_; }
  static Flags from_bits(std::uint64_t bits) {
    Flags flags;
    flags.bits_ = bits;
    return flags;
  }
  bool operator==(const Flags&) const = default;

 private:
  std::uint64_t bits_ = 0;
};

/// One report found, or one input refused.
struct ReadOutcome {
  Refusal refusal = Refusal::none;  ///< none: accepted, and 'report' is valid
  std::string detail;               ///< for a refusal: where and what, in words; not escaped
  Flags flags;
  Report report;
  std::string
      json;  ///< the unpacked bytes as they came (of an accepted report; may be cut for refusals)
  std::string member;  ///< the name in the archive it was found in, if any; not escaped
  std::string
      beginning;  ///< of what could not be unpacked whole, unpacked; for refused_report only
  unsigned document = 0;  ///< which one of its message or file it stood in; for drop_repeated only

  [[nodiscard]] bool accepted() const { return refusal == Refusal::none; }
};

}  // namespace tlsrpt
