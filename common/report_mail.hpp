// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The mail that carries a report (RFC 8460 sections 5.1-5.3; requirements EML-*).

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/report.hpp"
#include "common/utc_time.hpp"

namespace tlsrpt {

/// The longest report-id that a mail may carry: more than a date, a digest and the longest domain
/// need, and less than a line of a header may have.
inline constexpr std::size_t kMaxReportId = 300;

struct ReportMail {
  std::string from;           ///< addr-spec, in the reporting domain (R126)
  std::string to;             ///< addr-spec of the rua
  std::string report_domain;  ///< the policy domain the report is about: TLS-Report-Domain (R118)
  std::string submitter;      ///< domain of contact-info: TLS-Report-Submitter (R119, R120)
  std::string report_id;      ///< dot-atom@domain (R65, R124)
  DateRange date_range;
  std::string gzipped_report;  ///< the bytes of the .json.gz
  std::string text;            ///< human-readable first part, UTF-8 with LF line ends (R113)
  Seconds date{};
  std::string message_token;  ///< left side of the Message-ID, a dot-atom; empty: a digest
};

/// SUBMITTER!DOMAIN!START!END!UNIQUE.json.gz (R127-R131).
std::string report_filename(const ReportMail& mail);

/// The complete message without DKIM-Signature, CRLF line ends, ASCII headers, lines of at most 998
/// octets. Fails if an address or domain could not stand in a header.
Result<std::string> compose_report_mail(const ReportMail& mail);

/// The headers to sign, with From and TLS-Report-* over-signed (R186-R189).
std::vector<std::string> report_mail_signed_headers();

}  // namespace tlsrpt
