// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Lines of a log in, sessions out.

#include <string>
#include <string_view>
#include <vector>

#include "sender/mail_log.hpp"

namespace tlsrpt::sender {

/// The day after those that the tests' lines are of.
inline constexpr Seconds kLogNow{Day{std::chrono::year{2026} / 11 / 24}};

/// Each is one line without its end, or several.
inline std::vector<ObservedSession> read_log(MailLog& log, std::string_view lines,
                                             Seconds now = kLogNow) {
  std::vector<ObservedSession> sessions;
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    if (end != 0) log.add_line(lines.substr(0, end), now, sessions);
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
  }
  return sessions;
}

inline std::vector<ObservedSession> read_log(std::string_view lines) {
  MailLog log({});
  return read_log(log, lines);
}

/// "domain host[address] state reason pkix=… dane=…", for comparing at a glance; "C" is complete,
/// "*" is demanded_only.
inline std::string to_line(const ObservedSession& session) {
  constexpr std::string_view kStates[] = {"not_reached", "skipped", "not_offered",
                                          "refused",     "failed",  "established"};
  std::string line = session.domain + ' ' + session.mx_host + '[' + session.receiving_ip + "] ";
  line += kStates[static_cast<std::size_t>(session.starttls)];
  if (!session.reason_code.empty()) line += ' ' + session.reason_code;
  const auto add = [&](std::string_view name, const Verification& verification) {
    if (verification == Verification{}) return;
    line.append(1, ' ').append(name).append(1, '=');
    for (const int error : verification.errors) line += std::to_string(error) + ',';
    line += verification.complete ? "C" : "";
  };
  add("pkix", session.pkix);
  add("dane", session.dane);
  if (session.demanded_only) line += " *";
  return line;
}

inline std::vector<std::string> to_lines(const std::vector<ObservedSession>& sessions) {
  std::vector<std::string> lines;
  for (const ObservedSession& session : sessions) lines.push_back(to_line(session));
  return lines;
}

using Lines = std::vector<std::string>;

}  // namespace tlsrpt::sender
