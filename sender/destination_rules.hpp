// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The operator's word on who gets reports: the file of DestinationRules. Each line is
//
//   domain PATTERN keep               these recipient domains: as the record says
//   domain PATTERN never              no report about them
//   domain PATTERN replace URI ...    these get the report, whatever the record says
//   domain PATTERN copy URI ...       these get it as well
//   rua PATTERN keep                  these destinations of a record: as the record says
//   rua PATTERN never                 they get nothing
//   rua PATTERN replace URI ...       others get what they would have got
//
// In PATTERN, '*' stands for any characters. It is compared with the domain; of a destination, with
// its address or URI; both without regard to case. '#' begins a comment. Of 'keep', 'never' and
// 'replace' the first line that fits decides; of 'copy' all. 'rua' lines are about what records
// say: a destination that the file itself names gets its reports.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/config.hpp"
#include "common/rua.hpp"
#include "sender/pattern_index.hpp"

namespace tlsrpt::sender {

struct RuleLimits {
  std::size_t max_bytes = 4u << 20;  ///< of the file
  std::size_t max_line = 4096;
  std::size_t max_rules = 100000;
  std::size_t max_globs = 1000;  ///< patterns with '*': each is compared for each report
  std::size_t max_uris = 16;     ///< of one line
  std::size_t max_problems = 100;
};

class DestinationRules {
 public:
  enum class Subject : std::uint8_t { domain, rua };
  enum class Action : std::uint8_t { keep, never, replace, copy };
  struct Rule {
    Subject subject = Subject::domain;
    std::string pattern;  ///< lower case, A-labels
    Action action = Action::never;
    std::vector<Rua> uris;  ///< of replace and copy: at least one, none twice
    int line = 0;
  };

  DestinationRules() = default;  ///< no rules
  /// path: stands in describe().
  DestinationRules(std::string path, std::vector<Rule> rules);

  /// All problems of the file at once, as file:line; with any, the rules must not be used: what
  /// the operator forbade might be missing.
  struct Read;
  static Read read(const std::string& path, const RuleLimits& limits = {});
  static Read parse(std::string_view text, const std::string& path, const RuleLimits& limits = {});

  /// The first line but 'copy' about the domain (normalised); none: nullptr. Valid as long as the
  /// rules.
  [[nodiscard]] const Rule* for_domain(std::string_view domain) const;
  /// Is that line a 'never' or 'replace', so that the domain's record does not matter?
  [[nodiscard]] bool ignores_record(std::string_view domain) const;
  [[nodiscard]] const Rule* for_rua(const Rua& rua) const;
  [[nodiscard]] std::vector<const Rule*> copies_for(std::string_view domain) const;

  /// "FILE:3: rua *@example.org never"
  [[nodiscard]] std::string describe(const Rule& rule) const;
  [[nodiscard]] const std::vector<Rule>& rules() const { return rules_; }

 private:
  std::string path_;
  std::vector<Rule> rules_;
  // Numbers are places in rules_.
  PatternIndex domains_;
  PatternIndex copies_;
  PatternIndex destinations_;
};

struct DestinationRules::Read {
  DestinationRules rules;
  std::vector<ConfigProblem> problems;  ///< empty: the rules can be used
};

std::string_view to_word(DestinationRules::Subject subject);
std::string_view to_word(DestinationRules::Action action);

/// One place where a report goes, or would go if nothing were against it.
struct Route {
  Rua rua;
  bool excluded = false;  ///< by a rule
  std::string why;        ///< "record", or the rule as DestinationRules::describe has it
};

/// Where reports about the domain go if 'record' are the destinations of its TLSRPT record: without
/// duplicates, excluded ones as well, copies only if a report goes elsewhere. With a rule
/// "domain ... replace" the record does not matter; with "domain ... never" all are excluded.
std::vector<Route> find_routes(const DestinationRules& rules, std::string_view domain,
                               const std::vector<Rua>& record);

}  // namespace tlsrpt::sender
