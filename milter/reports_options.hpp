// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The command line of opentlsrpt-reports.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/utc_time.hpp"

namespace tlsrpt::milter {

enum class Command { none, parse, import_files, list, show, summary, prune };

struct ReportsOptions {
  std::string config_file;              ///< -c
  std::optional<std::string> database;  ///< --database
  bool version = false;                 ///< -V
  bool help = false;                    ///< -h, of the command if one is given
  Command command = Command::none;
  std::vector<std::string> inputs;  ///< of parse and import
  std::int64_t id = 0;              ///< of show
  std::optional<Day> since;
  std::optional<Day> until;  ///< this day included
  std::string domain;        ///< normalised
  std::size_t limit = 50;    ///< 0: no limit
  unsigned days = 7;         ///< of summary, without since
  std::string reporter;      ///< submitter or organization-name
  std::string type;          ///< a result-type
  bool failures = false;
  bool quarantined = false;
  bool refused = false;
  std::optional<Day> before;     ///< of prune
  std::optional<unsigned> keep;  ///< of prune: days
  bool dry_run = false;
  bool json = false;
  bool raw = false;
};

/// The error is the text for the user.
Result<ReportsOptions> parse_reports_options(int argc, char** argv);

/// What -h prints: of the program, or of one command.
std::string reports_help(Command command);

}  // namespace tlsrpt::milter
