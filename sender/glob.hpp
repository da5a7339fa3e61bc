// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Patterns in which '*' stands for any characters, none included.

#include <string_view>

namespace tlsrpt::sender {

inline bool is_glob(std::string_view pattern) {
  return pattern.find('*') != std::string_view::npos;
}

/// Compares byte by byte, case included. Time is linear in both lengths, whatever they hold.
bool matches_glob(std::string_view pattern, std::string_view text);

}  // namespace tlsrpt::sender
