// SPDX-License-Identifier: BSD-2-Clause
#include "sender/smtp_channel.hpp"

#include <array>

namespace tlsrpt::sender {

Result<SmtpReply> SmtpChannel::read_reply() {
  while (true) {
    auto parsed = parse_smtp_reply(unread_);
    if (!parsed) return tl::unexpected(parsed.error());
    if (*parsed) {
      unread_.erase(0, (*parsed)->bytes);
      return std::move((*parsed)->reply);
    }
    std::array<char, 2048> buffer;
    const auto bytes = stream_.read(buffer);
    if (!bytes) return tl::unexpected(bytes.error());
    unread_.append(buffer.data(), *bytes);
  }
}

Result<SmtpReply> SmtpChannel::command(std::string_view line) {
  if (auto sent = write(fmt::format("{}\r\n", line)); !sent) return tl::unexpected(sent.error());
  return read_reply();
}

Result<void> SmtpChannel::start_tls(const TlsClient& client, const std::string& host) {
  if (!unread_.empty()) {
    return fail(ErrorCode::crypto, "the server spoke in clear behind its answer to STARTTLS");
  }
  return stream_.start_tls(client, host);
}

}  // namespace tlsrpt::sender
