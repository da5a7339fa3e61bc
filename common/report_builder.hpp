// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// One JSON value -> one Report, in a single pass and without a tree of the document in between.

#include <string_view>

#include "common/report_reader.hpp"
#include "common/report_verdict.hpp"

namespace tlsrpt {

/// Takes what is grammatical JSON only; not_json otherwise. Leaves ReadOutcome::json empty.
ReadOutcome build_report(std::string_view json, const ReportLimits& limits);

}  // namespace tlsrpt
