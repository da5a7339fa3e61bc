// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Opens connections to relays as configured: with TLS if it can be had, and in clear if it must be.

#include <optional>

#include "sender/smtp_connection.hpp"
#include "sender/stop_signal.hpp"
#include "sender/tls_client.hpp"

namespace tlsrpt::sender {

/// Threads: one at a time.
class SmtpOpener {
 public:
  /// Both outlive it.
  SmtpOpener(const SmtpSettings& settings, const StopSignal& stop)
      : settings_(settings), stop_(stop) {}

  /// Errors as open_smtp_session has them.
  Result<SmtpConnection> open(const Relay& relay, Deadline deadline);

 private:
  Result<const TlsClient*> tls_for(const Relay& relay);

  const SmtpSettings& settings_;
  const StopSignal& stop_;
  std::optional<TlsClient> tls_;  ///< from its first use on: reading the trust store takes time
};

}  // namespace tlsrpt::sender
