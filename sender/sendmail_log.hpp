// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Sessions of Sendmail, put together from the lines of each process. TLS lines carry no queue id:
// they belong to the next delivery line, whose relay is the last host that was tried.

#include <memory>
#include <string>
#include <vector>

#include "sender/log_connection.hpp"
#include "sender/log_header.hpp"
#include "sender/log_processes.hpp"
#include "sender/sendmail_line.hpp"

namespace tlsrpt::sender {

class SendmailLog {
 public:
  /// The context outlives it.
  explicit SendmailLog(LogContext& context);

  void add(const LogLineParts& parts, std::vector<ObservedSession>& sessions);
  [[nodiscard]] Seconds oldest_open() const;

 private:
  struct Process {
    std::shared_ptr<LogKnowledge> knowledge;
    std::vector<LogConnection> connections;
    std::vector<std::string> hosts;  ///< talked to before: connections are kept open
  };
  LogConnection& open(Process& process, Seconds at, std::string_view host,
                      std::vector<ObservedSession>& sessions);
  /// The newest to that host, or one without a host yet, which it is from now on; a new one if
  /// need be.
  LogConnection& find_or_open(Process& process, Seconds at, std::string_view host,
                              std::vector<ObservedSession>& sessions);
  void reject_session(const LogLineParts& parts, const SendmailLine& line, Process& process,
                      std::vector<ObservedSession>& sessions);
  void reject_recipient(const LogLineParts& parts, const SendmailLine& line, Process& process,
                        std::vector<ObservedSession>& sessions);
  void deliver(const LogLineParts& parts, const SendmailLine& line, Process& process,
               std::vector<ObservedSession>& sessions);

  LogContext& context_;
  LogProcesses<Process> processes_;
};

}  // namespace tlsrpt::sender
