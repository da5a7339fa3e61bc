// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The operator's word on who gets reports: the file of DestinationRules. Each line is
//
//   domain PATTERN never              no report about these recipient domains
//   domain PATTERN replace URI ...    these get the report, whatever the record says
//   domain PATTERN copy URI ...       these get it as well
//   rua PATTERN never                 these destinations get nothing
//   rua PATTERN replace URI ...       others get what they would have got
//
// In PATTERN, '*' stands for any characters. It is compared with the domain; of a destination, with
// its address or URI. '#' begins a comment. Of 'never' and 'replace' the first line that fits
// decides; of 'copy' all.

#include <string>
#include <string_view>
#include <vector>

#include "common/config.hpp"
#include "common/rua.hpp"

namespace tlsrpt::sender {

class DestinationRules {
 public:
  enum class Subject : std::uint8_t { domain, rua };
  enum class Action : std::uint8_t { never, replace, copy };
  struct Rule {
    Subject subject = Subject::domain;
    std::string pattern;  ///< lower case
    Action action = Action::never;
    std::vector<Rua> uris;
    int line = 0;
  };

  /// All problems of the file at once, as file:line.
  struct Read;
  static Read read(const std::string& path);
  static Read parse(std::string_view text, const std::string& path);

  /// The first 'never' or 'replace' about the domain; none: nullptr. Valid as long as *this.
  [[nodiscard]] const Rule* for_domain(std::string_view domain) const;
  [[nodiscard]] const Rule* for_rua(const Rua& rua) const;
  [[nodiscard]] std::vector<const Rule*> copies_for(std::string_view domain) const;

 private:
  std::vector<Rule> rules_;
};

struct DestinationRules::Read {
  DestinationRules rules;
  std::vector<ConfigProblem> problems;
};

/// One place where a report goes, or would go if nothing were against it.
struct Route {
  Rua rua;
  bool excluded = false;  ///< by a rule
  std::string why;        ///< "record", "rule 3: replace", "rule 7: copy", "rule 4: never"
};

/// Where reports about the domain go if 'record' are the destinations of its TLSRPT record: without
/// duplicates, excluded ones as well, copies only if there is something to copy. With a rule
/// "domain ... replace" the record does not matter; with "domain ... never" all are excluded.
std::vector<Route> find_routes(const DestinationRules& rules, std::string_view domain,
                               const std::vector<Rua>& record);

}  // namespace tlsrpt::sender
