// SPDX-License-Identifier: BSD-2-Clause
#include "milter/text_table.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/escape.hpp"

namespace tlsrpt::milter {

namespace {

constexpr std::string_view kCut = "...";
constexpr std::size_t kMaxCellBytes = 1024;

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u; }

/// Characters, of valid UTF-8. Wide characters count as one: good enough for names of senders.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_character));
}

std::string cut_to_width(std::string text, std::size_t width) {
  if (width_of(text) <= width) return text;
  std::size_t left = width - kCut.size();
  std::size_t end = 0;
  while (end < text.size()) {
    if (begins_character(text[end]) && left-- == 0) break;
    ++end;
  }
  text.resize(end);
  return text.append(kCut);
}

void append_cell(std::string& line, std::string_view cell, std::size_t width, bool right) {
  const std::string blanks(width - std::min(width, width_of(cell)), ' ');
  line += "  ";
  if (right) line += blanks;
  line += cell;
  if (!right) line += blanks;
}

}  // namespace

void TextTable::add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cells[i] = cut_to_width(escape_terminal(std::string_view(cells[i]).substr(0, kMaxCellBytes)),
                            columns_[i].max_width);
  }
  rows_.push_back(std::move(cells));
}

std::string TextTable::text() const {
  std::vector<std::size_t> widths(columns_.size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  const auto line_of = [&](const auto& cell_of) {
    std::string line;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (widths[i] == 0) continue;
      append_cell(line, cell_of(i), std::max(widths[i], columns_[i].title.size()),
                  columns_[i].right);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line + '\n';
  };
  std::string text = line_of([&](std::size_t i) { return columns_[i].title; });
  for (const auto& row : rows_) {
    text += line_of([&](std::size_t i) { return std::string_view(row[i]); });
  }
  return text;
}

std::string group_digits(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

std::string success_rate(std::uint64_t successful, std::uint64_t failed) {
  const auto total = static_cast<long double>(successful) + static_cast<long double>(failed);
  if (total == 0) return "-";
  if (failed == 0) return "100 %";
  const auto hundredths =
      static_cast<unsigned>(static_cast<long double>(successful) / total * 10000);
  const unsigned shown = std::min(hundredths, 9999u);
  return fmt::format("{}.{:02} %", shown / 100, shown % 100);
}

}  // namespace tlsrpt::milter
