// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The few questions about ASCII characters that mail headers raise, without regard to locales.

#include <string>
#include <string_view>

namespace tlsrpt {

constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

constexpr char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// 0..15, or -1 if it is no hexadecimal digit.
constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char low = ascii_lower(c);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/// The octet that two hexadecimal digits at text[at] stand for, or -1.
constexpr int hex_octet(std::string_view text, std::size_t at) {
  if (at + 2 > text.size() || hex_value(text[at]) < 0 || hex_value(text[at + 1]) < 0) return -1;
  return hex_value(text[at]) * 16 + hex_value(text[at + 1]);
}

/// Without blanks at both ends.
constexpr std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// As JSON has them between its tokens. Most characters are none, which one comparison tells.
constexpr bool is_blank_or_line_end(char c) {
  return static_cast<unsigned char>(c) <= ' ' && (c == ' ' || c == '\t' || c == '\r' || c == '\n');
}

/// Without blanks and line ends at both ends.
constexpr std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && is_blank_or_line_end(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank_or_line_end(text.back())) text.remove_suffix(1);
  return text;
}

/// Nothing but blanks and line ends.
constexpr bool is_all_blank(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && is_blank_or_line_end(text[at])) ++at;
  return at == text.size();
}

/// Other bytes stay as they are.
std::string lower_case(std::string_view text);

constexpr bool equal_ignoring_case(std::string_view left, std::string_view right) {
  if (left.size() != right.size()) return false;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (left[i] != right[i] && ascii_lower(left[i]) != ascii_lower(right[i])) return false;
  }
  return true;
}

constexpr bool ends_with_ignoring_case(std::string_view text, std::string_view end) {
  return text.size() >= end.size() &&
         equal_ignoring_case(text.substr(text.size() - end.size()), end);
}

}  // namespace tlsrpt
