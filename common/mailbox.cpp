// SPDX-License-Identifier: BSD-2-Clause
#include "common/mailbox.hpp"

#include "common/ascii.hpp"
#include "common/char_set.hpp"

namespace tlsrpt {
namespace {

/// Where the quoted string or comment that begins at 'at' ends; text.size() if it does not.
std::size_t end_of_group(std::string_view text, std::size_t at) {
  const bool comment = text[at] == '(';
  std::size_t depth = 0;
  for (; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (comment && text[at] == '(') {
      ++depth;
    } else if (comment ? text[at] == ')' : text[at] == '"') {
      if (comment ? --depth == 0 : depth++ == 1) return at + 1;
    }
  }
  return text.size();
}

/// What plain text of a field ends at.
constexpr CharSet kSpecials{"(\",;:<>"};

bool is_address(std::string_view text) {
  return text.find('@') != std::string_view::npos && text.find(' ') == std::string_view::npos &&
         text.find('\t') == std::string_view::npos;
}

}  // namespace

std::optional<std::string> only_mailbox(std::string_view field) {
  if (kSpecials.find_in(field) == field.size() && is_address(trimmed(field)))
    return std::string(trimmed(field));
  std::string outside;
  std::string inside;
  bool in_angle = false;
  bool had_angle = false;
  while (!field.empty()) {
    const std::string_view plain = field.substr(0, kSpecials.find_in(field));
    if (had_angle && !in_angle && !trimmed(plain).empty()) return std::nullopt;
    (in_angle ? inside : outside) += plain;
    field.remove_prefix(plain.size());
    if (field.empty()) break;
    const char c = field.front();
    if (c == '(' || c == '"') {
      const std::string_view group = field.substr(0, end_of_group(field, 0));
      if (c == '"') (in_angle ? inside : outside) += group;
      if (c == '"' && had_angle && !in_angle) return std::nullopt;
      field.remove_prefix(group.size());
      continue;
    }
    if (c == ',' || c == ';' || c == ':') return std::nullopt;
    const bool opens = c == '<';
    if (opens ? had_angle : !in_angle) return std::nullopt;
    in_angle = opens;
    had_angle = true;
    field.remove_prefix(1);
  }
  if (in_angle) return std::nullopt;
  const std::string_view address = trimmed(had_angle ? inside : outside);
  if (!is_address(address)) return std::nullopt;
  return std::string(address);
}

}  // namespace tlsrpt
