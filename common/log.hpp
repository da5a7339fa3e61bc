// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// One line for each event: "TAG key=value key=value". To syslog, or to stderr with systemd's <N>
// prefix.

#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/error.hpp"

namespace tlsrpt {

enum class LogLevel {
  error = 3,
  warning = 4,
  notice = 5,
  info = 6,
  debug = 7
};  ///< as in syslog(3)

/// One event. Values are escaped for the log when added, so strangers' text may be given as it is.
class LogLine {
 public:
  /// tag: stable, listed in the man page's DIAGNOSTICS: "report-stored".
  explicit LogLine(std::string_view tag) : text_(tag) {}
  LogLine& add(std::string_view key, std::string_view value);
  LogLine& add(std::string_view key, std::int64_t value);
  LogLine& add(std::string_view key, std::uint64_t value);
  LogLine& add(std::string_view key, int value) { return add(key, std::int64_t{value}); }
  LogLine& add(const Error& error);  ///< error=CODE detail=TEXT
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// Threads: any. A sink must write each line whole.
class Log {
 public:
  virtual ~Log() = default;
  virtual void write(LogLevel level, std::string_view line) = 0;

  void error(const LogLine& line) { write(LogLevel::error, line.text()); }
  void warning(const LogLine& line) { write(LogLevel::warning, line.text()); }
  void notice(const LogLine& line) { write(LogLevel::notice, line.text()); }
  void info(const LogLine& line) { write(LogLevel::info, line.text()); }
  void debug(const LogLine& line) { write(LogLevel::debug, line.text()); }
};

struct LogSettings {
  std::string program;              ///< syslog ident
  bool syslog = false;              ///< else stderr
  std::string facility = "mail";    ///< LOG_MAIL
  LogLevel level = LogLevel::info;  ///< lines above it are not written
};

/// fails if the facility is unknown.
Result<std::unique_ptr<Log>> make_log(const LogSettings& settings);

}  // namespace tlsrpt
