// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The commands of opentlsrpt-reporter that work on its database alone: queue, status, retry,
// suppress, bounce. They put the parts together and print; the parts are tested by themselves.

#include "common/config.hpp"
#include "common/sysexits.hpp"
#include "sender/reporter_command.hpp"

namespace tlsrpt::sender {

bool is_ledger_command(CommandKind kind);

/// Prints the configuration's problems, if any. Becomes UserID if started as root, so that no file
/// beside the database becomes root's.
Exit run_ledger_command(const ReporterCommand& command, const ReadConfig& read);

}  // namespace tlsrpt::sender
