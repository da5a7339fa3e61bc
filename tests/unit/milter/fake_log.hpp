// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// A Log that remembers its lines.

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/log.hpp"

namespace tlsrpt {

class FakeLog final : public Log {
 public:
  void write(LogLevel, std::string_view line) override {
    const std::lock_guard lock(mutex_);
    lines_.emplace_back(line);
  }
  [[nodiscard]] std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  /// How many lines begin with this tag.
  [[nodiscard]] std::size_t count(std::string_view tag) const {
    std::size_t found = 0;
    for (const std::string& line : lines()) {
      if (std::string_view(line).substr(0, line.find(' ')) == tag) ++found;
    }
    return found;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

}  // namespace tlsrpt
