// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What would be sent, without sending it.

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "common/dns.hpp"
#include "sender/destination_rules.hpp"
#include "sender/ledger.hpp"
#include "sender/outbound_store.hpp"
#include "sender/record_lookups.hpp"
#include "sender/reporter_settings.hpp"
#include "sender/suppression.hpp"

namespace tlsrpt::sender {

using PrintLine = std::function<void(const std::string& line)>;

struct SelectedDomains {
  std::vector<std::string> domains;  ///< sorted; all of the day if nothing was asked for
  std::vector<std::string> unknown;  ///< as given: no domain names, or without data on that day
};
Result<SelectedDomains> select_domains(OutboundStore& store, Day day,
                                       const std::vector<std::string>& asked);

/// One domain's report, and to whom it goes.
struct PreviewEntry {
  std::string domain;
  std::string report;                   ///< JSON
  std::vector<std::string> rua;         ///< who gets it
  std::vector<std::string> excluded;    ///< who would get it but for DestinationRules
  std::vector<std::string> suppressed;  ///< who would get it but for its bounces
  std::string_view reason;              ///< why nobody gets it; a word, empty if somebody does
};
/// {"domain":...,"rua":[...],"reason":...,"excluded":[...],"suppressed":[...],"report":{...}}; the
/// report's text stays as the writer made it.
std::string to_json_line(const PreviewEntry& entry);

class Previewer {
 public:
  struct Parts {
    OutboundStore& store;
    Ledger& ledger;
    Suppressions& suppressions;
    Dns& dns;
    const DestinationRules& rules;
    const Clock& clock;
  };
  using Visit = std::function<void(const PreviewEntry&)>;

  Previewer(Parts parts, const ReporterSettings& settings) : parts_(parts), settings_(settings) {}

  /// The domains in their order.
  Result<void> visit(Day day, const std::vector<std::string>& domains, const Visit& visit,
                     const StopRequested& stop);

 private:
  struct Draft;
  Result<Draft> make_draft(Day day, const std::string& domain);
  Result<std::string> report_of(const DomainDay& domain_day);
  Result<bool> read_plan(Day day, PreviewEntry& entry);
  void route(Draft& draft, const Destinations& destinations);
  Result<std::vector<Destinations>> look_up(const std::vector<RecordQuery>& queries,
                                            const StopRequested& stop);
  Result<void> visit_batch(Day day, const std::vector<std::string>& domains, const Visit& visit,
                           const StopRequested& stop);

  Parts parts_;
  const ReporterSettings& settings_;
  std::map<std::string, Seconds, std::less<>> suppressed_;
  bool resolver_in_trouble_ = false;  ///< it is not asked any more
};

}  // namespace tlsrpt::sender
