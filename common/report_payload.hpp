// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The reports in the decoded bytes of a part or file, whatever they are packed in.

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "common/gzip.hpp"
#include "common/report_reader.hpp"
#include "common/report_verdict.hpp"

namespace tlsrpt {

enum class PayloadKind { empty, gzip, zip, json, other };

/// By the first bytes; JSON may have a byte order mark and blanks before its brace.
PayloadKind payload_kind(std::string_view bytes);

/// Opens the payloads of one message. All of them share one budget of unpacked bytes
/// (GunzipLimits::max_bytes), so that many small bombs cost no more than a large one.
class PayloadReader {
 public:
  PayloadReader(const GunzipLimits& unpacking, const ReportLimits& report);

  /// One outcome for each report, or refusals. Empty if all of it was read before: the same
  /// document twice in one message is one report. At most two packings inside of each other are
  /// opened.
  std::vector<ReadOutcome> read(std::string_view bytes);

 private:
  std::vector<ReadOutcome> read_packed(std::string_view bytes, unsigned depth);
  std::vector<ReadOutcome> read_gzip(std::string_view bytes, unsigned depth);
  std::vector<ReadOutcome> read_zip(std::string_view bytes, unsigned depth);
  std::vector<ReadOutcome> read_document(std::string_view text);
  std::vector<ReadOutcome> refuse_packed(Refusal refusal, std::string detail);

  GunzipLimits left_;
  std::size_t whole_budget_;
  ReportLimits report_;
  std::unordered_set<std::string> seen_;
};

/// An outcome that says why there is no report.
ReadOutcome refused(Refusal refusal, std::string detail);

}  // namespace tlsrpt
