// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What the store's counters mean: those of mails and requests of which nothing else is left.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tlsrpt::milter {

struct LossCounter {
  std::string_view name;
  std::string_view meaning;  ///< in the plural, as in "17 posts beyond ..."
};

/// In the order in which they are shown.
const std::vector<LossCounter>& loss_counters();

/// The section of a summary about them; empty if none was counted.
std::string losses_text(const std::map<std::string, std::uint64_t>& counters);

}  // namespace tlsrpt::milter
