// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The daemon's work: plan every closed day, deliver what is due, forget what is old. It keeps
// nothing that the ledger does not have.

#include <chrono>
#include <functional>
#include <vector>

#include "sender/dispatcher.hpp"
#include "sender/planner.hpp"

namespace tlsrpt::sender {

/// First day that is still kept.
Day first_kept_day(Seconds now, std::chrono::seconds retention);

/// Returns after that time, or earlier when one of the descriptors can be read or a signal came.
using Wait = std::function<void(const std::vector<int>& fds, std::chrono::milliseconds time)>;

class Reporter {
 public:
  struct Parts {
    OutboundStore& store;
    Ledger& ledger;
    Suppressions& suppressions;
    Planner& planner;
    RecordLookups& lookups;
    Dispatcher& dispatcher;
    HandOverPool& pool;
    const Clock& clock;
    Log& log;
  };

  Reporter(Parts parts, const ReporterSettings& settings)
      : parts_(parts), settings_(settings), due_(parts.ledger) {}

  /// Works until stopped. What is in hand then is waited for, so that its end is written down:
  /// 'stop' should have been told to the pool's StopSignal as well.
  void run(const StopRequested& stop, const Wait& wait);

  /// Works until nothing is left to be done at this time of the clock.
  Result<void> round(const StopRequested& stop, const Wait& wait);

  /// When something is to be done next; never more than a minute from now, so that what other
  /// processes write into the ledger is seen.
  [[nodiscard]] Seconds next_round();

 private:
  Result<bool> step();
  Result<bool> forget_old_days(Day first_kept);
  Result<bool> look_at_days();
  void wait_for_more(const Wait& wait);
  void wind_up(const StopRequested& stop, const Wait& wait);

  Parts parts_;
  const ReporterSettings& settings_;
  DueDeliveries due_;
  Seconds look_again_{};  ///< at the days; long ago: at once
};

}  // namespace tlsrpt::sender
