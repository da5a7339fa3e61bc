// SPDX-License-Identifier: BSD-2-Clause

// The file of DestinationRules, read line by line.

#include <algorithm>
#include <optional>
#include <utility>

#include "common/ascii.hpp"
#include "common/escape.hpp"
#include "common/file.hpp"
#include "sender/destination_rules.hpp"
#include "sender/destination_text.hpp"
#include "sender/glob.hpp"
#include "sender/rule_pattern.hpp"

namespace tlsrpt::sender {

namespace {

using Action = DestinationRules::Action;
using Rule = DestinationRules::Rule;
using Subject = DestinationRules::Subject;

struct ReadRule {
  Rule rule;
  std::vector<std::string> problems;
};

/// Up to a '#' that begins the line or follows a blank: a URI may hold one.
std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  std::size_t at = 0;
  while (at < line.size()) {
    std::size_t end = at;
    while (end < line.size() && !is_blank_or_line_end(line[end])) ++end;
    if (line[at] == '#') break;
    if (end > at) words.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

std::optional<Subject> read_subject(std::string_view word) {
  for (const Subject subject : {Subject::domain, Subject::rua}) {
    if (equal_ignoring_case(word, to_word(subject))) return subject;
  }
  return std::nullopt;
}

std::optional<Action> read_action(std::string_view word) {
  for (const Action action : {Action::keep, Action::never, Action::replace, Action::copy}) {
    if (equal_ignoring_case(word, to_word(action))) return action;
  }
  return std::nullopt;
}

bool takes_uris(Action action) { return action == Action::replace || action == Action::copy; }

void read_uris(const std::vector<std::string_view>& words, std::size_t max_uris, ReadRule& read) {
  if (words.size() > max_uris) {
    read.problems.push_back(
        fmt::format("more than {} destinations; the limit is there because "
                    "each report would go to all of them",
                    max_uris));
    return;
  }
  for (const std::string_view word : words) {
    auto rua = parse_destination(word);
    if (!rua) {
      read.problems.push_back(rua.error().detail);
    } else if (std::none_of(read.rule.uris.begin(), read.rule.uris.end(),
                            [&](const Rua& one) { return same_destination(one, *rua); })) {
      read.rule.uris.push_back(std::move(*rua));
    }
  }
}

void check_arguments(const std::vector<std::string_view>& arguments, ReadRule& read) {
  const Rule& rule = read.rule;
  if (rule.subject == Subject::rua && rule.action == Action::copy) {
    read.problems.emplace_back("copy is for domains; write: domain PATTERN copy URI");
  } else if (takes_uris(rule.action) && arguments.empty()) {
    read.problems.push_back(fmt::format("{} needs at least one destination", to_word(rule.action)));
  } else if (!takes_uris(rule.action) && !arguments.empty()) {
    read.problems.push_back(
        fmt::format("\"{}\" is too much: nothing follows {}; a comment begins with #",
                    arguments.front(), to_word(rule.action)));
  }
}

ReadRule read_rule(const std::vector<std::string_view>& words, const RuleLimits& limits) {
  ReadRule read;
  const auto subject = read_subject(words[0]);
  const auto action = words.size() > 2 ? read_action(words[2]) : std::nullopt;
  if (!subject) {
    read.problems.push_back(fmt::format("\"{}\" is neither domain nor rua", words[0]));
    return read;
  }
  if (!action) {
    read.problems.push_back(fmt::format(
        "{} needs a pattern, and keep, never, replace or copy behind it", to_word(*subject)));
    return read;
  }
  read.rule.subject = *subject;
  read.rule.action = *action;
  auto pattern = *subject == Subject::domain ? domain_pattern(words[1]) : rua_pattern(words[1]);
  if (pattern) {
    read.rule.pattern = std::move(*pattern);
  } else {
    read.problems.push_back(pattern.error().detail);
  }
  const std::vector<std::string_view> arguments(words.begin() + 3, words.end());
  check_arguments(arguments, read);
  if (takes_uris(*action)) read_uris(arguments, limits.max_uris, read);
  return read;
}

/// The state of reading one file.
class RulesReader {
 public:
  RulesReader(const std::string& path, const RuleLimits& limits) : path_(path), limits_(limits) {}

  DestinationRules::Read read(std::string_view text) {
    while (!text.empty() && !full_) {
      ++line_;
      const std::size_t end = std::min(text.find('\n'), text.size());
      read_line(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    return {DestinationRules(path_, std::move(rules_)), std::move(problems_)};
  }

 private:
  /// Problems quote the file, in which anything may stand, and are printed as they are.
  void complain(std::string_view text) {
    problems_.push_back({path_, line_, escape_terminal(text)});
  }

  void end_with(std::string_view text) {
    complain(text);
    full_ = true;
  }

  void read_line(std::string_view line) {
    if (problems_.size() >= limits_.max_problems) {
      return end_with("too many problems; the rest of the file was not read");
    }
    if (line.size() > limits_.max_line) {
      return complain(fmt::format("the line has more than {} bytes", limits_.max_line));
    }
    const auto words = words_of(line);
    if (words.empty()) return;
    ReadRule read = read_rule(words, limits_);
    for (const std::string& problem : read.problems) complain(problem);
    if (read.problems.empty()) add(std::move(read.rule));
  }

  void add(Rule rule) {
    if (rules_.size() == limits_.max_rules) {
      return end_with(fmt::format("more than {} rules", limits_.max_rules));
    }
    if (is_glob(rule.pattern) && ++globs_ > limits_.max_globs) {
      return end_with(fmt::format("more than {} patterns with '*'; each costs time for each report",
                                  limits_.max_globs));
    }
    rule.line = line_;
    rules_.push_back(std::move(rule));
  }

  const std::string& path_;
  const RuleLimits& limits_;
  std::vector<Rule> rules_;
  std::vector<ConfigProblem> problems_;
  std::size_t globs_ = 0;
  int line_ = 0;
  bool full_ = false;  ///< the rest of the file is not read
};

}  // namespace

DestinationRules::Read DestinationRules::parse(std::string_view text, const std::string& path,
                                               const RuleLimits& limits) {
  return RulesReader(path, limits).read(text);
}

DestinationRules::Read DestinationRules::read(const std::string& path, const RuleLimits& limits) {
  const auto text = read_file(path, limits.max_bytes);
  if (text) return parse(*text, path, limits);
  return {DestinationRules(path, {}), {{path, 0, text.error().detail}}};
}

}  // namespace tlsrpt::sender
