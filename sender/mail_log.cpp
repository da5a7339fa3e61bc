// SPDX-License-Identifier: BSD-2-Clause
#include "sender/mail_log.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "sender/exim_log.hpp"
#include "sender/log_clock.hpp"
#include "sender/log_connection.hpp"
#include "sender/log_header.hpp"
#include "sender/log_texts.hpp"
#include "sender/postfix_log.hpp"
#include "sender/sendmail_log.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kMaxLine = 8u << 10;  ///< what stands behind it is not looked at
constexpr std::size_t kMaxRepeats = 1000;

std::size_t count_at(std::string_view text) {
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  return error == std::errc{} ? std::min(count, kMaxRepeats) : 0;
}

/// "last message repeated 3 times", of the host as a whole.
std::size_t repeats_of_last(std::string_view line) {
  constexpr std::string_view kWords = " last message repeated ";
  const std::size_t at = line.substr(0, 200).find(kWords);
  return at == std::string_view::npos ? 0 : count_at(line.substr(at + kWords.size()));
}

/// "message repeated 3 times: [ TEXT]", of one program: the text is left.
std::size_t take_repeats(std::string_view& text) {
  std::string_view rest = text;
  if (!take(rest, "message repeated ")) return 0;
  const std::size_t count = count_at(rest);
  if (!take_until(rest, " times: [ ") || !rest.ends_with(']')) return 0;
  rest.remove_suffix(1);
  text = rest;
  return count;
}

MailLogSettings checked(MailLogSettings settings) {
  settings.max_processes = std::max<std::size_t>(settings.max_processes, 1);
  settings.max_open = std::max(settings.max_open, std::chrono::seconds{1});
  return settings;
}

}  // namespace

struct MailLog::Parts {
  explicit Parts(MailLogSettings settings) : context(std::move(settings)) {}

  void add(LogLineParts parts, std::vector<ObservedSession>& sessions);
  void repeat_skipped(std::size_t count, std::vector<ObservedSession>& sessions);

  LogContext context;
  Seconds newest = Seconds::min();
  LogHeaderReader headers;
  LogClock clock;
  PostfixLog postfix{context};
  SendmailLog sendmail{context};
  EximLog exim{context};
  /// The line before was a session by itself: "repeated" means further ones. All other sessions
  /// have several lines, which syslog does not fold.
  std::vector<ObservedSession> skipped;
};

/// 'skipped' sessions are the only ones that one line alone makes up.
void MailLog::Parts::repeat_skipped(std::size_t count, std::vector<ObservedSession>& sessions) {
  for (std::size_t i = 0; i < count; ++i) {
    sessions.insert(sessions.end(), skipped.begin(), skipped.end());
    context.counters.sessions += skipped.size();
  }
}

void MailLog::Parts::add(LogLineParts parts, std::vector<ObservedSession>& sessions) {
  newest = std::max(newest, parts.at);
  parts.heard = clock.heard(parts.host, parts.at);
  if (const std::size_t count = take_repeats(parts.text); count > 0) {
    return repeat_skipped(count, sessions);
  }
  skipped.clear();
  const std::size_t before = sessions.size();
  switch (parts.program) {
    case LogProgram::postfix_smtp:
    case LogProgram::postfix_tlsproxy:
      postfix.add(parts, sessions);
      break;
    case LogProgram::sendmail:
      return sendmail.add(parts, sessions);
    case LogProgram::exim:
      return exim.add(parts, sessions);
    case LogProgram::other:
      return;
  }
  if (sessions.size() == before + 1 && sessions.back().starttls == StarttlsState::skipped) {
    skipped.push_back(sessions.back());
  }
}

MailLog::MailLog(MailLogSettings settings)
    : parts_(std::make_unique<Parts>(checked(std::move(settings)))) {}
MailLog::~MailLog() = default;
MailLog::MailLog(MailLog&&) noexcept = default;

void MailLog::add_line(std::string_view line, Seconds now, std::vector<ObservedSession>& sessions) {
  ++parts_->context.counters.lines;
  line = line.substr(0, kMaxLine);
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  const auto parts = parts_->headers.read(line, now);
  if (parts) return parts_->add(*parts, sessions);
  if (parts_->skipped.empty()) return;
  parts_->repeat_skipped(repeats_of_last(line), sessions);
  parts_->skipped.clear();
}

void MailLog::add_entry(const MailLogEntry& entry, std::vector<ObservedSession>& sessions) {
  ++parts_->context.counters.lines;
  const LogProgram program = log_program(entry.identity);
  if (program == LogProgram::other) return;
  parts_->add({.at = entry.at,
               .heard = {},
               .program = program,
               .host = {},
               .identity = entry.identity,
               .pid = entry.pid,
               .text = entry.text.substr(0, kMaxLine)},
              sessions);
}

const MailLogCounters& MailLog::counters() const { return parts_->context.counters; }

Seconds MailLog::newest() const { return parts_->newest; }

Seconds MailLog::oldest_open() const {
  return std::min(
      {parts_->postfix.oldest_open(), parts_->sendmail.oldest_open(), parts_->exim.oldest_open()});
}

}  // namespace tlsrpt::sender
