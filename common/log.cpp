// SPDX-License-Identifier: BSD-2-Clause
#include "common/log.hpp"

#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

#include <array>

#include "common/escape.hpp"

namespace tlsrpt {

namespace {

struct Facility {
  std::string_view name;
  int value;
};

constexpr std::array kFacilities = {
    Facility{"auth", LOG_AUTH},     Facility{"authpriv", LOG_AUTHPRIV},
    Facility{"cron", LOG_CRON},     Facility{"daemon", LOG_DAEMON},
    Facility{"kern", LOG_KERN},     Facility{"local0", LOG_LOCAL0},
    Facility{"local1", LOG_LOCAL1}, Facility{"local2", LOG_LOCAL2},
    Facility{"local3", LOG_LOCAL3}, Facility{"local4", LOG_LOCAL4},
    Facility{"local5", LOG_LOCAL5}, Facility{"local6", LOG_LOCAL6},
    Facility{"local7", LOG_LOCAL7}, Facility{"lpr", LOG_LPR},
    Facility{"mail", LOG_MAIL},     Facility{"news", LOG_NEWS},
    Facility{"user", LOG_USER},     Facility{"uucp", LOG_UUCP}};

class SyslogLog final : public Log {
 public:
  SyslogLog(std::string program, int facility, LogLevel level)
      : program_(std::move(program)), level_(level) {
    // openlog keeps the pointer, so the ident lives in this object.
    ::openlog(program_.c_str(), LOG_PID | LOG_NDELAY, facility);
  }
  ~SyslogLog() override { ::closelog(); }
  void write(LogLevel level, std::string_view line) override {
    if (level > level_) return;
    ::syslog(static_cast<int>(level), "%.*s", static_cast<int>(line.size()), line.data());
  }

 private:
  std::string program_;
  LogLevel level_;
};

/// Under systemd (JOURNAL_STREAM is set) lines begin with <N>, which the journal takes as the
/// priority.
class StderrLog final : public Log {
 public:
  StderrLog(std::string program, LogLevel level, bool with_priority)
      : program_(std::move(program)), level_(level), with_priority_(with_priority) {}
  void write(LogLevel level, std::string_view line) override {
    if (level > level_) return;
    const std::string whole = with_priority_
                                  ? fmt::format("<{}>{}\n", static_cast<int>(level), line)
                                  : fmt::format("{}: {}\n", program_, line);
    // One write for each line; a log that cannot be written has nobody left to tell.
    static_cast<void>(!::write(STDERR_FILENO, whole.data(), whole.size()));
  }

 private:
  std::string program_;
  LogLevel level_;
  bool with_priority_;
};

}  // namespace

LogLine& LogLine::add(std::string_view key, std::string_view value) {
  text_ += fmt::format(" {}={}", key, escape_log(value));
  return *this;
}

LogLine& LogLine::add(std::string_view key, std::int64_t value) {
  text_ += fmt::format(" {}={}", key, value);
  return *this;
}

LogLine& LogLine::add(std::string_view key, std::uint64_t value) {
  text_ += fmt::format(" {}={}", key, value);
  return *this;
}

LogLine& LogLine::add(const Error& error) {
  add("error", to_word(error.code));
  return add("detail", error.detail);
}

Result<std::unique_ptr<Log>> make_log(const LogSettings& settings) {
  if (!settings.syslog) {
    const bool with_priority = ::getenv("JOURNAL_STREAM") != nullptr;
    return std::make_unique<StderrLog>(settings.program, settings.level, with_priority);
  }
  for (const Facility& facility : kFacilities) {
    if (facility.name == settings.facility) {
      return std::make_unique<SyslogLog>(settings.program, facility.value, settings.level);
    }
  }
  return fail(ErrorCode::invalid_argument, "unknown syslog facility \"{}\"", settings.facility);
}

}  // namespace tlsrpt
