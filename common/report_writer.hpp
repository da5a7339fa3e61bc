// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Report -> JSON text, strictly as RFC 8460 section 4.4 and RFC 7493 (I-JSON) want it.

#include <string>

#include "common/report.hpp"

namespace tlsrpt {

/// One line of JSON without a line break at its end. Valid UTF-8 (invalid bytes become U+FFFD),
/// member order of section 4.4, members without a value left out, arrays where the RFC has arrays;
/// organization-name, contact-info, report-id and policy-domain are always there, if need be as "".
/// Counts above 2^53-1 are saturated. failure-details is left out when empty.
std::string write_report(const Report& report);

}  // namespace tlsrpt
