// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The writing half of the store: rows of one report, and of one refused input. Each function runs
// inside the caller's transaction.

#include "common/sqlite.hpp"
#include "milter/received_store.hpp"

namespace tlsrpt::milter {

Result<StoredReport> write_received_report(Sqlite& database, const ReceivedReport& received);

/// The id of the report that this one would be a duplicate of; only reads.
Result<std::optional<std::int64_t>> find_received_report(Sqlite& database,
                                                         const ReceivedReport& received);

/// Adds the row, or counts an identical one again.
Result<void> write_refused(Sqlite& database, const RefusedInput& refused,
                           const StoreLimits& limits);

/// Brings the refused inputs back within their limits, and counts what that cost.
Result<void> make_room_for_refused(Sqlite& database, Seconds now, const StoreLimits& limits);

Result<void> remove_refused(Sqlite& database, std::int64_t id);

Result<void> add_counters(Sqlite& database, Day day,
                          const std::map<std::string, std::uint64_t>& counters);

/// Removes what belongs to a report, but not its row.
Result<void> remove_policies(Sqlite& database, std::int64_t id);

}  // namespace tlsrpt::milter
