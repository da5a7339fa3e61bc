// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Rows of text in columns that fit into a terminal.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tlsrpt::sender {

/// As wide as the screen would be for what goes into a file: nothing is cut.
inline constexpr std::size_t kNoWidth = 0;

/// At most 'columns' characters; "..." at the end says that something was cut. UTF-8.
std::string cut_text(std::string_view text, std::size_t columns);

struct TableColumn {
  std::string_view title;
  std::size_t max_width;  ///< what is longer is cut, if there is a width
};

/// Lines without line ends, the titles first. Each column is as wide as its longest text; the last
/// gets what is left. The texts must be escaped.
std::vector<std::string> text_table(const std::vector<TableColumn>& columns,
                                    const std::vector<std::vector<std::string>>& rows,
                                    std::size_t width);

}  // namespace tlsrpt::sender
