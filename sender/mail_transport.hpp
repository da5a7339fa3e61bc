// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The seam to mail: hands one message over to a mail server.

#include <string>
#include <string_view>

#include "sender/hand_over.hpp"

namespace tlsrpt::sender {

struct Envelope {
  std::string sender;
  std::string recipient;
};

/// Threads: one at a time.
class MailTransport {
 public:
  virtual ~MailTransport() = default;
  /// message: complete, CRLF line ends. The addresses satisfy is_plain_address. Ends within the
  /// configured timeout for each server that is tried, and soon after its StopSignal.
  virtual HandOverResult hand_over(const Envelope& envelope, std::string_view message) = 0;
  /// Takes leave of the server, if a connection was kept for the next message. Does not wait long.
  virtual void close() = 0;
};

}  // namespace tlsrpt::sender
