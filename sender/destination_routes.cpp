// SPDX-License-Identifier: BSD-2-Clause

// What the rules make of a record's destinations.

#include <algorithm>
#include <utility>

#include "sender/destination_rules.hpp"

namespace tlsrpt::sender {

namespace {

using Action = DestinationRules::Action;
using Rule = DestinationRules::Rule;

/// Routes without duplicates: of two to one place, the one that is served stays.
class Routes {
 public:
  explicit Routes(const DestinationRules& rules) : rules_(rules) {}

  void add(const Rua& rua, bool excluded, std::string why) {
    const auto same = std::find_if(routes_.begin(), routes_.end(), [&](const Route& route) {
      return same_destination(route.rua, rua);
    });
    if (same == routes_.end()) {
      routes_.push_back({rua, excluded, std::move(why)});
    } else if (same->excluded && !excluded) {
      *same = {rua, excluded, std::move(why)};
    }
  }

  void add_uris_of(const Rule& rule) {
    for (const Rua& uri : rule.uris) add(uri, /*excluded=*/false, rules_.describe(rule));
  }

  void add_from_record(const Rua& rua) {
    const Rule* rule = rules_.for_rua(rua);
    if (rule == nullptr || rule->action == Action::keep) {
      add(rua, /*excluded=*/false, "record");
      return;
    }
    if (rule->action == Action::replace) add_uris_of(*rule);
    if (rule->action == Action::never) add(rua, /*excluded=*/true, rules_.describe(*rule));
  }

  [[nodiscard]] bool serve_someone() const {
    return std::any_of(routes_.begin(), routes_.end(),
                       [](const Route& route) { return !route.excluded; });
  }

  std::vector<Route> take() { return std::move(routes_); }

 private:
  const DestinationRules& rules_;
  std::vector<Route> routes_;
};

}  // namespace

std::vector<Route> find_routes(const DestinationRules& rules, std::string_view domain,
                               const std::vector<Rua>& record) {
  Routes routes(rules);
  const Rule* rule = rules.for_domain(domain);
  if (rule != nullptr && rule->action == Action::never) {
    for (const Rua& rua : record) routes.add(rua, /*excluded=*/true, rules.describe(*rule));
    return routes.take();
  }
  if (rule != nullptr && rule->action == Action::replace) {
    routes.add_uris_of(*rule);
  } else {
    for (const Rua& rua : record) routes.add_from_record(rua);
  }
  if (routes.serve_someone()) {
    for (const Rule* copy : rules.copies_for(domain)) routes.add_uris_of(*copy);
  }
  return routes.take();
}

}  // namespace tlsrpt::sender
