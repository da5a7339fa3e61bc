// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// 'opentlsrpt-reporter status --explain DOMAIN': why a domain gets its reports, or does not.

#include <optional>
#include <string>
#include <vector>

#include "common/dns.hpp"
#include "sender/destination_rules.hpp"
#include "sender/destinations.hpp"
#include "sender/ledger.hpp"
#include "sender/outbound_store.hpp"
#include "sender/print_line.hpp"
#include "sender/suppression.hpp"

namespace tlsrpt::sender {

/// Reads only. Threads: one.
class Explainer {
 public:
  struct Parts {
    OutboundStore& store;
    Ledger& ledger;
    Suppressions& suppressions;
    Dns& dns;
    const DestinationRules& rules;
    const RecordSettings& records;
  };

  Explainer(Parts parts, PrintLine print) : parts_(parts), print_(std::move(print)) {}

  /// Prints the record as it is now, the one that an MTA saw, what the rules and the suppression
  /// list make of each destination, and what became of the kept days; with 'day' of that day only.
  /// domain: normalised.
  Result<void> explain(const std::string& domain, std::optional<Day> day, Seconds now);

 private:
  Result<std::vector<Day>> days_of(std::optional<Day> day);
  Result<std::string> print_seen_record(const std::string& domain, const std::vector<Day>& days);
  Destinations print_live_record(const std::string& domain, const std::string& seen);
  void print_asked_for(const std::vector<Rua>& record);
  Result<void> print_routes(const std::string& domain, const std::vector<Rua>& record, Seconds now);
  Result<bool> print_day(Day day, const std::string& domain);
  void print_delivery(const Delivery& delivery);

  Parts parts_;
  PrintLine print_;
};

}  // namespace tlsrpt::sender
