// SPDX-License-Identifier: BSD-2-Clause
#include "sender/glob.hpp"

#include <cstring>

namespace tlsrpt::sender {

namespace {

/// Where 'part' stands first in the text. memmem takes linear time; string_view::find does not.
std::size_t find_part(std::string_view text, std::string_view part) {
  if (part.empty()) return 0;
  const void* found = ::memmem(text.data(), text.size(), part.data(), part.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

}  // namespace

bool matches_glob(std::string_view pattern, std::string_view text) {
  std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (!text.starts_with(pattern.substr(0, star))) return false;
  text.remove_prefix(star);
  pattern.remove_prefix(star + 1);
  // The leftmost place of a part between stars leaves the most for those that follow.
  while ((star = pattern.find('*')) != std::string_view::npos) {
    const std::size_t at = find_part(text, pattern.substr(0, star));
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + star);
    pattern.remove_prefix(star + 1);
  }
  return text.ends_with(pattern);
}

}  // namespace tlsrpt::sender
