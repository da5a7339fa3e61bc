// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The commands of opentlsrpt-reporter that make reports: preview, send, and its rehearsals.

#include <vector>

#include "common/log.hpp"
#include "common/sysexits.hpp"
#include "sender/destination_rules.hpp"
#include "sender/reporter_command.hpp"
#include "sender/reporter_settings.hpp"

namespace tlsrpt::sender {

/// preview, and send --dry-run.
Exit run_preview(const ReporterCommand& command, const ReporterSettings& settings,
                 const DestinationRules& rules);

/// send --to.
Exit run_rehearsal(const ReporterCommand& command, const ReporterSettings& settings,
                   const std::vector<SigningKey>& keys);

/// send.
Exit run_send(const ReporterCommand& command, const ReporterSettings& settings,
              const std::vector<SigningKey>& keys, const DestinationRules& rules, Log& log);

}  // namespace tlsrpt::sender
