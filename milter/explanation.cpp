// SPDX-License-Identifier: BSD-2-Clause
#include "milter/explanation.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "common/escape.hpp"
#include "common/failure_advice.hpp"
#include "common/result_type.hpp"
#include "milter/text_table.hpp"

namespace tlsrpt::milter {

namespace {

constexpr std::size_t kMaxKinds = 50;
constexpr std::size_t kMaxPlaces = 5;
constexpr std::size_t kMaxWordBytes = 200;
constexpr std::size_t kColumns = 78;

std::string shown(std::string_view text) { return escape_terminal(text.substr(0, kMaxWordBytes)); }

/// Words, in lines that a terminal has room for, each after two blanks.
std::string folded(std::string_view text) {
  std::string out;
  std::string line = " ";
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    if (line.size() + 1 + word.size() > kColumns) {
      out += line + "\n";
      line = " ";
    }
    line += fmt::format(" {}", word);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out + line + "\n";
}

std::string title(const FailureWords& words) {
  std::string text = words.result_type.empty() ? "(no result type)" : shown(words.result_type);
  if (!words.policy_type.empty()) text += " under " + shown(words.policy_type);
  if (!words.reason_code.empty()) text += ", reason " + shown(words.reason_code);
  return text;
}

std::string advice_text(const FailureWords& words) {
  const FailureAdvice advice = advise(words.policy_type, words.result_type, words.reason_code);
  if (advice.meaning.empty()) return "  This is not a result type of RFC 8460.\n";
  return folded(advice.meaning) + folded(advice.remedy);
}

/// Failures that mean the same.
struct Kind {
  FailureWords words;
  std::uint64_t sessions = 0;
  std::set<std::string> places;
};

std::string place_of(const FailureSummary& failure) {
  const std::string& host =
      failure.receiving_mx_hostname.empty() ? failure.receiving_ip : failure.receiving_mx_hostname;
  if (host.empty() || host == failure.policy_domain) return failure.policy_domain;
  return failure.policy_domain.empty() ? host : failure.policy_domain + " at " + host;
}

std::vector<Kind> kinds_of(const Summary& summary) {
  std::map<std::tuple<std::string, std::string, std::string>, Kind> kinds;
  for (const FailureSummary& failure : summary.failures) {
    Kind& kind = kinds[{failure.policy_type, failure.result_type, failure.failure_reason_code}];
    kind.words = {failure.policy_type, failure.result_type, failure.failure_reason_code};
    kind.sessions += failure.sessions;
    kind.places.insert(place_of(failure));
  }
  std::vector<Kind> sorted;
  sorted.reserve(kinds.size());
  for (auto& [key, kind] : kinds) sorted.push_back(std::move(kind));
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Kind& a, const Kind& b) { return a.sessions > b.sessions; });
  return sorted;
}

std::string places_text(const std::set<std::string>& places) {
  std::string text;
  std::size_t count = 0;
  for (const std::string& place : places) {
    if (place.empty()) continue;
    if (++count > kMaxPlaces) break;
    text += (text.empty() ? "" : ", ") + shown(place);
  }
  if (places.size() > kMaxPlaces) {
    text += fmt::format(" and {} more", group_digits(places.size() - kMaxPlaces));
  }
  return text;
}

}  // namespace

Result<FailureWords> parse_failure_words(std::string_view text) {
  std::vector<std::string_view> parts;
  std::string_view rest = text;
  // A reason code may hold slashes itself.
  while (parts.size() < 2 && rest.find('/') != std::string_view::npos) {
    parts.push_back(rest.substr(0, rest.find('/')));
    rest.remove_prefix(rest.find('/') + 1);
  }
  parts.push_back(rest);
  FailureWords words;
  std::size_t next = 0;
  if (const auto policy = find_policy_type(parts.front()); policy && parts.size() > 1) {
    words.policy_type = *policy;
    next = 1;
  }
  const auto type = find_result_type(parts.at(next));
  if (!type) {
    std::string all;
    for (const std::string_view one : kResultTypes) all += fmt::format(" {}", one);
    return fail(ErrorCode::invalid_argument, "{} is not a result type; there are{}", parts.at(next),
                all);
  }
  words.result_type = *type;
  for (std::size_t i = next + 1; i < parts.size(); ++i) {
    words.reason_code += (words.reason_code.empty() ? "" : "/") + std::string(parts[i]);
  }
  return words;
}

std::string explain(const FailureWords& words) { return title(words) + "\n" + advice_text(words); }

std::string explain(const Summary& summary) {
  const std::vector<Kind> kinds = kinds_of(summary);
  if (kinds.empty()) {
    return fmt::format("No failure was described in {} report{}.\n", group_digits(summary.reports),
                       summary.reports == 1 ? "" : "s");
  }
  std::string text;
  for (std::size_t i = 0; i < std::min(kinds.size(), kMaxKinds); ++i) {
    const Kind& kind = kinds[i];
    text += fmt::format("{}{}: {} session{}\n", i == 0 ? "" : "\n", title(kind.words),
                        group_digits(kind.sessions), kind.sessions == 1 ? "" : "s");
    if (const std::string places = places_text(kind.places); !places.empty()) {
      text += folded("Where: " + places + ".");
    }
    text += advice_text(kind.words);
  }
  if (kinds.size() > kMaxKinds) {
    text += fmt::format("\nand {} more kinds of failure\n", group_digits(kinds.size() - kMaxKinds));
  }
  return text;
}

}  // namespace tlsrpt::milter
