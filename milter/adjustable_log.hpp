// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// A log whose level a reload can change.

#include <atomic>
#include <memory>

#include "common/log.hpp"

namespace tlsrpt::milter {

/// Threads: any.
class AdjustableLog final : public Log {
 public:
  /// sink: one that writes every level.
  AdjustableLog(std::unique_ptr<Log> sink, LogLevel level)
      : sink_(std::move(sink)), level_(level) {}
  void write(LogLevel level, std::string_view line) override {
    if (level <= level_.load()) sink_->write(level, line);
  }
  void set_level(LogLevel level) { level_.store(level); }

 private:
  std::unique_ptr<Log> sink_;
  std::atomic<LogLevel> level_;
};

}  // namespace tlsrpt::milter
