// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The seam to SMTP: hands one message over to a mail server.

#include <cstdint>
#include <string>
#include <string_view>

namespace tlsrpt::sender {

struct Envelope {
  std::string sender;
  std::string recipient;
};

enum class HandOver : std::uint8_t {
  accepted,   ///< the server answered 250 to the data: it is responsible now
  temporary,  ///< 4xx, or the network failed: try again
  permanent,  ///< 5xx
  aborted,    ///< this program is about to end
};

struct HandOverResult {
  HandOver verdict = HandOver::temporary;
  std::string detail;  ///< the server's last reply, or what failed; not escaped
};

class MailTransport {
 public:
  virtual ~MailTransport() = default;
  /// message: complete, CRLF line ends. The addresses satisfy is_plain_address. Ends within the
  /// configured timeout.
  virtual HandOverResult hand_over(const Envelope& envelope, std::string_view message) = 0;
  /// Takes leave of the server, if a connection was kept for the next message.
  virtual void close() = 0;
};

}  // namespace tlsrpt::sender
