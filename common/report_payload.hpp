// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The reports in the decoded bytes of a part or file, whatever they are packed in.

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/gzip.hpp"
#include "common/report_reader.hpp"
#include "common/report_verdict.hpp"

namespace tlsrpt {

struct ZipEntry;

enum class PayloadKind { empty, gzip, zip, json, other };

/// By the first bytes; JSON may have a byte order mark and blanks before its brace, and be UTF-16.
PayloadKind payload_kind(std::string_view bytes);

/// Something that a report can be in.
constexpr bool is_payload(PayloadKind kind) {
  return kind == PayloadKind::gzip || kind == PayloadKind::zip || kind == PayloadKind::json;
}

/// Bounds of what is packed, and of what comes out of it.
struct PayloadLimits {
  std::size_t max_compressed_bytes = 16u << 20;  ///< of one gzip or zip
  std::size_t max_packings = 2;                  ///< containers inside of each other
  std::size_t max_zip_members = 100;
  GunzipLimits gunzip;
  ReportLimits report;  ///< max_reports: of all payloads together
};

/// Opens the payloads of one message. All of them share one budget of unpacked bytes
/// (GunzipLimits::max_bytes) and of reports, so that many small bombs cost no more than a large
/// one.
class PayloadReader {
 public:
  explicit PayloadReader(const PayloadLimits& limits);

  /// Opens a mail or mbox that stood in a container. Empty: there is none in the bytes.
  using MailReader = std::function<std::vector<ReadOutcome>(std::string_view bytes)>;
  void set_mail_reader(MailReader reader) { mail_reader_ = std::move(reader); }

  /// One outcome for each report, or refusals. Empty only if that there are too many reports has
  /// been said before.
  std::vector<ReadOutcome> read(std::string bytes);

 private:
  struct MemberOutcomes {
    std::vector<ReadOutcome> outcomes;
    std::vector<ReadOutcome> no_reports;  ///< worth a word only if there is no report
  };

  std::vector<ReadOutcome> read_packed(std::string bytes, std::size_t depth);
  std::vector<ReadOutcome> read_container(PayloadKind kind, std::string_view bytes,
                                          std::size_t depth);
  std::vector<ReadOutcome> read_gzip(std::string_view bytes, std::size_t depth);
  std::vector<ReadOutcome> read_zip(std::string_view bytes, std::size_t depth);
  MemberOutcomes read_members(std::string_view bytes, std::span<const ZipEntry> entries,
                              std::size_t depth, bool named);
  std::vector<ReadOutcome> read_utf16(std::string_view bytes);
  std::vector<ReadOutcome> read_document(std::string text);
  std::vector<ReadOutcome> refuse_packed(Refusal refusal, std::string detail);
  ReadOutcome too_many_reports();

  PayloadLimits limits_;
  GunzipLimits left_;    ///< of the budget for unpacked bytes
  ReportLimits report_;  ///< of the budget for reports
  MailReader mail_reader_;
  unsigned documents_ = 0;
  bool said_too_many_reports_ = false;
};

/// The same text twice in one message or file is one report, or one refusal: the first stays.
void drop_repeated(std::vector<ReadOutcome>& outcomes);

/// An outcome that says why there is no report.
ReadOutcome refused(Refusal refusal, std::string detail);

}  // namespace tlsrpt
