// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Commands to a mail server, and its replies in their order.

#include <string>
#include <string_view>
#include <utility>

#include "common/error.hpp"
#include "sender/smtp_reply.hpp"
#include "sender/socket_stream.hpp"

namespace tlsrpt::sender {

/// Threads: one at a time. After an error the conversation is over.
class SmtpChannel {
 public:
  explicit SmtpChannel(SocketStream stream) : stream_(std::move(stream)) {}

  SocketStream& stream() { return stream_; }

  /// Nothing came that was not asked for, and the other end has not closed.
  bool quiet() { return unread_.empty() && stream_.idle(); }
  Result<void> write(std::string_view bytes) { return stream_.write(bytes); }
  Result<SmtpReply> read_reply();
  /// 'line' without its CRLF; the reply to it.
  Result<SmtpReply> command(std::string_view line);
  /// Error crypto if no TLS came about, or if the server said more than one reply to STARTTLS: what
  /// was said in clear must not pass for said under TLS (RFC 3207 section 6, CVE-2011-0411).
  Result<void> start_tls(const TlsClient& client, const std::string& host);

 private:
  SocketStream stream_;
  std::string unread_;  ///< from the server, behind the last reply
};

}  // namespace tlsrpt::sender
