// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// One connection of an MTA that asks for policies: bytes in, questions out; answers in, bytes out.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "common/unique_fd.hpp"
#include "sender/netstring.hpp"
#include "sender/socketmap.hpp"

namespace tlsrpt::sender {

/// A question that waits for a look-up.
struct PendingQuestion {
  std::string map;
  std::string domain;
  std::chrono::steady_clock::time_point end;
};

class PolicyConnection {
 public:
  using Time = std::chrono::steady_clock::time_point;

  PolicyConnection(UniqueFd fd, Time now);

  /// Reads what is there, a bounded part. False: the connection broke, or said what is no question.
  bool read(Time now);
  /// The next question. Nothing: there is none yet, or an answer has to get out first.
  /// malformed() then says whether it will ever come.
  std::optional<SocketmapRequest> next_question();
  [[nodiscard]] bool malformed() const { return malformed_; }
  void answer(const SocketmapReply& reply);
  /// Writes what the peer takes. False: the connection broke.
  bool flush(Time now);

  [[nodiscard]] bool wants_to_read() const;
  [[nodiscard]] bool wants_to_write() const { return written_ < output_.size(); }
  /// The peer has said all, and has its answers.
  [[nodiscard]] bool finished() const;
  [[nodiscard]] bool is_idle() const;
  /// When it last read or wrote something.
  [[nodiscard]] Time last_progress() const { return last_progress_; }
  [[nodiscard]] int fd() const { return fd_.get(); }

  std::optional<PendingQuestion> pending;
  unsigned events = 0;  ///< what the loop waits for

 private:
  UniqueFd fd_;
  NetstringReader reader_{kMaxSocketmapRequest};
  std::string output_;
  std::size_t written_ = 0;
  bool peer_done_ = false;
  bool malformed_ = false;
  Time last_progress_;
};

}  // namespace tlsrpt::sender
