// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What tells policies and failure details apart in outbound.db.

#include <cstdint>
#include <string>
#include <vector>

#include "common/report.hpp"

namespace tlsrpt::sender {

/// The key of a policy or of failure details within its domain: the first 64 bits of a SHA-256
/// over its texts. Two that collide would be counted as one; nothing else would break.
std::int64_t policy_key(const Policy& policy);
std::int64_t detail_key(const FailureDetails& details);

/// A list of texts in one column, and back.
std::string join_lines(const std::vector<std::string>& list);
std::vector<std::string> split_lines(std::string_view text);

}  // namespace tlsrpt::sender
