// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The tables of received.db.

#include <string>
#include <vector>

namespace tlsrpt::milter {

/// One group of statements for each version of the schema; a published group is never changed.
const std::vector<std::string>& received_migrations();

}  // namespace tlsrpt::milter
