// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// PostNetworks: where hosts that strangers name may be although it is not public.

#include <string>
#include <vector>

#include "common/config.hpp"

namespace tlsrpt::sender {

/// Those of the configuration, and what is wrong with them, with its place.
const std::vector<std::string>& private_networks(const Config& config,
                                                 std::vector<ConfigProblem>& problems);

}  // namespace tlsrpt::sender
