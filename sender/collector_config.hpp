// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Whether a configuration that reads well can also be used by the collector on this machine.

#include <string>
#include <vector>

#include "common/config.hpp"
#include "sender/collector.hpp"

namespace tlsrpt::sender {

/// What systemd passed: the paths of that kind then do not matter.
struct Inherited {
  bool datagram = false;
  bool stream = false;
};

/// All problems, with the places of the values.
std::vector<ConfigProblem> check_collector_config(const Config& config, const Inherited& inherited);

CollectorSettings collector_settings(const Config& config);
StoreBounds store_bounds(const Config& config);

/// Path, owner, group and mode of each socket that is to be made. Only for a configuration without
/// problems.
Result<std::vector<SocketSettings>> socket_settings(const Config& config,
                                                    const Inherited& inherited);

}  // namespace tlsrpt::sender
