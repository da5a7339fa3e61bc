// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// 'opentlsrpt-reporter suppress': shows and edits the destinations that are left alone.

#include <cstddef>
#include <string>
#include <vector>

#include "sender/print_line.hpp"
#include "sender/suppression.hpp"

namespace tlsrpt::sender {

/// Lines for a terminal, titles first; one sentence if there is nothing.
std::vector<std::string> suppression_table(const std::vector<Suppression>& entries, Seconds now,
                                           std::size_t width);

/// 'names' as suppression_name() has them. Prints what was done with each.
Result<void> suppress_destinations(Suppressions& list, const std::vector<std::string>& names,
                                   Seconds until, std::string_view reason, const PrintLine& print);

/// Error not_found, after all were looked at, if one was not there.
Result<void> unsuppress_destinations(Suppressions& list, const std::vector<std::string>& names,
                                     const PrintLine& print);

}  // namespace tlsrpt::sender
