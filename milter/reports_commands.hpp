// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The commands of opentlsrpt-reports: each prints to standard output and gives the exit code.

#include "common/clock.hpp"
#include "common/config.hpp"
#include "common/sysexits.hpp"
#include "milter/received_store.hpp"
#include "milter/reports_options.hpp"

namespace tlsrpt::milter {

/// parse and import.
Exit read_reports_command(const ReportsOptions& options, const Config& config, const Clock& clock);

/// list, show and summary.
Exit view_command(const ReportsOptions& options, const Config& config, const Clock& clock);

/// explain.
Exit explain_command(const ReportsOptions& options, const Config& config, const Clock& clock);

/// serve.
Exit serve_command(const ReportsOptions& options, const Config& config, const Clock& clock);
Exit prune_command(const ReportsOptions& options, const Config& config, const Clock& clock);

/// "opentlsrpt-reports: TEXT" to standard error, escaped for a terminal.
void complain(std::string_view text);

/// All of it to standard output, and true; or a complaint and false.
bool print(std::string_view text);

}  // namespace tlsrpt::milter
