// SPDX-License-Identifier: BSD-2-Clause
#include "sender/destination_rules.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "common/ascii.hpp"

namespace tlsrpt::sender {

namespace {

using Rule = DestinationRules::Rule;

const Rule* rule_at(const std::vector<Rule>& rules, std::optional<std::size_t> number) {
  return number ? &rules[*number] : nullptr;
}

}  // namespace

std::string_view to_word(DestinationRules::Subject subject) {
  switch (subject) {
    case DestinationRules::Subject::domain:
      return "domain";
    case DestinationRules::Subject::rua:
      return "rua";
  }
  return "";
}

std::string_view to_word(DestinationRules::Action action) {
  switch (action) {
    case DestinationRules::Action::keep:
      return "keep";
    case DestinationRules::Action::never:
      return "never";
    case DestinationRules::Action::replace:
      return "replace";
    case DestinationRules::Action::copy:
      return "copy";
  }
  return "";
}

DestinationRules::DestinationRules(std::string path, std::vector<Rule> rules)
    : path_(std::move(path)), rules_(std::move(rules)) {
  for (std::size_t number = 0; number < rules_.size(); ++number) {
    const Rule& rule = rules_[number];
    PatternIndex& index = rule.subject == Subject::rua  ? destinations_
                          : rule.action == Action::copy ? copies_
                                                        : domains_;
    index.add(rule.pattern, number);
  }
}

const Rule* DestinationRules::for_domain(std::string_view domain) const {
  return rule_at(rules_, domains_.first(domain));
}

bool DestinationRules::ignores_record(std::string_view domain) const {
  const Rule* rule = for_domain(domain);
  return rule != nullptr && rule->action != Action::keep;
}

const Rule* DestinationRules::for_rua(const Rua& rua) const {
  // A mailto: URI can be spelled in many ways with percent signs, its address in one.
  const std::string uri =
      lower_case(rua.scheme == Rua::Scheme::mailto ? "mailto:" + rua.address : rua.uri);
  auto number = destinations_.first(uri);
  if (rua.scheme == Rua::Scheme::mailto) {
    const auto by_address = destinations_.first(lower_case(rua.address));
    if (by_address && (!number || *by_address < *number)) number = by_address;
  }
  return rule_at(rules_, number);
}

std::vector<const Rule*> DestinationRules::copies_for(std::string_view domain) const {
  std::vector<const Rule*> found;
  for (const std::size_t number : copies_.all(domain)) found.push_back(&rules_[number]);
  return found;
}

std::string DestinationRules::describe(const Rule& rule) const {
  return fmt::format("{}:{}: {} {} {}", path_, rule.line, to_word(rule.subject), rule.pattern,
                     to_word(rule.action));
}

}  // namespace tlsrpt::sender
