// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// A refused part that no label calls a report: was it meant as one?

#include <string_view>

#include "common/report_verdict.hpp"

namespace tlsrpt {

/// By its bytes, as far as they can be read; by the name of its file, or of the one in its archive;
/// or, where it is JSON or packed and damaged, by the subject of its mail. DMARC's reports, which
/// have the same subject and often the same recipient, are none.
bool was_meant_as_report(const ReadOutcome& refused, std::string_view file_name,
                         std::string_view subject);

}  // namespace tlsrpt
