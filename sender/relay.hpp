// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// A mail server that reports are submitted to.

#include <cstdint>
#include <string>
#include <string_view>

#include "common/error.hpp"

namespace tlsrpt::sender {

struct Relay {
  enum class Protocol : std::uint8_t { smtp, lmtp };
  Protocol protocol = Protocol::smtp;
  std::string host;  ///< name, IPv4 or IPv6 address without brackets; empty for a local socket
  int port = 25;
  std::string path;  ///< of a local socket
  bool operator==(const Relay&) const = default;
};

/// "mail.example", "192.0.2.1:2525", "[2001:db8::1]:25", "lmtp:mail.example:2424",
/// "lmtp:/run/dovecot/lmtp", each also behind "smtp:" or "lmtp:". The port is 25 for SMTP and 24
/// for LMTP if none is given.
Result<Relay> parse_relay(std::string_view text);

/// As parse_relay reads it, with its port.
std::string to_string(const Relay& relay);

}  // namespace tlsrpt::sender
