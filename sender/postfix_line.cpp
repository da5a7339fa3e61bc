// SPDX-License-Identifier: BSD-2-Clause
#include "sender/postfix_line.hpp"

#include "sender/reason_code.hpp"

namespace tlsrpt::sender {

namespace {

using Event = PostfixLine::Event;
using Trust = PostfixLine::Trust;

constexpr bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

PostfixLine unreadable() {
  PostfixLine line;
  line.event = Event::unreadable;
  return line;
}

/// "H[A]:P: rest": the peer goes into the line, the rest into its text.
PostfixLine with_peer(Event event, std::string_view text) {
  PostfixLine line;
  std::string_view rest;
  const auto peer = take_peer(text, &rest);
  line.event = peer ? event : Event::unreadable;
  if (!peer) return line;
  line.peer = *peer;
  take(rest, ": ");
  line.text = rest;
  return line;
}

std::optional<PostfixLine> read_connection(std::string_view text) {
  Trust trust;
  if (take(text, "Verified TLS connection ")) {
    trust = Trust::verified;
  } else if (take(text, "Trusted TLS connection ")) {
    trust = Trust::trusted;
  } else if (take(text, "Untrusted TLS connection ")) {
    trust = Trust::untrusted;
  } else if (take(text, "Anonymous TLS connection ")) {
    trust = Trust::anonymous;
  } else {
    return std::nullopt;
  }
  PostfixLine line;
  if (take(text, "established to ")) {
    line = with_peer(Event::established, text);
  } else if (take(text, "reused to ")) {
    line = with_peer(Event::reused, text);
  } else {
    return std::nullopt;  // "established from": that of a server
  }
  line.trust = trust;
  return line;
}

PostfixLine read_announcement(std::string_view text) {
  PostfixLine line;
  line.success = text.starts_with("status=success");
  if (!take_until(text, "domain=")) return unreadable();
  const auto domain = take_until(text, ", receiving_mx=");
  const auto peer = take_peer(text, &text);
  if (!domain || !peer) return unreadable();
  line.event = Event::announced;
  line.domain = *domain;
  line.peer = *peer;
  if (take_until(text, "failure_type=")) {
    line.type = text.substr(0, text.find(','));
    if (take_until(text, "failure_reason=")) line.text = text;
  }
  return line;
}

PostfixLine read_warning(std::string_view text) {
  PostfixLine line;
  if (take(text, "TLS library problem: ")) {
    line.event = Event::library_problem;
    line.text = text;
  } else if (take(text, "MX name '")) {
    const auto host = take_until(text, "' does not match STS MX pattern for '");
    const auto domain = take_until(text, "'");
    line.event = host && domain ? Event::mx_skipped : Event::unreadable;
    if (host && domain) {
      line.peer.host = *host;
      line.domain = *domain;
    }
  }
  return line;
}

/// From "to=<" on.
PostfixLine read_delivery(std::string_view text) {
  PostfixLine line = unreadable();
  const std::size_t end = address_end(text, ">, ");
  if (end == std::string_view::npos) return line;
  line.recipient = text.substr(0, end);
  text.remove_prefix(end + 3);
  if (take(text, "orig_to=<")) {
    const std::size_t original = address_end(text, ">, ");
    if (original == std::string_view::npos) return line;
    text.remove_prefix(original + 3);
  }
  while (!text.empty()) {
    if (take(text, "status=")) {
      const auto status = take_until(text, " (");
      if (!status) return line;
      line.status = *status;
      if (text.ends_with(')')) text.remove_suffix(1);
      line.text = text;
      line.event = Event::delivery;
      return line;
    }
    if (text.starts_with("relay=")) {
      if (const auto peer = take_peer(text.substr(6))) line.peer = *peer;
    } else if (text.starts_with("conn_use=")) {
      line.on_old_connection = true;
    }
    if (!take_until(text, ", ")) break;
  }
  return line;
}

/// "QID: …", with short and long queue ids.
std::optional<PostfixLine> read_queued(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && end < 24 && is_alphanumeric(text[end])) ++end;
  if (end < 5 || !text.substr(end).starts_with(": ")) return std::nullopt;
  const std::string_view queue_id = text.substr(0, end);
  if (queue_id == "fatal" || queue_id == "panic" || queue_id == "error") return std::nullopt;
  text.remove_prefix(end + 2);
  PostfixLine line;
  if (take(text, "to=<")) {
    line = read_delivery(text);
  } else {
    line.event = Event::host_failed;
    line.text = text;
    // Told about a host that is being talked to.
    if (text.starts_with("enabling PIX workarounds")) line.event = Event::other;
  }
  line.queue_id = queue_id;
  return line;
}

}  // namespace

PostfixLine read_postfix_line(std::string_view text) {
  if (take(text, "warning: ")) return read_warning(text);
  if (const auto line = read_connection(text)) return *line;
  if (take(text, "certificate verification failed for ") ||
      take(text, "server certificate verification failed for ") ||
      take(text, "CA certificate verification failed for ")) {
    return with_peer(Event::certificate, text);
  }
  if (take(text, "SSL_connect error to ")) return with_peer(Event::handshake_failed, text);
  if (take(text, "TLSRPT: ")) return read_announcement(text);
  if (take(text, "TLS handshake failed for service=")) {
    if (!take_until(text, "peer=[")) return unreadable();
    const auto address = take_until(text, "]:");
    if (!address) return unreadable();
    PostfixLine line;
    line.event = Event::proxy_handshake_failed;
    line.peer.address = *address;
    line.peer.port = text;
    return line;
  }
  return read_queued(text).value_or(PostfixLine{});
}

std::optional<StarttlsRefusal> read_starttls_refusal(std::string_view text) {
  if (text.starts_with("Cannot start TLS: handshake failure")) {
    return StarttlsRefusal{StarttlsState::failed, std::string(reason::kHandshakeFailure)};
  }
  if (text.starts_with("TLS is required, but was not offered by host ") ||
      text.starts_with("Sender requested REQUIRETLS, but TLS service was not offered by host ")) {
    return StarttlsRefusal{StarttlsState::not_offered, {}};
  }
  if (take(text, "TLS is required, but host ") ||
      take(text, "Sender requested REQUIRETLS, but host ")) {
    if (!take_until(text, "] refused to start TLS: ")) return std::nullopt;
    const int code = reply_code(text);
    return StarttlsRefusal{StarttlsState::refused,
                           code == 0 ? std::string{} : reason::starttls_reply(code)};
  }
  return std::nullopt;
}

bool went_beyond_ehlo(std::string_view status, std::string_view text) {
  if (status == "sent") return true;
  if (text.starts_with("host ")) {
    const std::size_t at = text.rfind("(in reply to ");
    if (at == std::string_view::npos) return false;
    const std::string_view command = text.substr(at + 13);
    return command.starts_with("MAIL FROM ") || command.starts_with("RCPT TO ") ||
           command.starts_with("DATA ") || command.starts_with("end of DATA ");
  }
  if (!text.starts_with("lost connection with ") && !text.starts_with("conversation with ")) {
    return false;
  }
  const std::size_t at = text.rfind(" while sending ");
  if (at == std::string_view::npos) return false;
  const std::string_view what = text.substr(at + 15);
  return what.starts_with("MAIL FROM") || what.starts_with("RCPT TO") ||
         what.starts_with("DATA command") || what.starts_with("message body") ||
         what.starts_with("end of data");
}

std::optional<LogPeer> peer_in_reason(std::string_view text) {
  for (const std::string_view start :
       {"host ", "lost connection with ", "conversation with ", "TLS is required, but host ",
        "TLS is required, but was not offered by host ", "Sender requested REQUIRETLS, but host ",
        "Sender requested REQUIRETLS, but TLS service was not offered by host "}) {
    std::string_view rest = text;
    if (take(rest, start)) return take_peer(rest);
  }
  return std::nullopt;
}

}  // namespace tlsrpt::sender
