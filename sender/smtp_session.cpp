// SPDX-License-Identifier: BSD-2-Clause
#include "sender/smtp_session.hpp"

#include <chrono>
#include <string>
#include <utility>

#include "common/base64.hpp"
#include "sender/connecting.hpp"

namespace tlsrpt::sender {

namespace {

constexpr int kAuthContinue = 334;

/// One conversation up to MAIL. Every step returns an error without the relay's name.
class Opener {
 public:
  Opener(const Relay& relay, const SmtpSettings& settings, const TlsClient* tls,
         SmtpChannel& channel)
      : relay_(relay), settings_(settings), tls_(tls), channel_(channel) {}

  Result<SmtpExtensions> open() {
    for (const auto step :
         {&Opener::greet, &Opener::hello, &Opener::secure, &Opener::authenticate}) {
      if (auto done = (this->*step)(); !done) return tl::unexpected(done.error());
    }
    return extensions_;
  }

 private:
  Result<void> greet() {
    const auto reply = channel_.read_reply();
    return expect_positive("greeting", reply);
  }

  Result<void> hello() {
    const bool lmtp = relay_.protocol == Relay::Protocol::lmtp;
    const std::string_view verb = lmtp ? "LHLO" : "EHLO";
    auto reply = channel_.command(fmt::format("{} {}", verb, settings_.ehlo_name));
    if (reply && reply->positive()) {
      extensions_ = parse_extensions(*reply);
      return {};
    }
    if (!reply || !reply->refused() || lmtp) return expect_positive(verb, reply);
    extensions_ = {};  // RFC 5321 section 3.2: a server of the old kind
    return expect_positive("HELO", channel_.command("HELO " + settings_.ehlo_name));
  }

  Result<void> secure() {
    if (tls_ == nullptr) return {};
    const bool needed = needs_tls(settings_, relay_);
    if (!extensions_.starttls) {
      if (!needed) return {};
      return fail(ErrorCode::unsupported, "the server does not offer STARTTLS; SMTPTLS wants it");
    }
    const auto reply = channel_.command("STARTTLS");
    if (!reply || (!reply->positive() && needed)) return expect_positive("STARTTLS", reply);
    if (!reply->positive()) return {};
    if (auto begun = shake_hands(needed); !begun) {
      return tl::unexpected(begun.error().context("TLS"));
    }
    auto greeted = hello();  // RFC 3207 section 4.2: nothing that was said before counts
    // TLS 1.3: a server that wants a certificate of ours says so only now.
    if (!greeted && greeted.error().code == ErrorCode::io) {
      return fail(ErrorCode::crypto, "TLS: {}", greeted.error().detail);
    }
    return greeted;
  }

  Result<void> shake_hands(bool needed) {
    const Patience patience = channel_.stream().patience();
    if (!needed) {  // one that hangs must leave time to do without
      const auto left = patience.deadline - std::chrono::steady_clock::now();
      channel_.stream().set_patience(
          patience.at_most(std::chrono::ceil<std::chrono::milliseconds>(left / 2)));
    }
    auto begun = channel_.start_tls(*tls_, relay_.host);
    channel_.stream().set_patience(patience);
    return begun;
  }

  Result<void> authenticate() {
    if (settings_.user.empty()) return {};
    if (!channel_.stream().confidential()) {
      return fail(ErrorCode::permission,
                  "the password of SMTPUser is sent over TLS or within this machine only, and "
                  "this connection has no TLS");
    }
    if (!extensions_.auth_plain && !extensions_.auth_login) {
      return fail(ErrorCode::unsupported,
                  "SMTPUser is set, but the server offers neither AUTH PLAIN nor AUTH LOGIN");
    }
    const auto reply = extensions_.auth_plain ? auth_plain() : auth_login();
    auto done = expect_positive("AUTH", reply);
    if (done || !reply || !reply->refused()) return done;
    return fail(ErrorCode::permission, "{}", done.error().detail);
  }

  Result<SmtpReply> auth_plain() {
    using namespace std::string_literals;
    return channel_.command("AUTH PLAIN " +
                            base64_encode("\0"s + settings_.user + "\0"s + settings_.password));
  }

  Result<SmtpReply> auth_login() {
    auto reply = channel_.command("AUTH LOGIN");
    for (const std::string* word : {&settings_.user, &settings_.password}) {
      if (!reply || reply->code != kAuthContinue) return reply;
      reply = channel_.command(base64_encode(*word));
    }
    return reply;
  }

  static Result<void> expect_positive(std::string_view step, const Result<SmtpReply>& reply) {
    if (!reply) return tl::unexpected(reply.error().context(step));
    if (reply->positive()) return {};
    return fail(ErrorCode::temporary, "{}: {}", step, last_line(*reply));
  }

  const Relay& relay_;
  const SmtpSettings& settings_;
  const TlsClient* tls_;
  SmtpChannel& channel_;
  SmtpExtensions extensions_;
};

}  // namespace

bool needs_tls(const SmtpSettings& settings, const Relay& relay) {
  return settings.tls != RelayTls::may && relay.path.empty();
}

Result<SmtpSession> open_smtp_session(const Relay& relay, const SmtpSettings& settings,
                                      const TlsClient* tls, const Patience& patience) {
  auto fd = connect_to(relay, patience);
  if (!fd) return tl::unexpected(fd.error().context(to_string(relay)));
  SmtpChannel channel(SocketStream(std::move(*fd), patience));
  auto extensions = Opener(relay, settings, tls, channel).open();
  if (!extensions) return tl::unexpected(extensions.error().context(to_string(relay)));
  return SmtpSession{std::move(channel), *extensions};
}

}  // namespace tlsrpt::sender
