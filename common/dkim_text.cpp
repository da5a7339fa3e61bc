// SPDX-License-Identifier: BSD-2-Clause
#include "common/dkim_text.hpp"

#include <algorithm>

namespace tlsrpt::dkim {

std::string_view trim_folding(std::string_view text) {
  while (!text.empty() && is_folding(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_folding(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split_colons(std::string_view text) {
  std::vector<std::string_view> items;
  for (;;) {
    const std::size_t colon = text.find(':');
    items.push_back(trim_folding(text.substr(0, colon)));
    if (colon == std::string_view::npos) return items;
    text.remove_prefix(colon + 1);
  }
}

bool list_has(std::string_view list, std::string_view item) {
  const std::vector<std::string_view> items = split_colons(list);
  return std::any_of(items.begin(), items.end(), [item](std::string_view candidate) {
    return equal_ignoring_case(candidate, item);
  });
}

bool is_field_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return c > 32 && c < 127 && c != ':'; });
}

}  // namespace tlsrpt::dkim
