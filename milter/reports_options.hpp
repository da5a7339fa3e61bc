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

enum class Command { none, parse, import_files, list, show, summary, explain, serve, prune };

struct ReportsOptions {
  std::string config_file;              ///< -c
  std::optional<std::string> database;  ///< --database
  bool version = false;                 ///< -V
  bool help = false;                    ///< -h, of the command if one is given
  Command command = Command::none;
  std::vector<std::string> inputs;  ///< of parse and import
  bool dry_run = false;             ///< of import and prune: change nothing
  bool pipe = false;                ///< of import: called by an MTA for one mail
  bool quiet = false;               ///< of import: no lines
  bool record_refused = false;      ///< of import: as the milter does
  bool rejected = false;            ///< of import: the refused mails in the store are the inputs
  bool require_dkim = false;        ///< of import: as the milter does
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
  bool json = false;
  bool raw = false;
  bool check = false;              ///< of serve
  std::vector<std::string> words;  ///< of explain
};

/// The error is the text for the user.
Result<ReportsOptions> parse_reports_options(int argc, char** argv);

/// What -h prints: of the program, or of one command.
std::string reports_help(Command command);

}  // namespace tlsrpt::milter
