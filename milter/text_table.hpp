// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Aligned columns for a person's terminal, and the spelling of numbers in them.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tlsrpt::milter {

struct Column {
  std::string_view title;
  bool right = false;          ///< numbers
  std::size_t max_width = 40;  ///< longer cells are cut and end in "..."
};

/// Cells may be texts of strangers: each is escaped for the terminal before it is measured.
class TextTable {
 public:
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// As many cells as there are columns; missing ones are empty.
  void add(std::vector<std::string> cells);
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  /// The title line and all rows, each with two blanks in front and a line end; columns without
  /// any cell are left out.
  [[nodiscard]] std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// "1,234,567".
std::string group_digits(std::uint64_t number);

/// "99.98 %", never rounded up, so that 100 means without any failure; "-" if nothing was counted.
std::string success_rate(std::uint64_t successful, std::uint64_t failed);

}  // namespace tlsrpt::milter
