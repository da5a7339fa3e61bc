// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The reports in the decoded bytes of a part or file, whatever they are packed in.

#include <string>
#include <string_view>
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

  /// One outcome for each report, or refusals; never empty. At most two packings inside of each
  /// other are opened.
  std::vector<ReadOutcome> read(std::string bytes);

 private:
  std::vector<ReadOutcome> read_packed(std::string bytes, unsigned depth);
  std::vector<ReadOutcome> read_gzip(std::string_view bytes, unsigned depth);
  std::vector<ReadOutcome> read_zip(std::string_view bytes, unsigned depth);
  std::vector<ReadOutcome> refuse_packed(Refusal refusal, std::string detail);

  GunzipLimits left_;
  std::size_t whole_budget_;
  ReportLimits report_;
};

/// The same text twice in one message or file is one report, or one refusal: the first stays.
void drop_repeated(std::vector<ReadOutcome>& outcomes);

/// An outcome that says why there is no report.
ReadOutcome refused(Refusal refusal, std::string detail);

}  // namespace tlsrpt
