// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// One stored report, or one refused mail, for a person to read.

#include <cstdint>
#include <string>
#include <vector>

#include "milter/received_store.hpp"

namespace tlsrpt::milter {

/// policy_domains: ours; entries about other domains are marked. Empty: all are ours.
std::string report_view(std::int64_t id, const ReceivedReport& received,
                        const std::vector<std::string>& policy_domains = {});
std::string refusal_view(std::int64_t id, const RefusedInput& refused);

}  // namespace tlsrpt::milter
