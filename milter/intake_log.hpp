// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The log lines about one report mail: one for each report, more with LogWhy.

#include <string>
#include <vector>

#include "common/log.hpp"
#include "milter/intake.hpp"

namespace tlsrpt::milter {

struct LogEntry {
  LogLevel level = LogLevel::info;
  LogLine line;
};

/// The lines that tell what became of a mail: one for each report that was stored (report-stored)
/// or known already (report-duplicate), and one for all that was refused beside them
/// (report-refused); one alone if nothing was stored: report-refused, not-a-report, dns-error,
/// over-limit, intake-failed. At most 50; the last one then says how many more reports there are.
std::vector<LogEntry> describe_mail(const IntakeResult& result, std::string_view queue_id);

/// For a line of another kind about the same: the signature, the first report and how many more,
/// and the refusals.
void add_intake(LogLine& line, const IntakeResult& result);

/// Every signature (dkim-signature) and every part (report-part) with its verdict; at most 50
/// lines.
std::vector<LogLine> explain_mail(const IntakeResult& result, std::string_view queue_id);

}  // namespace tlsrpt::milter
