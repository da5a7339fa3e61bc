// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Which reports of a day are to be sent, where to, and when: decided once for each recipient
// domain, and written into the ledger.

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/dns.hpp"
#include "common/log.hpp"
#include "sender/destinations.hpp"
#include "sender/ledger.hpp"
#include "sender/outbound_store.hpp"
#include "sender/reporter_settings.hpp"

namespace tlsrpt::sender {

/// After midnight a collector may still hold outcomes of the last day in memory (FlushInterval).
inline constexpr std::chrono::seconds kDayCloseDelay{120};
/// How many domains are looked up, planned or printed at once; bounds memory.
inline constexpr std::size_t kDomainBatch = 256;

/// When nothing is counted for the day any more.
Seconds closing_time(Day day);

/// A number below 'bound', all equally likely (>= 1).
using RandomBelow = std::function<std::uint64_t(std::uint64_t bound)>;
RandomBelow system_random();

/// A random time within the window after the day's end; within the window from now if that is over
/// (R144).
Seconds draw_due_time(Day day, Seconds now, std::chrono::seconds window, const RandomBelow& random);

enum class Spread : std::uint8_t { send_window, now };

class Planner {
 public:
  struct Parts {
    OutboundStore& store;
    Ledger& ledger;
    Dns& dns;
    const Clock& clock;
    Log& log;
  };

  Planner(Parts parts, const ReporterSettings& settings, RandomBelow random)
      : parts_(parts), settings_(settings), random_(std::move(random)) {}

  /// Plans what the day's ledger lacks. Early end if stopped, or if the resolver answers nothing:
  /// what is left out is to be planned later.
  Result<void> plan_day(Day day, const StopRequested& stop);

  /// Plans these domains of the day, whatever was decided before, unless they are planned already.
  /// With Spread::now none is left out: without a resolver the records that MTAs saw are used.
  Result<void> plan_domains(Day day, const std::vector<std::string>& domains, Spread spread,
                            const StopRequested& stop);

  /// The last call left domains out, since the resolver did not answer.
  [[nodiscard]] bool paused() const { return paused_; }

 private:
  struct Candidate {
    std::string domain;
    int lookups = 0;
  };

  Result<void> plan_batch(Day day, const std::vector<std::string>& domains, Spread spread,
                          const StopRequested& stop);
  Plan decide(Day day, const Candidate& candidate, const Destinations& destinations, Spread spread);
  void log_plan(const Plan& plan, const Destinations& destinations);

  Parts parts_;
  const ReporterSettings& settings_;
  RandomBelow random_;
  bool in_trouble_ = false;  ///< the resolver, since the beginning of the last call
  bool paused_ = false;
};

}  // namespace tlsrpt::sender
