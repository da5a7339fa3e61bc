// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Sessions of Postfix's smtp(8), put together from the lines of each process. TLS lines carry no
// queue id: they belong to the deliveries that the same process logs next. tlsproxy(8) tells about
// sessions that smtp(8) counts: its lines only add to those.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sender/log_connection.hpp"
#include "sender/log_header.hpp"
#include "sender/log_processes.hpp"
#include "sender/log_table.hpp"
#include "sender/postfix_line.hpp"

namespace tlsrpt::sender {

class PostfixLog {
 public:
  /// The context outlives it.
  explicit PostfixLog(LogContext& context);

  void add(const LogLineParts& parts, std::vector<ObservedSession>& sessions);
  [[nodiscard]] Seconds oldest_open() const;

 private:
  /// What one line said about a connection whose own line is still to come.
  struct Fault {
    enum class Kind : std::uint8_t { certificate, handshake, announcement } kind{};
    Seconds at{};
    std::string host;  ///< empty: not known
    std::string address;
    std::string next_hop;
    std::string reason;
    int error = 0;
  };
  struct Process {
    std::shared_ptr<LogKnowledge> knowledge;
    std::vector<LogConnection> connections;
    std::vector<Fault> faults;
    std::string library_problem;  ///< of tlsproxy: the reason in the line before
  };
  struct Proxies {  ///< of one instance of Postfix
    std::vector<Fault> faults;
  };

  static Fault fault_of(Fault::Kind kind, Seconds at, const PostfixLine& line);
  Proxies& proxies(const LogLineParts& parts);
  void add_proxy_line(const LogLineParts& parts, const PostfixLine& line, Process& process);
  void add_smtp_line(const LogLineParts& parts, const PostfixLine& line, Process& process,
                     std::vector<ObservedSession>& sessions);

  LogConnection& open(Process& process, Seconds at, const LogPeer& peer,
                      std::vector<ObservedSession>& sessions);
  void establish(const LogLineParts& parts, const PostfixLine& line, Process& process,
                 std::vector<ObservedSession>& sessions);
  void fail_handshake(const LogLineParts& parts, const PostfixLine& line, Process& process,
                      std::vector<ObservedSession>& sessions);
  void announce(const LogLineParts& parts, const PostfixLine& line, Process& process,
                std::vector<ObservedSession>& sessions);
  void skip(const LogLineParts& parts, const PostfixLine& line,
            std::vector<ObservedSession>& sessions);
  void deliver(const LogLineParts& parts, const PostfixLine& line, Process& process,
               std::vector<ObservedSession>& sessions);
  void try_next_host(const LogLineParts& parts, const PostfixLine& line, Process& process,
                     std::vector<ObservedSession>& sessions);
  LogConnection* without_tls_line(const LogLineParts& parts, const PostfixLine& line,
                                  const LogPeer& peer, Process& process,
                                  std::vector<ObservedSession>& sessions);
  void forget_others(Process& process, std::string_view queue_id,
                     std::vector<ObservedSession>& sessions);

  LogContext& context_;
  LogProcesses<Process> processes_;
  LogTable<Proxies> proxies_;
  std::string key_;
  Seconds latest_{};
};

}  // namespace tlsrpt::sender
