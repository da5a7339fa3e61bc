// SPDX-License-Identifier: BSD-2-Clause
#include "sender/starttls_probe.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <utility>

#include "common/clock.hpp"
#include "sender/connecting.hpp"
#include "sender/outcome_text.hpp"
#include "sender/reason_code.hpp"
#include "sender/smtp_channel.hpp"
#include "sender/smtp_extensions.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kMaxEhloLines = 64;
constexpr std::chrono::seconds kFarewell{2};

std::string own_address(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return {};
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* address = &reinterpret_cast<const sockaddr_in&>(storage).sin_addr;
  if (storage.ss_family == AF_INET6) {
    address = &reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr;
  }
  if (::inet_ntop(storage.ss_family, address, text.data(), text.size()) == nullptr) return {};
  return canonical_address(text.data());
}

/// What the handshake shows beyond its success.
struct Handshake {
  SSL* session = nullptr;
  std::optional<int> alert;  ///< a fatal one, from the server
};

int handshake_slot() {
  static const int slot = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return slot;
}

void note_alert(const SSL* session, int where, int value) {
  constexpr int kFatal = 2;
  if ((where & SSL_CB_READ_ALERT) != SSL_CB_READ_ALERT || value >> 8 != kFatal) return;
  static_cast<Handshake*>(SSL_get_ex_data(session, handshake_slot()))->alert = value & 0xff;
}

void watch(SSL* session, Handshake& handshake) {
  handshake.session = session;
  SSL_set_ex_data(session, handshake_slot(), &handshake);
  SSL_set_info_callback(session, &note_alert);
  SSL_set_security_level(session, 1);  // weak keys are not what is looked for
}

std::string handshake_reason(const Handshake& handshake, std::string_view detail) {
  if (handshake.alert) return reason::remote_alert(*handshake.alert);
  if (detail == "timeout") return std::string(reason::kHandshakeTimeout);
  for (const std::string_view end :
       {"the server closed the connection", "unexpected eof", "Connection reset"}) {
    if (detail.starts_with(end)) return std::string(reason::kConnectionClosed);
  }
  for (const std::string_view version : {"unsupported protocol", "no protocols available"}) {
    if (detail == version) return std::string(reason::kProtocolVersion);
  }
  return std::string(reason::kHandshakeFailure);
}

class Probe {
 public:
  Probe(const ProbeTarget& target, const ProbeSettings& settings, const Patience& patience)
      : target_(target), settings_(settings), patience_(patience) {
    ObservedSession& session = result_.session;
    session.begun_at = SystemClock().now();
    session.domain = target.domain;
    session.mx_host = target.mx_host;
    session.receiving_ip = canonical_address(target.address);
  }

  ProbeResult run() {
    auto fd = connect_to({Relay::Protocol::smtp, target_.address, target_.port, {}}, patience_);
    if (!fd) {
      result_.trouble = fd.error().detail;
      return std::move(result_);
    }
    result_.session.sending_ip = own_address(fd->get());
    SmtpChannel channel(SocketStream(std::move(*fd), patience_));
    if (greet(channel) && hello(channel)) begin_tls(channel);
    return std::move(result_);
  }

 private:
  bool stop(std::string_view step, std::string_view detail) {
    result_.trouble = fmt::format("{}: {}", step, detail);
    return false;
  }

  bool greet(SmtpChannel& channel) {
    const auto reply = channel.read_reply();
    if (!reply) return stop("greeting", reply.error().detail);
    return reply->positive() || stop("greeting", last_line(*reply));
  }

  bool hello(SmtpChannel& channel) {
    auto reply = channel.command("EHLO " + settings_.ehlo_name);
    if (reply && reply->refused()) {  // a server of the old kind, which has no STARTTLS either
      reply = channel.command("HELO " + settings_.ehlo_name);
    }
    if (!reply) return stop("EHLO", reply.error().detail);
    if (!reply->positive()) return stop("EHLO", last_line(*reply));
    keep_hello(*reply);
    if (parse_extensions(*reply).starttls) return true;
    result_.session.starttls = StarttlsState::not_offered;
    leave(channel);
    return false;
  }

  void keep_hello(const SmtpReply& reply) {
    result_.session.receiving_helo = announced_name(reply.text);
    std::string_view rest = reply.text;
    while (!rest.empty() && result_.ehlo_lines.size() < kMaxEhloLines) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      result_.ehlo_lines.emplace_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }

  void begin_tls(SmtpChannel& channel) {
    ObservedSession& session = result_.session;
    const auto reply = channel.command("STARTTLS");
    if (!reply) {
      session.starttls = StarttlsState::failed;
      session.reason_code = handshake_reason({}, reply.error().detail);
      stop("STARTTLS", reply.error().detail);
      return;
    }
    if (reply->code != 220) {
      session.starttls = StarttlsState::refused;
      session.reason_code = reason::starttls_reply(reply->code);
      stop("STARTTLS", last_line(*reply));
      leave(channel);
      return;
    }
    shake_hands(channel);
  }

  void shake_hands(SmtpChannel& channel) {
    ObservedSession& session = result_.session;
    auto client = TlsClient::create(TlsClient::Certificate::any);
    if (!client) {  // a fault of this machine says nothing about the server
      stop("TLS", client.error().detail);
      return;
    }
    client_.emplace(std::move(*client));
    client_->set_observer([this](SSL* tls) { watch(tls, handshake_); });
    const bool dane = !target_.dane.base_domain.empty();
    const auto begun =
        channel.start_tls(*client_, dane ? target_.dane.base_domain : target_.mx_host);
    if (!begun) {
      session.starttls = StarttlsState::failed;
      session.reason_code = handshake_reason(handshake_, begun.error().detail);
      stop("TLS handshake", begun.error().detail);
      return;
    }
    session.starttls = StarttlsState::established;
    look_at(handshake_.session);
    if (channel.command("EHLO " + settings_.ehlo_name)) leave(channel);
  }

  void look_at(SSL* session) {
    result_.tls_version = SSL_get_version(session);
    result_.cipher = SSL_CIPHER_get_name(SSL_get_current_cipher(session));
    CertificateDemands demands{target_.mx_host, &target_.dane, {}};
    if (target_.mx_secure) demands.dane_names.push_back(target_.domain);
    CertificateVerdict verdict =
        check_certificate(SSL_get_peer_cert_chain(session), settings_.trust, demands);
    result_.session.pkix = std::move(verdict.pkix);
    result_.session.dane = std::move(verdict.dane);
    result_.certificate = std::move(verdict.view);
  }

  void leave(SmtpChannel& channel) {
    channel.stream().set_patience(patience_.at_most(kFarewell));
    if (channel.command("QUIT")) channel.stream().shut_down();
  }

  const ProbeTarget& target_;
  const ProbeSettings& settings_;
  Patience patience_;
  ProbeResult result_;
  // The channel's session points to both until it is gone.
  std::optional<TlsClient> client_;
  Handshake handshake_;
};

}  // namespace

ProbeResult probe_starttls(const ProbeTarget& target, const ProbeSettings& settings,
                           const Patience& patience) {
  return Probe(target, settings, patience).run();
}

}  // namespace tlsrpt::sender
