// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// JSON text of a stranger -> Report: keep the report, flag the field.

#include <string>
#include <string_view>
#include <vector>

#include "common/report.hpp"
#include "common/report_verdict.hpp"

namespace tlsrpt {

/// Bounds of one JSON document (R108). Sizes are in bytes.
struct ReportLimits {
  std::size_t max_bytes = 16u << 20;
  std::size_t max_depth = 32;
  std::size_t max_members = 1'000'000;       ///< members and elements of one report, known or not
  std::size_t max_reports = 100;             ///< JSON lines, or an array of reports
  std::size_t max_policies = 10000;          ///< of one report
  std::size_t max_failure_details = 100000;  ///< of one report
  std::size_t max_strings = 10000;           ///< elements of policy-string or mx-host
  std::size_t max_string = 16384;            ///< longer texts and names are cut and flagged
};

/// Reads every report of a document: one object, JSON lines, or an array of reports. Each gets its
/// own outcome, so one bad report does not cost the others. Never empty: a document without any
/// report gives one refusal. Pure: no clock, no files, no network. Time and memory are linear in
/// the size of the text.
std::vector<ReadOutcome> read_reports(std::string_view json, const ReportLimits& limits = {});

/// As read_reports, for a text that is not needed any more: one with a single report becomes its
/// ReadOutcome::json instead of being copied.
std::vector<ReadOutcome> read_last_reports(std::string json, const ReportLimits& limits);

}  // namespace tlsrpt
