// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// One stored report, or one refused mail, for a person to read.

#include <cstdint>
#include <string>

#include "milter/received_store.hpp"

namespace tlsrpt::milter {

std::string report_view(std::int64_t id, const ReceivedReport& received);
std::string refusal_view(std::int64_t id, const RefusedInput& refused);

}  // namespace tlsrpt::milter
