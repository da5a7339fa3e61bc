// SPDX-License-Identifier: BSD-2-Clause
#include "sender/text_table.hpp"

#include <algorithm>

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kGap = 2;
constexpr std::string_view kCut = "...";

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u; }

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_character));
}

/// Behind the first 'count' characters.
std::size_t place_of(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  for (std::size_t seen = 0; at < text.size(); ++at) {
    if (begins_character(text[at]) && seen++ == count) break;
  }
  return at;
}

std::string to_line(const std::vector<std::string>& row, const std::vector<std::size_t>& widths,
                    std::size_t width) {
  std::string line;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const bool last = i + 1 == row.size();
    const std::string text = last || width == kNoWidth ? row[i] : cut_text(row[i], widths[i]);
    line += text;
    const std::size_t used = count_characters(text);
    if (!last) line.append(std::max(widths[i], used) - used + kGap, ' ');
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return width == kNoWidth ? line : cut_text(line, width);
}

}  // namespace

std::string cut_text(std::string_view text, std::size_t columns) {
  if (count_characters(text) <= columns) return std::string(text);
  if (columns <= kCut.size()) return std::string(text.substr(0, place_of(text, columns)));
  return std::string(text.substr(0, place_of(text, columns - kCut.size()))) + std::string(kCut);
}

std::vector<std::string> text_table(const std::vector<TableColumn>& columns,
                                    const std::vector<std::vector<std::string>>& rows,
                                    std::size_t width) {
  std::vector<std::string> titles;
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    titles.emplace_back(columns[i].title);
    std::size_t widest = columns[i].title.size();
    for (const auto& row : rows) widest = std::max(widest, count_characters(row[i]));
    widths.push_back(std::min(widest, columns[i].max_width));
  }
  std::vector<std::string> lines = {to_line(titles, widths, width)};
  for (const auto& row : rows) lines.push_back(to_line(row, widths, width));
  return lines;
}

}  // namespace tlsrpt::sender
