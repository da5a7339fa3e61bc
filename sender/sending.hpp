// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Everything that hands reports over, put together: for the daemon and for 'send'.

#include <memory>
#include <vector>

#include "common/clock.hpp"
#include "common/log.hpp"
#include "sender/dispatcher.hpp"
#include "sender/planner.hpp"
#include "sender/reporter.hpp"

namespace tlsrpt::sender {

/// The seams to the outside world.
struct Outside {
  Dns& dns;
  const Clock& clock;
  Log& log;
  RandomBelow random;
  HandOverPool::Parts transports;
};

class Sending {
 public:
  /// Opens the database and takes a slot in it. 'settings', 'keys', 'rules' and what 'outside'
  /// refers to must outlive it.
  static Result<std::unique_ptr<Sending>> start(const ReporterSettings& settings,
                                                const std::vector<SigningKey>& keys,
                                                const DestinationRules& rules,
                                                const StopSignal& stop, Outside outside);

  [[nodiscard]] Reporter reporter();
  [[nodiscard]] Seconds now() const { return clock_.now(); }

  OutboundStore store;
  Ledger ledger;
  Suppressions suppressions;
  SenderSlot slot;
  std::unique_ptr<RecordLookups> lookups;
  std::unique_ptr<HandOverPool> pool;
  Planner planner;
  Dispatcher dispatcher;

 private:
  struct Opened {
    OutboundStore store;
    SenderSlot slot;
    std::string secret;
    std::unique_ptr<RecordLookups> lookups;
    std::unique_ptr<HandOverPool> pool;
  };
  Sending(Opened opened, const ReporterSettings& settings, const DestinationRules& rules,
          const Outside& outside);

  const ReporterSettings& settings_;
  const Clock& clock_;
  Log& log_;
};

}  // namespace tlsrpt::sender
