// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Mails over one open connection to a mail server, one after the other (RFC 5321, RFC 2033).

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sender/mail_transport.hpp"
#include "sender/patience.hpp"
#include "sender/smtp_session.hpp"

namespace tlsrpt::sender {

/// Threads: one at a time.
class SmtpConnection {
 public:
  SmtpConnection(SmtpSession session, const Relay& relay)
      : session_(std::move(session)),
        relay_name_(to_string(relay)),
        lmtp_(relay.protocol == Relay::Protocol::lmtp) {}

  /// One round trip with PIPELINING and CHUNKING if the mail is not large, two with PIPELINING
  /// alone, else four. A refusal of MAIL is about us and not about the destination: temporary, with
  /// server_trouble. Wherever that is set the mail was not taken, so that it may be handed over
  /// elsewhere without a second copy of it.
  HandOverResult hand_over(const Envelope& envelope, std::string_view message,
                           const Patience& patience);

  /// Another mail can go over it.
  [[nodiscard]] bool usable() const { return usable_; }

  /// Waits a moment at most.
  void quit(int stop_fd);

 private:
  /// What was answered so far; code 0: nothing.
  struct Replies {
    SmtpReply mail;
    SmtpReply rcpt;
    SmtpReply data;
  };

  Result<void> forget_refused();
  HandOverResult hand_over_at_once(const Envelope& envelope, std::string_view message);
  HandOverResult hand_over_in_steps(const Envelope& envelope, std::string_view message);
  [[nodiscard]] std::string mail_command(const Envelope& envelope, std::size_t size) const;
  Result<void> send_envelope(const Envelope& envelope, std::size_t size, Replies& replies);
  Result<void> converse(std::string_view mail, std::string_view rcpt, Replies& replies);
  Result<void> converse_pipelined(std::string_view mail, std::string_view rcpt, Replies& replies);
  static std::optional<HandOverResult> find_refusal(const SmtpReply& mail, const SmtpReply& rcpt);
  std::optional<HandOverResult> find_refusal(const Replies& replies);
  HandOverResult unknown_outcome(const Error& error);
  void abandon(const Replies& replies);
  Result<void> send_data(std::string_view message);
  Result<SmtpReply> read_outcome();
  HandOverResult conclude(const SmtpReply& outcome);
  HandOverResult lost(const Error& error);
  void note_end(const SmtpReply& reply);

  SmtpSession session_;
  std::string relay_name_;
  bool lmtp_;
  bool usable_ = true;
  bool needs_reset_ = false;  ///< a refused mail's MAIL may still count
  std::string buffer_;        ///< for what is written; kept for its capacity
};

}  // namespace tlsrpt::sender
