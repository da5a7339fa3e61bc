// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Which commands opentlsrpt-reporter has, which options each takes, and a command line taken apart
// by these tables.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/daemon.hpp"
#include "common/error.hpp"

namespace tlsrpt::sender {

enum class CommandKind : std::uint8_t {
  daemon,
  preview,
  send,
  queue,
  status,
  retry,
  suppress,
  bounce,
  genkey,
  testkey,
};

struct CommandInfo {
  CommandKind kind;
  std::string_view name;     ///< as typed; of the daemon: empty
  std::string_view letters;  ///< of parse_daemon_options
  std::string_view synopsis;
};
std::span<const CommandInfo> command_table();
const CommandInfo& command_info(CommandKind kind);

/// "usage: ..." with a line for each command.
std::string reporter_usage();

struct SplitCommandLine {
  DaemonOptions options;
  CommandKind kind = CommandKind::daemon;
  std::vector<std::pair<std::string_view, std::string>> given;  ///< "--day" and its value
  std::vector<std::string> operands;                            ///< behind the command

  [[nodiscard]] bool has(std::string_view option) const;
  /// The value that stands last; nothing if the option was not given.
  [[nodiscard]] std::optional<std::string> value(std::string_view option) const;
};

/// Options may stand before or behind the command, values behind a blank or '='; "--" ends them.
/// The error is the text for the user.
Result<SplitCommandLine> split_command_line(int argc, char** argv);

}  // namespace tlsrpt::sender
