// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The command line of opentlsrpt-reporter: the daemon, or one of its commands.

#include <cstdint>
#include <string>
#include <vector>

#include "common/daemon.hpp"
#include "common/utc_time.hpp"

namespace tlsrpt::sender {

enum class CommandKind : std::uint8_t { daemon, preview, send, status, genkey, testkey };

struct ReporterCommand {
  DaemonOptions options;
  CommandKind kind = CommandKind::daemon;
  Day day{};
  std::vector<std::string> domains;  ///< of genkey: its options and arguments (parse_genkey)
  bool prometheus = false;           ///< status for a machine
};

/// Options may stand before or behind the command. today: what the words today and yesterday refer
/// to. The error is the text for the user.
Result<ReporterCommand> parse_reporter_command(int argc, char** argv, Day today);

}  // namespace tlsrpt::sender
