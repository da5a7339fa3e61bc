// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// A mail message opened with bounds: what it says about itself, and the reports in it.

#include <string>
#include <string_view>
#include <vector>

#include "common/report_payload.hpp"
#include "common/report_verdict.hpp"

namespace tlsrpt {

/// Each has a setting of its own in opentlsrpt.conf(5); what goes beyond is refused by its name.
struct MessageLimits : PayloadLimits {
  std::size_t max_message_bytes = 32u << 20;
  std::size_t max_header_bytes = 256u << 10;  ///< of one header section
  std::size_t max_parts = 100;
  std::size_t max_depth = 10;
};

/// What the header says. Texts are unfolded and as they came: escape them before showing them.
struct MailFacts {
  std::string from;         ///< the From field's value
  std::string from_domain;  ///< normalised; empty if From is not exactly one field with one mailbox
  std::string subject;
  std::string message_id;
  std::string date;
  std::string tls_report_domain;     ///< normalised if possible
  std::string tls_report_submitter;  ///< likewise
  bool claims_report = false;  ///< multipart/report with report-type=tlsrpt, a tlsrpt media type,
                               ///< or a TLS-Report-* header (R217); or a refused part that shows
                               ///< that it was meant as one
  bool has_preamble = false;   ///< of MimeMessage: the body alone does not show where parts begin
};

struct OpenedMessage {
  MailFacts facts;
  std::vector<ReadOutcome> outcomes;  ///< never empty; no_report_part if nothing was found
};

/// Finds every report by its bytes (gzip, zip, JSON), whatever label, name, encoding or nesting it
/// has (receiving.md 2.3). Line ends may be CRLF or LF. Pure; cost is linear in the message's size.
OpenedMessage open_message(std::string_view message, const MessageLimits& limits = {});

/// Behind what a saved mail or mbox may begin with and a mail as it was sent cannot: a byte order
/// mark, empty lines, or a line with its length. The text itself if no header follows.
std::string_view without_junk_before_header(std::string_view text);

/// A file of any kind: JSON, gzip, zip, a message, or an mbox (each of its messages); told apart by
/// the bytes. Of an mbox, 100 000 messages at most.
std::vector<ReadOutcome> open_file_bytes(std::string_view bytes, const MessageLimits& limits = {});

}  // namespace tlsrpt
