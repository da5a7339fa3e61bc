// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// A log that a test can read.

#include <string>
#include <string_view>
#include <vector>

#include "common/log.hpp"

namespace tlsrpt::sender {

class FakeLog final : public Log {
 public:
  std::vector<std::string> lines;
  void write(LogLevel, std::string_view line) override { lines.emplace_back(line); }
  [[nodiscard]] int count(std::string_view tag) const {
    int found = 0;
    for (const std::string& line : lines) found += line.starts_with(tag) ? 1 : 0;
    return found;
  }
};

}  // namespace tlsrpt::sender
