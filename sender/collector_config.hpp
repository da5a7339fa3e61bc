// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Whether a configuration that reads well can also be used by the collector on this machine.

#include <string>
#include <vector>

#include "common/config.hpp"
#include "sender/collector.hpp"

namespace tlsrpt::sender {

/// All problems, with the places of the values. 'inherited': systemd passed the socket, so its path
/// does not matter.
std::vector<ConfigProblem> check_collector_config(const Config& config, bool inherited);

CollectorSettings collector_settings(const Config& config);
StoreBounds store_bounds(const Config& config);

/// Path, owner, group and mode of a socket. Only for a configuration without problems.
Result<SocketSettings> socket_settings(const Config& config, SocketKind kind);

}  // namespace tlsrpt::sender
