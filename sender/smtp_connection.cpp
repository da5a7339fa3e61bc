// SPDX-License-Identifier: BSD-2-Clause
#include "sender/smtp_connection.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "sender/dot_stuffing.hpp"

namespace tlsrpt::sender {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kPiece = 64u << 10;
constexpr std::chrono::milliseconds kQuitTime = 300ms;
constexpr std::chrono::milliseconds kLastWordTime = 800ms;
constexpr int kGoOn = 354;
constexpr int kServiceEnds = 421;
constexpr int kServiceEndsForGood = 521;      // RFC 7504; Postfix says it to what it does not want
constexpr int kAuthenticationRequired = 530;  // RFC 4954; also "issue STARTTLS first", RFC 3207
constexpr int kTooLarge = 552;                // RFC 1870

/// About the server or about us: the next mail would fare no better.
HandOverResult server_trouble(std::string detail) {
  return {.verdict = HandOver::temporary, .detail = std::move(detail), .server_trouble = true};
}

HandOverResult refused_mail(const SmtpReply& reply) {
  // By its size: that is about this report, and no server of ours may stop because of it.
  if (reply.code == kTooLarge) return {HandOver::permanent, last_line(reply)};
  return server_trouble(last_line(reply));
}

HandOverResult refused_rcpt(const SmtpReply& reply) {
  // 5.7: "relay access denied" and the like: the server does not want us as a client.
  if (reply.code == kServiceEnds || reply.code == kAuthenticationRequired ||
      reply.text.starts_with("5.7.")) {
    return server_trouble(last_line(reply));
  }
  if (!reply.refused()) return {HandOver::temporary, last_line(reply)};
  return {.verdict = HandOver::permanent, .detail = last_line(reply), .destination_refused = true};
}

HandOverResult refused_data(const SmtpReply& reply) {
  if (reply.code == kServiceEnds) return server_trouble(last_line(reply));
  return {HandOver::temporary, last_line(reply)};
}

}  // namespace

HandOverResult SmtpConnection::hand_over(const Envelope& envelope, std::string_view message,
                                         const Patience& patience) {
  session_.channel.stream().set_patience(patience);
  if (!session_.channel.quiet()) {
    return lost({ErrorCode::io, "the server ended the connection, or spoke unasked"});
  }
  if (auto forgotten = forget_refused(); !forgotten) return lost(forgotten.error());
  const SmtpExtensions& extensions = session_.extensions;
  // Not with LMTP: how many replies it owes after a refusal depends on the server (RFC 2033 4.3).
  return extensions.pipelining && extensions.chunking && !lmtp_ && message.size() <= kPiece
             ? hand_over_at_once(envelope, message)
             : hand_over_in_steps(envelope, message);
}

Result<void> SmtpConnection::forget_refused() {
  if (!needs_reset_) return {};
  const auto reset = session_.channel.command("RSET");
  if (!reset) return tl::unexpected(reset.error());
  if (!reset->positive()) return fail(ErrorCode::io, "RSET: {}", last_line(*reset));
  needs_reset_ = false;
  return {};
}

std::string SmtpConnection::mail_command(const Envelope& envelope, std::size_t size) const {
  const std::string parameter =
      session_.extensions.size ? fmt::format(" SIZE={}", size) : std::string();
  return fmt::format("MAIL FROM:<{}>{}", envelope.sender, parameter);
}

/// Envelope and data in one write: RFC 3030 section 4.2. What a server makes of the rest after it
/// has refused a part is not defined, so the connection ends then: nothing of this mail can mix
/// with the next one.
HandOverResult SmtpConnection::hand_over_at_once(const Envelope& envelope,
                                                 std::string_view message) {
  buffer_ = fmt::format("{}\r\nRCPT TO:<{}>\r\nBDAT {} LAST\r\n",
                        mail_command(envelope, message.size()), envelope.recipient, message.size());
  buffer_ += message;
  if (auto sent = session_.channel.write(buffer_); !sent) return unknown_outcome(sent.error());
  Replies replies;
  std::optional<Error> broken;
  for (SmtpReply* into : {&replies.mail, &replies.rcpt, &replies.data}) {
    auto reply = read_outcome();
    if (!reply) {
      broken = reply.error();
      break;
    }
    *into = std::move(*reply);
    if (!into->positive()) usable_ = false;
    if (into->code == kServiceEnds) break;
  }
  if (auto refusal = find_refusal(replies.mail, replies.rcpt)) {
    if (replies.data.code == 0 || !replies.data.positive()) return std::move(*refusal);
    // Taken all the same: no other server must get it now.
    return {HandOver::temporary, refusal->detail};
  }
  return broken ? unknown_outcome(*broken) : conclude(replies.data);
}

HandOverResult SmtpConnection::hand_over_in_steps(const Envelope& envelope,
                                                  std::string_view message) {
  Replies replies;
  const auto asked = send_envelope(envelope, message.size(), replies);
  if (!asked) usable_ = false;
  if (auto refusal = find_refusal(replies)) {
    abandon(replies);
    return std::move(*refusal);
  }
  if (!asked) return lost(asked.error());
  if (auto sent = send_data(message); !sent) return lost(sent.error());
  const auto outcome = read_outcome();
  return outcome ? conclude(*outcome) : unknown_outcome(outcome.error());
}

/// Whether the server has taken it or not is unknown: no other one must get it now.
HandOverResult SmtpConnection::unknown_outcome(const Error& error) {
  usable_ = false;
  return {HandOver::temporary, error.context(relay_name_ + ": after the data").detail};
}

Result<void> SmtpConnection::send_envelope(const Envelope& envelope, std::size_t size,
                                           Replies& replies) {
  const std::string mail = mail_command(envelope, size);
  const std::string rcpt = fmt::format("RCPT TO:<{}>", envelope.recipient);
  return session_.extensions.pipelining ? converse_pipelined(mail, rcpt, replies)
                                        : converse(mail, rcpt, replies);
}

Result<void> SmtpConnection::converse(std::string_view mail, std::string_view rcpt,
                                      Replies& replies) {
  const std::array<std::pair<std::string_view, SmtpReply*>, 3> steps{
      {{mail, &replies.mail}, {rcpt, &replies.rcpt}, {"DATA", &replies.data}}};
  for (const auto& [line, into] : steps) {
    auto reply = session_.channel.command(line);
    if (!reply) return tl::unexpected(reply.error());
    *into = std::move(*reply);
    if (!into->positive()) break;
  }
  return {};
}

Result<void> SmtpConnection::converse_pipelined(std::string_view mail, std::string_view rcpt,
                                                Replies& replies) {
  buffer_.clear();
  for (const std::string_view line : {mail, rcpt, std::string_view("DATA")}) {
    buffer_.append(line).append("\r\n");
  }
  if (auto sent = session_.channel.write(buffer_); !sent) return sent;
  for (SmtpReply* into : {&replies.mail, &replies.rcpt, &replies.data}) {
    auto reply = session_.channel.read_reply();
    if (!reply) return tl::unexpected(reply.error());
    *into = std::move(*reply);
  }
  return {};
}

/// The first reply that is not what lets the mail go on.
std::optional<HandOverResult> SmtpConnection::find_refusal(const SmtpReply& mail,
                                                           const SmtpReply& rcpt) {
  if (mail.code != 0 && !mail.positive()) return refused_mail(mail);
  if (rcpt.code != 0 && !rcpt.positive()) return refused_rcpt(rcpt);
  return std::nullopt;
}

std::optional<HandOverResult> SmtpConnection::find_refusal(const Replies& replies) {
  for (const SmtpReply* reply : {&replies.mail, &replies.rcpt, &replies.data}) note_end(*reply);
  if (auto refusal = find_refusal(replies.mail, replies.rcpt)) return refusal;
  if (replies.data.code != 0 && replies.data.code != kGoOn) return refused_data(replies.data);
  return std::nullopt;
}

/// After a refusal: leaves the connection fit for the next mail.
void SmtpConnection::abandon(const Replies& replies) {
  needs_reset_ = true;
  if (!usable_ || replies.data.code != kGoOn) return;
  // RFC 2920 section 3.1: a server that wants data without a recipient gets none. An LMTP server
  // would owe no reply to it; where that is unclear, a new connection is clearer.
  if (lmtp_ || !session_.channel.command(".")) usable_ = false;
}

Result<void> SmtpConnection::send_data(std::string_view message) {
  std::size_t begin = 0;
  do {
    const std::size_t end = std::min(begin + kPiece, message.size());
    buffer_.clear();
    append_stuffed(buffer_, message, begin, end);
    if (end == message.size()) buffer_ += end_of_data(message);
    if (auto sent = session_.channel.write(buffer_); !sent) return sent;
    begin = end;
  } while (begin < message.size());
  return {};
}

/// LMTP gives one reply for each recipient, and there is one.
Result<SmtpReply> SmtpConnection::read_outcome() {
  auto reply = session_.channel.read_reply();
  SocketStream& stream = session_.channel.stream();
  if (reply || !stopped(stream.patience())) return reply;
  // The mail is on its way: an answer that comes at once saves sending it twice.
  stream.set_patience(Patience{stream.patience().deadline}.at_most(kLastWordTime));
  return session_.channel.read_reply();
}

HandOverResult SmtpConnection::conclude(const SmtpReply& outcome) {
  note_end(outcome);
  if (outcome.code / 100 == 3) usable_ = false;  // it waits for something that will not come
  HandOverResult result{HandOver::temporary, last_line(outcome)};
  if (outcome.positive()) result.verdict = HandOver::accepted;
  if (outcome.refused()) result.verdict = HandOver::permanent;
  return result;
}

HandOverResult SmtpConnection::lost(const Error& error) {
  usable_ = false;
  return server_trouble(error.context(relay_name_).detail);
}

void SmtpConnection::note_end(const SmtpReply& reply) {
  if (reply.code == kServiceEnds || reply.code == kServiceEndsForGood) usable_ = false;
}

void SmtpConnection::quit(int stop_fd) {
  SocketStream& stream = session_.channel.stream();
  stream.set_patience(Patience{std::chrono::steady_clock::now() + kQuitTime, stop_fd});
  // Its answer is a matter of politeness.
  if (usable_ && session_.channel.command("QUIT")) stream.shut_down();
  usable_ = false;
}

}  // namespace tlsrpt::sender
