// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// How the ledger's rows are read and its times stand in the database: for ledger.cpp and
// ledger_views.cpp.

#include <cstdint>
#include <string_view>
#include <vector>

#include "common/sqlite.hpp"
#include "sender/ledger.hpp"

namespace tlsrpt::sender::ledger {

inline constexpr std::string_view kSelect =
    "SELECT d.id, d.plan, p.day, p.domain, d.destination, d.state, d.due, d.attempts,"
    " d.first_attempt, d.detail FROM delivery d JOIN plan p ON p.id=d.plan ";

inline std::int64_t to_number(Day day) { return day.time_since_epoch().count(); }
inline std::int64_t to_number(Seconds time) { return time.time_since_epoch().count(); }
inline Day to_day(std::int64_t number) { return Day(std::chrono::days(number)); }
inline Seconds to_seconds(std::int64_t number) { return Seconds(std::chrono::seconds(number)); }

/// All rows of a statement that begins with kSelect and whose parameters are bound.
Result<std::vector<Delivery>> read_deliveries(Statement& query);

}  // namespace tlsrpt::sender::ledger
