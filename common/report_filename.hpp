// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What the file name of a report says (RFC 8460 section 5.1), to compare with the report. It is
// never a path and never decides anything (R221-R223).

#include <optional>
#include <string>
#include <string_view>

#include "common/report.hpp"

namespace tlsrpt {

/// SENDER!DOMAIN!BEGIN!END, behind which may stand !UNIQUE, and .json, .json.gz or what a gateway
/// made of it.
struct ReportFilename {
  std::string sender;  ///< normalised if that can be, like domain
  std::string domain;
  Seconds begin{};
  Seconds end{};
};

/// Nothing for a name of any other shape: most are.
std::optional<ReportFilename> parse_report_filename(std::string_view name);

/// Do they speak of the same days and domain, and of the same sender? What the report leaves out
/// contradicts nothing. DOMAIN may be any of the report's policy domains; it is not compared with
/// those of DANE only, which are MX hosts.
bool agrees(const ReportFilename& name, const Report& report);

}  // namespace tlsrpt
