// SPDX-License-Identifier: BSD-2-Clause
#include "common/mailbox.hpp"

#include "common/ascii.hpp"

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

bool is_address(std::string_view text) {
  return text.find('@') != std::string_view::npos && text.find(' ') == std::string_view::npos &&
         text.find('\t') == std::string_view::npos;
}

}  // namespace

std::optional<std::string> only_mailbox(std::string_view field) {
  std::string outside;
  std::string inside;
  bool in_angle = false;
  bool had_angle = false;
  for (std::size_t at = 0; at < field.size();) {
    const char c = field[at];
    if (c == '(' || c == '"') {
      const std::size_t end = end_of_group(field, at);
      if (c == '"') (in_angle ? inside : outside).append(field.substr(at, end - at));
      if (c == '"' && had_angle && !in_angle) return std::nullopt;
      at = end;
      continue;
    }
    ++at;
    if (c == ',' || c == ';' || c == ':') return std::nullopt;
    if (c == '<') {
      if (had_angle) return std::nullopt;
      in_angle = had_angle = true;
    } else if (c == '>') {
      if (!in_angle) return std::nullopt;
      in_angle = false;
    } else if (in_angle) {
      inside += c;
    } else if (had_angle && !is_blank(c)) {
      return std::nullopt;
    } else {
      outside += c;
    }
  }
  if (in_angle) return std::nullopt;
  const std::string_view address = trimmed(had_angle ? inside : outside);
  if (!is_address(address)) return std::nullopt;
  return std::string(address);
}

}  // namespace tlsrpt
