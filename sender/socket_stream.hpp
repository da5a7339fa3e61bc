// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The bytes that go to and come from a mail server, in clear or through TLS, with patience.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/error.hpp"
#include "common/unique_fd.hpp"
#include "sender/patience.hpp"
#include "sender/tls_client.hpp"

namespace tlsrpt::sender {

/// Threads: one at a time. Errors: "timeout", "stopped", "the server closed the connection", or
/// what the system says. Nothing more can be sent or received after one.
class SocketStream {
 public:
  /// A connected, non-blocking socket.
  SocketStream(UniqueFd fd, const Patience& patience) : fd_(std::move(fd)), patience_(patience) {}

  /// Of everything that follows.
  void set_patience(const Patience& patience) { patience_ = patience; }
  [[nodiscard]] const Patience& patience() const { return patience_; }

  /// Nothing is there to be read, not even the end. Does not wait; after 'false' the stream is
  /// lost.
  bool idle();
  /// At least one byte. Waits only if none is there.
  Result<std::size_t> read(std::span<char> buffer);
  /// All of them.
  Result<void> write(std::string_view bytes);
  /// Error crypto if no TLS came about; the stream is lost then.
  Result<void> start_tls(const TlsClient& client, const std::string& host);

  [[nodiscard]] bool encrypted() const { return tls_.has_value(); }
  /// Nobody between the two ends can read along.
  [[nodiscard]] bool confidential() const;
  /// Ends TLS in good order, if there is any.
  void shut_down();

 private:
  IoAttempt try_read(std::span<char> buffer);
  IoAttempt try_write(std::string_view bytes);
  Result<void> wait_after(const IoAttempt& attempt) const;

  UniqueFd fd_;
  Patience patience_;
  std::optional<TlsSession> tls_;  // after fd_: goes first
};

}  // namespace tlsrpt::sender
