// SPDX-License-Identifier: BSD-2-Clause
#include "common/dkim_tag_list.hpp"

#include <algorithm>

#include "common/dkim_text.hpp"

namespace tlsrpt::dkim {
namespace {

constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_tag_name(std::string_view name) {
  return !name.empty() && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_'; });
}

bool is_tag_value(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return is_folding(c) || (byte > 0x20 && byte != 0x7f);
  });
}

}  // namespace

std::optional<TagList> TagList::parse(std::string_view text, std::size_t max_tags) {
  TagList list;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find(';', at), text.size());
    const std::string_view spec = text.substr(at, end - at);
    // A ';' may close the last tag; elsewhere an empty tag breaks the grammar.
    if (end == text.size() && trim_folding(spec).empty()) break;
    const std::size_t equals = spec.find('=');
    if (equals == std::string_view::npos || list.tags_.size() == max_tags) return std::nullopt;
    const Tag tag{trim_folding(spec.substr(0, equals)), trim_folding(spec.substr(equals + 1)),
                  at + equals + 1, end};
    if (!is_tag_name(tag.name) || !is_tag_value(tag.value)) return std::nullopt;
    if (list.find(tag.name) != nullptr) return std::nullopt;
    list.tags_.push_back(tag);
    at = end + 1;
  }
  if (list.tags_.empty()) return std::nullopt;
  return list;
}

const Tag* TagList::find(std::string_view name) const {
  const auto it =
      std::find_if(tags_.begin(), tags_.end(), [name](const Tag& tag) { return tag.name == name; });
  return it == tags_.end() ? nullptr : &*it;
}

std::string_view TagList::value_or(std::string_view name, std::string_view fallback) const {
  const Tag* tag = find(name);
  return tag == nullptr ? fallback : tag->value;
}

}  // namespace tlsrpt::dkim
