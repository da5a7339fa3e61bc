// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The daemon's work, round by round: plan every closed day, hand over what is due, forget what is
// old. It keeps nothing that the ledger does not have.

#include <chrono>
#include <functional>

#include "sender/delivery.hpp"
#include "sender/planner.hpp"

namespace tlsrpt::sender {

/// First day that is still kept.
Day first_kept_day(Seconds now, std::chrono::seconds retention);

class Reporter {
 public:
  struct Parts {
    OutboundStore& store;
    Ledger& ledger;
    Planner& planner;
    Deliverer& deliverer;
    const Clock& clock;
    Log& log;
  };

  Reporter(Parts parts, const ReporterSettings& settings) : parts_(parts), settings_(settings) {}

  /// Does what is to be done now. After an error of the database the next round tries again.
  Result<void> round(const StopRequested& stop);

  /// When the next round is due; never more than a minute from now, so that what other processes
  /// write into the ledger is seen.
  [[nodiscard]] Seconds next_round();

  /// Rounds until stopped; 'wait' returns after that time, or earlier.
  void run(const StopRequested& stop, const std::function<void(std::chrono::seconds)>& wait);

 private:
  Result<void> plan(const StopRequested& stop);
  Result<void> deliver(const StopRequested& stop);

  Parts parts_;
  const ReporterSettings& settings_;
  Seconds plan_again_{};    ///< long ago: the first round plans
  Seconds paused_until_{};  ///< the mail server is in trouble
};

}  // namespace tlsrpt::sender
