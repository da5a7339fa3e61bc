// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The command line of opentlsrpt-reporter: the daemon, or one of its commands.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/daemon.hpp"
#include "common/rua.hpp"
#include "common/utc_time.hpp"
#include "sender/ledger.hpp"
#include "sender/reporter_options.hpp"

namespace tlsrpt::sender {

enum class SuppressAction : std::uint8_t { list, add, remove };

struct ReporterCommand {
  DaemonOptions options;
  CommandKind kind = CommandKind::daemon;

  Day day{};               ///< yesterday, unless given
  bool day_given = false;  ///< queue, status and retry are about all days without it
  /// As typed for preview and send, which tell those that are unknown; else normalised.
  std::vector<std::string> domains;

  bool dry_run = false;             ///< send
  std::optional<Rua> rehearsal_to;  ///< send: to this address instead of the destinations

  std::vector<DeliveryState> states;  ///< queue: the open ones unless given; empty: all
  bool json = false;                  ///< queue

  bool prometheus = false;  ///< status for a machine
  std::string explain;      ///< status: about this domain, normalised; empty: about all

  SuppressAction suppress = SuppressAction::list;
  std::vector<std::string> destinations;              ///< suppress: as suppression_name() has them
  std::optional<std::chrono::seconds> suppress_time;  ///< nothing: SuppressTime
  std::string reason;

  std::vector<std::string> genkey_words;  ///< "--type=rsa" and so on, then the selector
};

/// Options may stand before or behind the command. today: what the words today and yesterday refer
/// to. The error is the text for the user.
Result<ReporterCommand> parse_reporter_command(int argc, char** argv, Day today);

}  // namespace tlsrpt::sender
