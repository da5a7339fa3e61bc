// SPDX-License-Identifier: BSD-2-Clause
#include "common/report_part.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "common/ascii.hpp"
#include "common/header_field.hpp"
#include "common/payload_text.hpp"
#include "common/report_payload.hpp"

namespace tlsrpt {
namespace {

// Enough of an encoded part to see its magic, and to see it behind blanks and line breaks.
constexpr std::size_t kMagic = 64;
constexpr std::size_t kSniffed = 1024;

struct Label {
  std::string_view text;
  PayloadKind kind;  ///< what it promises; other: nothing in particular
};

constexpr std::array<Label, 3> kReportTypes = {{{"application/tlsrpt+gzip", PayloadKind::gzip},
                                                {"application/tlsrpt+json", PayloadKind::json},
                                                {"application/tlsrpt", PayloadKind::other}}};

constexpr std::array<Label, 7> kPossibleTypes = {
    {{"application/json", PayloadKind::json},
     {"text/json", PayloadKind::json},
     {"application/gzip", PayloadKind::gzip},
     {"application/x-gzip", PayloadKind::gzip},
     {"application/zip", PayloadKind::zip},
     {"application/x-zip-compressed", PayloadKind::zip},
     {"application/octet-stream", PayloadKind::other}}};

constexpr std::array<Label, 3> kNameEnds = {
    {{".json", PayloadKind::json}, {".gz", PayloadKind::gzip}, {".zip", PayloadKind::zip}}};

struct Claim {
  Candidate candidate = Candidate::none;
  PayloadKind by_type = PayloadKind::other;
  PayloadKind by_name = PayloadKind::other;

  [[nodiscard]] bool agrees_with(PayloadKind kind) const {
    const auto agrees = [kind](PayloadKind promised) {
      return promised == PayloadKind::other || promised == kind;
    };
    return agrees(by_type) && agrees(by_name);
  }
};

Claim claim_of(const MimePart& part) {
  Claim claim;
  for (const Label& type : kPossibleTypes) {
    if (part.media_type == type.text) claim = {Candidate::weak, type.kind, PayloadKind::other};
  }
  const std::string& name = part.name;
  for (const Label& end : kNameEnds) {
    if (!ends_with_ignoring_case(name, end.text)) continue;
    claim.by_name = end.kind;
    // SENDER!DOMAIN!BEGIN!END is nothing but a report (RFC 8460 section 5.1), or DMARC's in XML.
    const bool report_name =
        end.kind != PayloadKind::zip && std::count(name.begin(), name.end(), '!') >= 3 &&
        (ends_with_ignoring_case(name, ".json") || ends_with_ignoring_case(name, ".json.gz"));
    claim.candidate = report_name ? Candidate::strong : Candidate::weak;
  }
  for (const Label& type : kReportTypes) {
    if (part.media_type != type.text) continue;
    claim.candidate = Candidate::strong;
    claim.by_type = type.kind;
  }
  return claim;
}

bool has_report_members(std::string_view json) {
  constexpr std::array<std::string_view, 3> kMembers = {"\"organization-name\"", "\"date-range\"",
                                                        "\"policies\""};
  return std::any_of(kMembers.begin(), kMembers.end(), [json](std::string_view member) {
    return json.find(member) != std::string_view::npos;
  });
}

/// JSON with a line that ends in '=', which no JSON has: line breaks stand between values, '=' in
/// strings only.
bool is_quoted_printable_json(std::string_view body) {
  return payload_kind(body.substr(0, kSniffed)) == PayloadKind::json &&
         (body.find("=\n") != std::string_view::npos ||
          body.find("=\r\n") != std::string_view::npos);
}

/// The encoding under which the bytes make sense. Gateways decode a part and leave its label, or
/// lose the label.
TransferEncoding effective_encoding(const MimePart& part) {
  const std::string_view front = part.body.substr(0, kSniffed);
  if (part.encoding != TransferEncoding::identity) {
    const PayloadKind raw = payload_kind(front);  // neither encoding leaves controls as they are
    if (raw == PayloadKind::gzip || raw == PayloadKind::zip) return TransferEncoding::identity;
    for (const std::size_t size : {kMagic, kSniffed}) {
      const std::string bytes = decode_transfer(part.encoding, front.substr(0, size));
      if (is_payload(payload_kind(bytes))) return part.encoding;
    }
    if (is_payload(payload_kind(front))) return TransferEncoding::identity;
  }
  if (part.encoding == TransferEncoding::identity && is_quoted_printable_json(part.body))
    return TransferEncoding::quoted_printable;
  return looks_like_base64_payload(front) ? TransferEncoding::base64 : part.encoding;
}

/// The alphabet for URLs (RFC 4648 section 5) as the usual one.
std::string with_usual_alphabet(std::string_view text) {
  std::string usual(text);
  std::replace(usual.begin(), usual.end(), '-', '+');
  std::replace(usual.begin(), usual.end(), '_', '/');
  return usual;
}

void decode(const MimePart& part, TransferEncoding encoding, ReportPart& result) {
  result.bytes = decode_transfer(encoding, part.body, result.damaged);
  // A text that has signs of the usual alphabet has none of the other.
  if (result.damaged && part.body.find_first_of("+/") == std::string_view::npos)
    result.bytes = decode_transfer(encoding, with_usual_alphabet(part.body));
}

}  // namespace

ReportPart inspect_part(const MimePart& part, bool of_report_mail) {
  const TransferEncoding encoding = effective_encoding(part);
  Claim claim = claim_of(part);
  ReportPart result;
  // Most parts of most mails are no candidates, and need not be decoded as a whole to see that.
  if (claim.candidate == Candidate::none) {
    const std::string front = decode_transfer(encoding, part.body.substr(0, kSniffed));
    const bool behind_text = of_report_mail && front.find("\n{") != std::string::npos;
    if (!behind_text && !is_payload(payload_kind(front))) return result;
  }
  decode(part, encoding, result);
  const PayloadKind kind = payload_kind(result.bytes);
  if (claim.candidate == Candidate::none &&
      (kind == PayloadKind::gzip || kind == PayloadKind::zip || has_report_members(result.bytes)))
    claim.candidate = Candidate::weak;
  result.candidate = claim.candidate;
  if (result.candidate == Candidate::none) result.bytes.clear();
  result.mismatch =
      encoding != part.encoding || (is_payload(kind) && !claim.agrees_with(kind)) || part.guessed;
  return result;
}

bool is_wrapped_message(const MimePart& part) {
  if (part.media_type == "message/rfc822" || part.media_type == "message/global")
    return part.encoding != TransferEncoding::identity;
  return ends_with_ignoring_case(part.name, ".eml") &&
         begins_with_field(decode_transfer(part.encoding, part.body.substr(0, kSniffed)));
}

}  // namespace tlsrpt
