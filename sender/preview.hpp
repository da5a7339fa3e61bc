// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The reports of a day exactly as they would be sent, shown to the administrator; nothing is
// written.

#include <functional>
#include <string>
#include <vector>

#include "common/dns.hpp"
#include "sender/destinations.hpp"
#include "sender/ledger.hpp"
#include "sender/outbound_store.hpp"
#include "sender/reporter_settings.hpp"

namespace tlsrpt::sender {

using PrintLine = std::function<void(const std::string& line)>;

/// Names given by a person, against the domains of a day.
struct SelectedDomains {
  std::vector<std::string> domains;  ///< sorted; all of the day if nothing was asked for
  std::vector<std::string> unknown;  ///< as given: no domain names, or without data on that day
};
Result<SelectedDomains> select_domains(OutboundStore& store, Day day,
                                       const std::vector<std::string>& asked);

class Previewer {
 public:
  Previewer(OutboundStore& store, Ledger& ledger, Dns& dns, const ReporterSettings& settings)
      : store_(store), ledger_(ledger), dns_(dns), settings_(settings) {}

  /// Prints one JSON object for each domain, in their order.
  Result<void> print(Day day, const std::vector<std::string>& domains, const PrintLine& print,
                     const StopRequested& stop);

 private:
  struct Entry;
  Result<Entry> make_entry(Day day, const std::string& domain);
  std::vector<Destinations> look_up(const std::vector<DestinationQuery>& queries,
                                    const StopRequested& stop);
  Result<void> print_batch(Day day, const std::vector<std::string>& domains, const PrintLine& print,
                           const StopRequested& stop);

  OutboundStore& store_;
  Ledger& ledger_;
  Dns& dns_;
  const ReporterSettings& settings_;
  bool resolver_in_trouble_ = false;  ///< it is not asked any more
};

}  // namespace tlsrpt::sender
