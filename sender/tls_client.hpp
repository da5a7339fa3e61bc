// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The client's side of TLS over a non-blocking socket, with OpenSSL.

#include <openssl/ssl.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/error.hpp"

namespace tlsrpt::sender {

/// What one attempt to read, write or shake hands came to.
struct IoAttempt {
  enum class State : std::uint8_t { done, wants_read, wants_write, closed, failed };
  State state = State::done;
  std::size_t bytes = 0;  ///< of done
  std::string detail{};   ///< of failed
};

struct OpenSslFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* session) const { SSL_free(session); }
  void operator()(BIO_METHOD* method) const { BIO_meth_free(method); }
};

/// One TLS session on a socket that it does not own. Threads: one at a time.
class TlsSession {
 public:
  explicit TlsSession(std::unique_ptr<SSL, OpenSslFree> session) : session_(std::move(session)) {}

  IoAttempt handshake();
  IoAttempt read(std::span<char> buffer);
  IoAttempt write(std::string_view bytes);
  /// Tells the other side, without waiting for its answer.
  void shut_down();

 private:
  IoAttempt judge(int result, std::size_t bytes);
  std::unique_ptr<SSL, OpenSslFree> session_;
};

/// What sessions have in common. Outlives them. Threads: one at a time.
class TlsClient {
 public:
  enum class Certificate : std::uint8_t {
    any,
    valid,  ///< by the system's trust store, and for the host
  };
  static Result<TlsClient> create(Certificate certificate);

  /// Sees each session before its handshake, for who wants to know more about it. Must not throw.
  void set_observer(std::function<void(SSL*)> observer) { observer_ = std::move(observer); }

  /// 'host' is a name or an address; sent to the server if it is a name.
  Result<TlsSession> begin(int fd, const std::string& host) const;

 private:
  TlsClient() = default;
  Certificate certificate_ = Certificate::any;
  std::unique_ptr<BIO_METHOD, OpenSslFree> socket_;
  std::unique_ptr<SSL_CTX, OpenSslFree> context_;
  std::function<void(SSL*)> observer_;
};

}  // namespace tlsrpt::sender
