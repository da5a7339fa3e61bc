// SPDX-License-Identifier: BSD-2-Clause
#include "sender/outcome_text.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "common/domain_name.hpp"
#include "common/ip_address.hpp"
#include "common/utf8.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kMaxName = 255;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (upper(c) >= 'A' && upper(c) <= 'F'); }

std::string to_lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::string_view take_word(std::string_view& text) {
  text = trim(text);
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

void sort_and_unite(std::vector<std::string>& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

bool is_small_number(std::string_view word) {
  return !word.empty() && word.size() <= 3 && std::all_of(word.begin(), word.end(), is_digit);
}

std::string canonical_tlsa_record(const std::string& text) {
  std::string_view rest = text;
  std::string out;
  bool regular = true;
  for (int i = 0; i < 3; ++i) {
    const std::string_view number = take_word(rest);
    regular = regular && is_small_number(number);
    out += number;
    out += ' ';
  }
  std::string data;
  while (!(rest = trim(rest)).empty()) data += take_word(rest);
  regular = regular && !data.empty() && std::all_of(data.begin(), data.end(), is_hex);
  if (regular) {
    std::transform(data.begin(), data.end(), data.begin(), upper);
    return out + data;
  }
  std::string words;
  rest = text;
  while (!(rest = trim(rest)).empty()) {
    if (!words.empty()) words += ' ';
    words += take_word(rest);
  }
  return words;
}

std::string canonical_pattern(std::string_view pattern) {
  if (auto normal = normalize_mx_pattern(pattern)) return *normal;
  return to_lower(pattern);
}

/// Where a field stands in the canonical policy.
std::size_t sts_rank(std::string_view name) {
  constexpr std::array<std::string_view, 4> kOrder = {"version", "mode", "mx", "max_age"};
  return static_cast<std::size_t>(
      std::distance(kOrder.begin(), std::find(kOrder.begin(), kOrder.end(), name)));
}

struct StsLine {
  std::size_t rank = 0;
  std::string text;
};

StsLine canonical_sts_line(std::string_view line) {
  const std::size_t colon = line.find(':');
  const std::string name = to_lower(trim(line.substr(0, colon)));
  const std::size_t rank = sts_rank(name);
  if (colon == std::string_view::npos) return {sts_rank(""), std::string(line)};
  const std::string_view value = trim(line.substr(colon + 1));
  return {rank, name + ": " + (name == "mx" ? canonical_pattern(value) : std::string(value))};
}

}  // namespace

std::string clean_text(std::string_view text, std::size_t max_bytes) {
  std::string out = to_valid_utf8(text);
  std::replace_if(
      out.begin(), out.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7f'; }, ' ');
  return std::string(trim(cut_utf8(trim(out), max_bytes)));
}

std::vector<std::string> canonical_tlsa(const std::vector<std::string>& records,
                                        std::size_t max_bytes) {
  std::vector<std::string> out;
  for (const std::string& record : records) {
    std::string text = canonical_tlsa_record(clean_text(record, max_bytes));
    if (!text.empty()) out.push_back(std::move(text));
  }
  sort_and_unite(out);
  return out;
}

std::vector<std::string> canonical_sts(const std::vector<std::string>& lines, std::size_t max_bytes,
                                       std::size_t max_lines) {
  std::vector<StsLine> sorted;
  for (const std::string& text : lines) {
    std::string_view rest = text;
    while (!rest.empty() && sorted.size() < max_lines) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      const std::string line = clean_text(rest.substr(0, end), max_bytes);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (!line.empty()) sorted.push_back(canonical_sts_line(line));
    }
  }
  std::stable_sort(sorted.begin(), sorted.end(), [](const StsLine& a, const StsLine& b) {
    if (a.rank != b.rank) return a.rank < b.rank;
    return a.rank == sts_rank("mx") && a.text < b.text;
  });
  std::vector<std::string> out;
  for (StsLine& line : sorted) {
    if (std::find(out.begin(), out.end(), line.text) == out.end()) {
      out.push_back(std::move(line.text));
    }
  }
  return out;
}

std::vector<std::string> canonical_mx_patterns(const std::vector<std::string>& patterns,
                                               std::size_t max_bytes) {
  std::vector<std::string> out;
  for (const std::string& pattern : patterns) {
    const std::string text = clean_text(pattern, max_bytes);
    if (!text.empty()) out.push_back(canonical_pattern(text));
  }
  sort_and_unite(out);
  return out;
}

std::string canonical_host(std::string_view name) {
  const std::string text = clean_text(name, kMaxName + 1);
  if (auto normal = normalize_domain(text)) return *normal;
  const bool plain = text.size() <= kMaxName && std::all_of(text.begin(), text.end(), [](char c) {
                       return c > 0x20 && c < 0x7f && c != '"' && c != '\\';
                     });
  return plain ? to_lower(text) : std::string();
}

std::string canonical_address(std::string_view address) {
  return canonical_ip(address.substr(0, address.find('%'))).value_or("");
}

std::string announced_name(std::string_view reply) {
  std::string_view line = reply.substr(0, reply.find_first_of("\r\n"));
  const bool has_code = line.size() >= 3 && std::all_of(line.begin(), line.begin() + 3, is_digit) &&
                        (line.size() == 3 || line[3] == '-' || line[3] == ' ');
  if (has_code) line.remove_prefix(std::min<std::size_t>(line.size(), 4));
  const std::string text = clean_text(line, line.size() * 3);
  std::string_view rest = text;
  return clean_text(take_word(rest), kMaxName);
}

}  // namespace tlsrpt::sender
