// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The thread that empties the datagram sockets. It does nothing else, since a full queue of the
// kernel means a lost outcome.

#include <poll.h>

#include <chrono>
#include <stop_token>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "common/log.hpp"
#include "sender/bad_outcomes.hpp"
#include "sender/journal.hpp"
#include "sender/outcome_socket.hpp"

namespace tlsrpt::sender {

class Receiver {
 public:
  /// 'max_bytes' of one datagram: see DatagramBatch. 'stop_event': a descriptor that becomes
  /// readable when the thread shall stop. All of them must outlive it.
  Receiver(std::vector<OutcomeSocket>& sockets, int stop_event, std::size_t max_bytes,
           Journal& journal, const Clock& clock, Log& log);

  /// The life of the thread, until it is told to stop and the event says so.
  void run(const std::stop_token& stop);
  /// After run(): what still waits, for so long at most.
  void drain(std::chrono::milliseconds patience);

 private:
  /// False: nothing waits any more.
  bool receive(int fd);
  bool receive_all();

  std::vector<OutcomeSocket>& sockets_;
  std::vector<pollfd> waiting_;  ///< one for each socket, and the event
  DatagramBatch batch_;
  std::vector<std::string_view> texts_;
  Journal& journal_;
  const Clock& clock_;
  Log& log_;
  RateLimit socket_limit_{std::chrono::minutes(1)};
};

}  // namespace tlsrpt::sender
