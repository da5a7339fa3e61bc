// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Stored reports and refused mails as a table, one line for each.

#include <string>
#include <vector>

#include "milter/received_store.hpp"

namespace tlsrpt::milter {

std::string report_list_text(const std::vector<ListedReport>& reports);
std::string refusal_list_text(const std::vector<ListedRefusal>& refusals);

}  // namespace tlsrpt::milter
