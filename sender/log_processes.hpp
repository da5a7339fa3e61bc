// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The processes that write to a log, told apart by host, identity and number.

#include <memory>
#include <string>
#include <vector>

#include "sender/log_connection.hpp"
#include "sender/log_header.hpp"
#include "sender/log_table.hpp"

namespace tlsrpt::sender {

/// Process has 'connections', and 'knowledge', which those of one host and identity share.
template <typename Process>
class LogProcesses {
 public:
  /// The context outlives it.
  explicit LogProcesses(LogContext& context)
      : context_(context),
        processes_(context.settings.max_processes, context.settings.max_open),
        knowledge_(kMaxIdentities, std::chrono::years{100}) {}

  /// The one that wrote the line. Others beyond the limits leave; what they had begun is given up.
  Process& get(const LogLineParts& parts, std::vector<ObservedSession>& sessions) {
    key_.assign(parts.host).append(1, ' ').append(parts.identity).append(1, '[').append(parts.pid);
    Process& process = processes_.get(key_, parts.heard, [&](Process& old, bool evicted) {
      if (evicted) ++context_.counters.evicted;
      for (LogConnection& connection : old.connections) context_.give_up(connection, sessions);
    });
    if (!process.knowledge) {
      key_.resize(key_.rfind('['));
      auto& known = knowledge_.get(key_, parts.heard, [](const auto&, bool) {});
      if (!known) known = std::make_shared<LogKnowledge>();
      process.knowledge = known;
    }
    return process;
  }

  template <typename Visit>
  void for_each(const Visit& visit) const {
    processes_.for_each(visit);
  }

 private:
  static constexpr std::size_t kMaxIdentities = 1024;

  LogContext& context_;
  LogTable<Process> processes_;
  LogTable<std::shared_ptr<LogKnowledge>> knowledge_;
  std::string key_;
};

}  // namespace tlsrpt::sender
