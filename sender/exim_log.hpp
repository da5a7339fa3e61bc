// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Sessions of Exim. The message id stands on all lines, so that processes do not matter.

#include <memory>
#include <string>
#include <vector>

#include "sender/exim_line.hpp"
#include "sender/log_connection.hpp"
#include "sender/log_header.hpp"
#include "sender/log_table.hpp"

namespace tlsrpt::sender {

class EximLog {
 public:
  /// The context outlives it.
  explicit EximLog(LogContext& context);

  void add(const LogLineParts& parts, std::vector<ObservedSession>& sessions);
  [[nodiscard]] Seconds oldest_open() const;

 private:
  struct VerifyError {
    std::string address;
    int error = 0;
  };
  struct Message {
    std::vector<LogConnection> connections;
    std::vector<VerifyError> errors;
    std::string last_address;  ///< of the connection that "->" belongs to
  };
  Message& message(const LogLineParts& parts, std::string_view id,
                   std::vector<ObservedSession>& sessions);
  LogKnowledge& knowledge(const LogLineParts& parts);
  LogConnection& open(Message& message, const LogLineParts& parts, const EximLine& line,
                      std::vector<ObservedSession>& sessions);
  void deliver(const LogLineParts& parts, const EximLine& line, Message& message,
               std::vector<ObservedSession>& sessions);
  void fail(const LogLineParts& parts, const EximLine& line, Message& message,
            std::vector<ObservedSession>& sessions);

  LogContext& context_;
  LogTable<Message> messages_;
  LogTable<LogKnowledge> knowledge_;
  std::string key_;
};

}  // namespace tlsrpt::sender
