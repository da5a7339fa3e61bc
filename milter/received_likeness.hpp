// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The part of the schema's second version that SQL cannot compute: the likeness of reports that
// were stored before there was one.

#include "common/sqlite.hpp"

namespace tlsrpt::milter {

/// In short transactions; what an interrupted run leaves is done by the next.
Result<void> fill_likeness(Sqlite& database);

}  // namespace tlsrpt::milter
