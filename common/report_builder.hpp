// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// One JSON value -> one Report, in a single pass and without a tree of the document in between.

#include <cstddef>
#include <optional>
#include <string_view>

#include "common/report_reader.hpp"
#include "common/report_verdict.hpp"

namespace tlsrpt {

struct BuiltReport {
  ReadOutcome outcome;             ///< without ReadOutcome::json
  std::optional<std::size_t> end;  ///< behind the value; nothing if it was not read to its end
};

/// Reads the value at the front of the text; more text may follow it. What is no JSON, also after
/// what JsonScanner puts right, is not_json.
BuiltReport build_report(std::string_view json, const ReportLimits& limits);

}  // namespace tlsrpt
