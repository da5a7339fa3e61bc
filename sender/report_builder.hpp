// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// From one recipient domain's day to its report. Nothing here depends on when the program runs.

#include <cstdint>
#include <string>
#include <string_view>

#include "common/error.hpp"
#include "common/report.hpp"
#include "sender/outbound_store.hpp"
#include "sender/report_text.hpp"
#include "sender/reporter_settings.hpp"

namespace tlsrpt::sender {

/// 00:00:00Z to 23:59:59Z of the day.
DateRange date_range_of(Day day);

/// "20260301.example.com.0123456789abcdef@submitter.example": a dot-atom on both sides (R124), the
/// same for equal arguments. host_name tells several reporters of one submitter apart. A domain
/// that would make the id too long is replaced by its digest.
Result<std::string> make_report_id(Day day, std::string_view domain, std::string_view submitter,
                                   std::string_view host_name);

/// The day's counts in the form that a report wants (sender/reportable.hpp).
Report build_report(const DomainDay& domain_day, const ReporterIdentity& identity,
                    std::string report_id);

/// build_report with the id of make_report_id.
Result<Report> draft_report(const DomainDay& domain_day, const ReporterIdentity& identity,
                            std::string_view host_name);

/// True if any policy has failed sessions or failure details.
bool has_failures(const DomainDay& domain_day);
}  // namespace tlsrpt::sender
