// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The HTTP listener: libmicrohttpd behind a seam. Nothing outside of http_server.cpp knows it.

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "common/error.hpp"
#include "common/unique_fd.hpp"
#include "milter/http.hpp"
#include "milter/peer_list.hpp"

namespace tlsrpt::milter {

/// PEM: the certificate with its chain, and its key.
struct HttpCertificate {
  std::string certificate;
  std::string key;
};

/// Can TLS be served with these two?
Result<void> check_certificate(const HttpCertificate& certificate);

struct HttpServerSettings {
  std::optional<HttpCertificate> certificate;  ///< none: plain HTTP, for a proxy or tests
  unsigned max_connections = 64;
  std::size_t max_per_source = 10;  ///< connections; 0: no bound
  PeerList unbounded;               ///< those whom max_per_source does not concern: proxies
  std::chrono::seconds timeout{60};
};

/// A thread for each connection. A request is answered in its connection's thread; how long its
/// bytes may take is bounded as a whole, so that a slow sender costs one thread for that time.
class HttpServer {
 public:
  enum class Drained { yes, no };

  /// listener: bound and listening. handler and budget must live longer than the server. Signals
  /// should be blocked: the server's threads inherit the mask.
  static Result<std::unique_ptr<HttpServer>> start(UniqueFd listener, HttpServerSettings settings,
                                                   HttpHandler& handler, SpoolBudget& budget);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Connections from now on get the new certificate; older ones end as they began.
  Result<void> renew(HttpCertificate certificate);

  /// Takes no more connections, answers the requests that have begun, for at most that long, and
  /// ends. Senders have a few seconds for the rest of their bytes. 'no': a request is still being
  /// answered, so its thread, and all that it uses, must stay until the process is gone.
  Drained stop(std::chrono::seconds patience);

  /// Connections that were closed because their time was over, since the last call.
  std::uint64_t take_expired();
  /// Connections that were closed at once, because their source had as many as it may have, since
  /// the last call.
  std::uint64_t take_turned_away();

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The version of the library.
std::string http_library_version();

}  // namespace tlsrpt::milter
