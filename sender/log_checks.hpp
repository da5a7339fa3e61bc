// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Can the logs be followed that the configuration names?

#include <vector>

#include "common/config.hpp"

namespace tlsrpt::sender {

/// Reads them as UserID would, in a process of its own; so no thread may run. A file that is not
/// there yet is no problem, one that cannot be read is.
void check_logs(const Config& config, std::vector<ConfigProblem>& problems);

}  // namespace tlsrpt::sender
