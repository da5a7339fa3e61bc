// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// A summary as a person reads it in the morning, and as a script takes it.

#include <string>

#include "milter/summary.hpp"

namespace tlsrpt::milter {

/// Failures first. About 100 columns wide; every text of a stranger is escaped.
std::string summary_text(const Summary& summary);

/// One JSON object and a line end. Times as in a report; counts never added across policy types.
std::string summary_json(const Summary& summary);

}  // namespace tlsrpt::milter
