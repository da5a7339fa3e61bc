// SPDX-License-Identifier: BSD-2-Clause
// opentlsrpt-reports: reads, keeps and shows the reports that others send about our domains.

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string_view>

#include "common/daemon.hpp"
#include "milter/reports_commands.hpp"

namespace {

using namespace tlsrpt;
using namespace tlsrpt::milter;

Exit run(const ReportsOptions& options) {
  DaemonOptions where;
  where.config_file = options.config_file;
  ReadConfig read = load_config(where, Key::socket);
  if (!read.problems.empty()) {
    print_problems(read.problems);
    return Exit::config;
  }
  if (options.database) {
    if (auto set = read.config.set(Key::database, *options.database); !set) {
      complain("--database: " + set.error().detail);
      return Exit::usage;
    }
  }
  const SystemClock clock;
  switch (options.command) {
    case Command::parse:
    case Command::import_files:
      return read_reports_command(options, read.config, clock);
    case Command::list:
    case Command::show:
    case Command::summary:
      return view_command(options, read.config, clock);
    case Command::explain:
      return explain_command(options, read.config, clock);
    case Command::serve:
      return serve_command(options, read.config, clock);
    case Command::prune:
      return prune_command(options, read.config, clock);
    case Command::none:
      break;
  }
  return Exit::usage;
}

Exit start(int argc, char** argv) {
  const auto options = parse_reports_options(argc, argv);
  if (!options) {
    complain(options.error().detail);
    return Exit::usage;
  }
  Exit code = Exit::ok;
  if (options->version) {
    code = print("opentlsrpt-reports " OPENTLSRPT_VERSION "\n") ? Exit::ok : Exit::io;
  } else if (options->help) {
    code = print(reports_help(options->command)) ? Exit::ok : Exit::io;
  } else {
    code = run(*options);
  }
  // What is still in the buffer may fail as well: a full disk must not look like success.
  if (std::fflush(stdout) != 0 && code != Exit::io) {
    complain("cannot write to standard output");
    return Exit::io;
  }
  return code;
}

/// An MTA takes most codes for a reason to bounce. What has not been kept is to come again,
/// whatever the matter was: the command line and the configuration can be mended meanwhile.
Exit for_mta(Exit code, int argc, char** argv) {
  const bool pipe = std::find(argv, argv + argc, std::string_view("--pipe")) != argv + argc;
  return pipe && code != Exit::ok ? Exit::temporary : code;
}

}  // namespace

int main(int argc, char** argv) {
  Exit code = Exit::software;
  try {
    code = start(argc, argv);
  } catch (const std::exception& error) {
    complain(error.what());
  }
  return exit_code(for_mta(code, argc, argv));
}
