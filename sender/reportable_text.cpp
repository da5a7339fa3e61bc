// SPDX-License-Identifier: BSD-2-Clause
#include "sender/reportable_text.hpp"

#include <algorithm>

#include "common/ascii.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kMaxUri = 2048;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'; }

bool is_uri_character(char c) {
  constexpr std::string_view kOthers = "-._~:/?#[]@!$&'()*+,;=";
  return is_letter(c) || is_digit(c) || kOthers.find(c) != std::string_view::npos;
}

bool is_octet(std::string_view number) {
  const bool leading_zero = number.size() > 1 && number.front() == '0';
  return !number.empty() && number.size() <= 3 && !leading_zero &&
         std::all_of(number.begin(), number.end(), is_digit) &&
         (number.size() < 3 || number <= "255");
}

}  // namespace

std::string ascii_line(std::string_view text, std::size_t max_bytes) {
  std::string line;
  bool in_foreign = false;
  for (const char c : text) {
    const bool foreign = static_cast<unsigned char>(c) > '~';
    if (!foreign) line += c < ' ' ? ' ' : c;
    if (foreign && !in_foreign) line += '?';
    in_foreign = foreign;
  }
  return std::string(trim_blanks(trim_blanks(line).substr(0, max_bytes)));
}

bool is_uri(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (text.size() > kMaxUri || colon == std::string_view::npos || colon + 1 == text.size())
    return false;
  const std::string_view scheme = text.substr(0, colon);
  if (scheme.empty() || !is_letter(scheme.front())) return false;
  const bool good_scheme = std::all_of(scheme.begin(), scheme.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
  });
  if (!good_scheme) return false;
  for (std::size_t i = colon + 1; i < text.size(); ++i) {
    if (is_uri_character(text[i])) continue;
    if (text[i] != '%' || hex_octet(text, i + 1) < 0) return false;
    i += 2;
  }
  return true;
}

bool is_tlsa_record(std::string_view text) {
  for (int i = 0; i < 3; ++i) {
    const std::size_t blank = text.find(' ');
    if (blank == std::string_view::npos || !is_octet(text.substr(0, blank))) return false;
    text.remove_prefix(blank + 1);
  }
  return !text.empty() && text.size() % 2 == 0 && std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || (c >= 'A' && c <= 'F');
  });
}

}  // namespace tlsrpt::sender
