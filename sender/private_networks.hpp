// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// PostNetworks: where hosts that strangers name may be although it is not public.

#include <vector>

#include "common/config.hpp"

namespace tlsrpt::sender {

/// What is wrong with them, with its place. Key::post_networks has the list.
std::vector<ConfigProblem> check_private_networks(const Config& config);

}  // namespace tlsrpt::sender
