// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The log lines about one report mail: one for every mail, more with LogWhy.

#include <string>
#include <vector>

#include "common/log.hpp"
#include "milter/intake.hpp"

namespace tlsrpt::milter {

/// The line that tells what became of a mail. Tags: report-stored, report-duplicate,
/// report-refused, not-a-report, dns-error, intake-failed.
LogLine describe_mail(const IntakeResult& result, std::string_view queue_id);
LogLevel level_of(const IntakeResult& result);

/// The part of that line about signature, reports and refusals, for a line of another kind.
void add_intake(LogLine& line, const IntakeResult& result);

/// Every signature (dkim-signature) and every part (report-part) with its verdict; at most 50
/// lines.
std::vector<LogLine> explain_mail(const IntakeResult& result, std::string_view queue_id);

}  // namespace tlsrpt::milter
