// SPDX-License-Identifier: BSD-2-Clause
#include "sender/smtp_opener.hpp"

#include <utility>

namespace tlsrpt::sender {

Result<SmtpConnection> SmtpOpener::open(const Relay& relay, Deadline deadline) {
  const Patience patience{deadline, stop_.fd()};
  const auto tls = tls_for(relay);
  if (!tls) return tl::unexpected(tls.error());
  auto session = open_smtp_session(relay, settings_, *tls, patience);
  if (session) return SmtpConnection(std::move(*session), relay);
  const Error first = std::move(session.error());
  if (first.code != ErrorCode::crypto || needs_tls(settings_, relay) || stopped(patience)) {
    return tl::unexpected(first);
  }
  session = open_smtp_session(relay, settings_, nullptr, patience);  // R138
  if (session) return SmtpConnection(std::move(*session), relay);
  // Without TLS there may be no password: why there was none is what has to be repaired.
  return fail(session.error().code, "{}; before that {}", session.error().detail, first.detail);
}

Result<const TlsClient*> SmtpOpener::tls_for(const Relay& relay) {
  if (!relay.path.empty()) return nullptr;
  if (!tls_) {
    auto client =
        TlsClient::create(settings_.tls == RelayTls::verify ? TlsClient::Certificate::valid
                                                            : TlsClient::Certificate::any);
    if (!client) return tl::unexpected(client.error());
    tls_ = std::move(*client);
  }
  return &*tls_;
}

}  // namespace tlsrpt::sender
