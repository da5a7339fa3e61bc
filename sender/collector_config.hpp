// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Whether a configuration that reads well can also be used by the collector on this machine.

#include <string>
#include <vector>

#include "common/config.hpp"
#include "sender/collector.hpp"

namespace tlsrpt::sender {

/// All problems, one text each. 'inherited': systemd passed the socket, so its path does not
/// matter.
std::vector<std::string> check_collector_config(const Config& config, bool inherited);

CollectorSettings collector_settings(const Config& config);
StoreBounds store_bounds(const Config& config);

/// Owner, group and mode of the socket. Only for a configuration without problems.
Result<SocketSettings> socket_settings(const Config& config);

}  // namespace tlsrpt::sender
