// SPDX-License-Identifier: BSD-2-Clause
#include "common/json_text.hpp"

namespace tlsrpt {
namespace {

/// To the quote that ends the string whose content begins at 'next', or to the end.
const char* skip_string(const char* next, const char* end) {
  for (; next < end && *next != '"'; ++next) {
    if (*next == '\\' && ++next == end) break;
  }
  return next;
}

}  // namespace

std::optional<std::size_t> find_json_end(std::string_view text, std::size_t start) {
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  std::size_t depth = 0;
  for (const char* next = begin + start; next < end; ++next) {
    if (*next == '"') {
      next = skip_string(next + 1, end);
      if (next == end) break;
    } else if (*next == '{' || *next == '[') {
      ++depth;
    } else if (*next == '}' || *next == ']') {
      if (depth <= 1) return static_cast<std::size_t>(next + 1 - begin);
      --depth;
    }
  }
  return std::nullopt;
}

}  // namespace tlsrpt
