// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Which reports of a day are to be sent, where to, and when: decided once for each recipient
// domain, and written into the ledger.

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/clock.hpp"
#include "common/log.hpp"
#include "sender/backoff.hpp"
#include "sender/destination_rules.hpp"
#include "sender/ledger.hpp"
#include "sender/outbound_store.hpp"
#include "sender/record_lookups.hpp"
#include "sender/reporter_settings.hpp"
#include "sender/suppression.hpp"

namespace tlsrpt::sender {

/// After midnight a collector may still hold outcomes of the last day in memory (FlushInterval).
inline constexpr std::chrono::seconds kDayCloseDelay{120};
/// How many domains are read, or written, at once; bounds memory.
inline constexpr std::size_t kDomainBatch = 256;

/// When nothing is counted for the day any more.
Seconds closing_time(Day day);
/// Is it too late to send reports about the day?
bool is_too_old(Day day, Seconds now, std::chrono::seconds maximum_age);

RandomBelow system_random();

/// A random time within the window after the day's end; within the window from now if that is over
/// (R144).
Seconds draw_due_time(Day day, Seconds now, std::chrono::seconds window, const RandomBelow& random);

enum class Spread : std::uint8_t { send_window, now };

/// The next domains to be planned, in any order; none: that was all.
using NextDomains = std::function<Result<std::vector<std::string>>()>;

/// Works in steps, so that one thread can plan and deliver at the same time.
class Planner {
 public:
  struct Parts {
    OutboundStore& store;
    Ledger& ledger;
    RecordLookups& lookups;
    Suppressions& suppressions;
    const DestinationRules& rules;
    const Clock& clock;
    Log& log;
  };

  Planner(Parts parts, const ReporterSettings& settings, RandomBelow random)
      : parts_(parts),
        settings_(settings),
        random_(std::move(random)),
        suppressed_(parts.suppressions) {}

  /// Plans what the day's ledger lacks. Ends early if the resolver answers nothing: what is left
  /// out is to be planned later. A day beyond MaximumAge is closed without reports.
  void add_day(Day day);
  /// Plans these domains of the day, whatever was decided before, unless they are planned already.
  /// With Spread::now none is left out: without a resolver the records that MTAs saw are used.
  void add_domains(Day day, NextDomains next, Spread spread);

  /// Does what can be done without waiting. False: there was nothing. After an error the work goes
  /// on where it stopped with the next call.
  Result<bool> step();
  /// Nothing is left, not even answers to wait for.
  [[nodiscard]] bool idle() const {
    return work_.empty() && parts_.lookups.open() == 0 && done_.empty();
  }
  /// Drops what was not begun.
  void stop();

  /// How many domains have been decided since the start.
  [[nodiscard]] std::uint64_t decided() const { return decided_; }

 private:
  /// One day, or one list of domains.
  struct Work {
    Day day;
    NextDomains next;
    Spread spread = Spread::send_window;
    bool too_old = false;
  };

  Result<bool> feed();
  Result<void> consider(const Work& work, const std::string& domain);
  bool take_answers();
  Result<void> record(bool all);
  void decide(Day day, Spread spread, const RecordAnswer& answer);
  void pause();
  Plan close_without(Day day, const std::string& domain, PlanState state, std::string detail);
  void add_deliveries(Plan& plan, Spread spread, const std::vector<Rua>& record);
  void log_plan(const Plan& plan, const Destinations& destinations);

  struct Asked {
    Day day;
    Spread spread;
  };

  Parts parts_;
  const ReporterSettings& settings_;
  RandomBelow random_;
  std::deque<Work> work_;
  std::deque<std::string> page_;                    ///< of the first work
  std::unordered_map<std::uint64_t, Asked> asked_;  ///< by tag
  std::uint64_t next_tag_ = 0;
  std::vector<Plan> done_;  ///< to be recorded
  ActiveSuppressions suppressed_;
  std::size_t failures_in_a_row_ = 0;
  std::uint64_t decided_ = 0;
};

}  // namespace tlsrpt::sender
