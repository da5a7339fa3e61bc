// SPDX-License-Identifier: BSD-2-Clause
#include "sender/pattern_index.hpp"

#include <algorithm>

#include "sender/glob.hpp"

namespace tlsrpt::sender {

void PatternIndex::add(const std::string& pattern, std::size_t number) {
  if (is_glob(pattern)) {
    globs_.emplace_back(pattern, number);
  } else {
    exact_[pattern].push_back(number);
  }
}

std::optional<std::size_t> PatternIndex::first(std::string_view text) const {
  std::optional<std::size_t> found;
  if (const auto exact = exact_.find(text); exact != exact_.end()) found = exact->second.front();
  for (const auto& [pattern, number] : globs_) {
    if (found && number > *found) break;
    if (matches_glob(pattern, text)) return number;
  }
  return found;
}

std::vector<std::size_t> PatternIndex::all(std::string_view text) const {
  std::vector<std::size_t> found;
  if (const auto exact = exact_.find(text); exact != exact_.end()) found = exact->second;
  for (const auto& [pattern, number] : globs_) {
    if (matches_glob(pattern, text)) found.push_back(number);
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace tlsrpt::sender
