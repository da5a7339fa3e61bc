// SPDX-License-Identifier: BSD-2-Clause

// The operator's rules, and destinations as a person types them. The file is his own, but a mistake
// in it must end in a message. The first line is also taken as a record's destination.

#include "sender/destination_rules.hpp"
#include "sender/destination_text.hpp"
#include "sender/glob.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace tlsrpt;
using namespace tlsrpt::sender;

void check_routes(const DestinationRules& rules, const Rua& rua) {
  const auto routes = find_routes(rules, rua.host, {rua, rua});
  for (const Route& route : routes) {
    fuzz::require(!route.why.empty(), "every route has a reason");
    for (const Route& other : routes) {
      fuzz::require(&route == &other || !same_destination(route.rua, other.rua),
                    "no destination comes twice");
    }
  }
}

void check_rule(const DestinationRules& rules, const DestinationRules::Rule& rule) {
  fuzz::require(!rule.pattern.empty(), "every rule has a pattern");
  fuzz::require(matches_glob(rule.pattern, rule.pattern), "a pattern fits itself");
  fuzz::require(rules.describe(rule).find('\n') == std::string::npos, "a rule is one line");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  const RuleLimits limits{.max_line = 300, .max_rules = 50, .max_uris = 4, .max_problems = 5};
  const auto read = DestinationRules::parse(text, "rules", limits);
  fuzz::require(read.problems.size() <= limits.max_problems + limits.max_uris + 2,
                "problems are bounded");
  for (const auto& rule : read.rules.rules()) check_rule(read.rules, rule);
  if (const auto rua = parse_destination(text.substr(0, text.find('\n')))) {
    const auto again = parse_destination(rua->uri);
    fuzz::require(again && same_destination(*again, *rua), "a typed destination reads back equal");
    check_routes(read.rules, *rua);
  }
  return 0;
}
