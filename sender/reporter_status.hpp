// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// How the reports of the kept days fare, for people and for Prometheus.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sender/ledger.hpp"
#include "sender/outbound_store.hpp"
#include "sender/suppression.hpp"

namespace tlsrpt::sender {

struct ReporterDay {
  std::uint64_t domains = 0;  ///< that something was counted for; 0 if forgotten already
  DayCounts counts;
};

struct ReporterStatus {
  std::vector<ReporterDay> days;      ///< newest first; of each day something is counted or planned
  Day shown;                          ///< the day that people ask about
  std::vector<Delivery> last_errors;  ///< of that day, newest first
  std::optional<Seconds> next_due;    ///< of all open deliveries
  std::uint64_t suppressed = 0;       ///< destinations
};

template <typename State>
std::uint64_t count_of(const std::map<State, std::uint64_t>& counts, State state) {
  const auto found = counts.find(state);
  return found == counts.end() ? 0 : found->second;
}

/// 'shown': in full, with its last errors.
Result<ReporterStatus> read_reporter_status(OutboundStore& store, Ledger& ledger, Day shown,
                                            Seconds now);

/// The oldest of the days of which something is still to be delivered.
std::optional<Day> oldest_open(const ReporterStatus& status);

/// Lines for a terminal; strangers' texts are escaped. only_shown: nothing about other days.
std::string status_text(const ReporterStatus& status, Seconds now, bool only_shown);

/// The text format of Prometheus, version 0.0.4.
std::string prometheus_text(const ReporterStatus& status);

}  // namespace tlsrpt::sender
