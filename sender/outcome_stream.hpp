// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Outcomes as lines on a stream socket, for MTAs and scripts that cannot send datagrams (Exim's
// readsocket): one JSON object a line. Nothing is ever answered; who has said all is hung up on.

#include <poll.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/unique_fd.hpp"
#include "sender/outcome_socket.hpp"

namespace tlsrpt::sender {

using LineHandler = std::function<void(std::string_view line)>;

/// Cuts what a connection brings into lines. It keeps one unfinished line at most.
class LineSplitter {
 public:
  /// A longer line is given once, cut at one byte more than 'max_bytes', and skipped to its end.
  explicit LineSplitter(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  /// Gives each line that ends in 'bytes', without its end; blank lines are not given. True if a
  /// line ended.
  bool add(std::string_view bytes, const LineHandler& handler);
  /// Gives what came after the last line feed.
  void finish(const LineHandler& handler);

 private:
  void keep(std::string_view bytes, const LineHandler& handler);

  std::size_t max_bytes_;
  std::string unfinished_;
  bool skipping_ = false;
};

struct StreamBounds {
  std::size_t connections = 64;  ///< further ones wait in the kernel
  std::size_t line_bytes = 256u << 10;
  std::chrono::seconds patience{10};  ///< for the next whole line of a connection
};

/// What serving the stream brought besides lines.
struct StreamEvents {
  std::size_t timeouts = 0;
  std::optional<Error> error;  ///< why a connection could not be taken
};

class OutcomeStream {
 public:
  using Time = std::chrono::steady_clock::time_point;

  OutcomeStream(OutcomeSocket socket, const StreamBounds& bounds);

  /// Appends what is to be waited for; serve() takes the same entries.
  void add_to(std::vector<pollfd>& entries, Time now) const;
  /// When to serve even though nothing is ready.
  [[nodiscard]] Time next_deadline() const;
  /// Reads from each connection that is ready, a bounded part, then takes new ones.
  StreamEvents serve(std::span<const pollfd> entries, Time now, const LineHandler& handler);
  /// The end: turns senders away and gives what the kernel has taken, until 'end'.
  void drain(Time end, const LineHandler& handler);

  [[nodiscard]] std::size_t connections() const { return connections_.size(); }

 private:
  struct Connection {
    UniqueFd fd;
    LineSplitter lines;
    Time deadline;
    bool done = false;
  };

  [[nodiscard]] bool accepting(Time now) const;
  bool read_some(Connection& connection, Time now, const LineHandler& handler);
  std::optional<Error> accept_waiting(Time now);

  OutcomeSocket socket_;
  StreamBounds bounds_;
  std::vector<Connection> connections_;
  std::vector<char> buffer_;
  Time accept_again_{};  ///< after an error; the waiting connection stays ready
};

}  // namespace tlsrpt::sender
