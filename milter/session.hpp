// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// One SMTP session as the milter sees it: which events matter, and what each is answered. Knows
// nothing of libmilter, so that a test can drive it.

#include <string>
#include <string_view>

#include "common/config.hpp"
#include "common/log.hpp"
#include "milter/intake.hpp"
#include "milter/peer_list.hpp"
#include "milter/report_address.hpp"
#include "milter/spool.hpp"

namespace tlsrpt::milter {

/// What the MTA is told after an event.
enum class Reply {
  proceed,   ///< go on
  skip,      ///< go on, but without more of the body
  accept,    ///< no more events of this message (of this session, at connect)
  discard,   ///< take the message and forget it
  reject,    ///< 5xx
  tempfail,  ///< 4xx
};

struct Answer {
  Reply reply = Reply::proceed;
  std::string code;      ///< of reject and tempfail: "451"
  std::string enhanced;  ///< "4.3.0"
  std::string text;      ///< ASCII, never a stranger's words
  bool operator==(const Answer&) const = default;
};

/// Where whole mails go. Threads: many sessions call it at once.
class MailTaker {
 public:
  virtual ~MailTaker() = default;
  /// When it returns 'stored' or 'refused', the mail is on disk.
  virtual IntakeResult take(std::string_view message, const std::string& queue_id) = 0;
  /// The same for a mail whose beginning alone was kept.
  virtual IntakeResult take_cut(std::string_view beginning, std::size_t limit,
                                const std::string& queue_id) = 0;
};

struct SessionSettings {
  ReportAddresses report_addresses;
  PeerList peer_list;
  std::size_t max_message_bytes = 32u << 20;
  Reply on_report = Reply::accept;
  Reply on_default = Reply::accept;
  Reply on_bad_report = Reply::accept;
  Reply on_dns_error = Reply::tempfail;
  Reply on_internal_error = Reply::tempfail;
  bool log_why = false;
};

/// accept, discard, reject or tempfail, from a word of the configuration.
Reply to_reply(std::string_view word);
std::string_view to_word(Reply reply);

/// Events must come as SMTP orders them, but none of them is relied on: mail() starts a message,
/// whatever came before. Threads: one at a time.
class Session {
 public:
  /// All references must live longer than the session.
  Session(const SessionSettings& settings, MailTaker& taker, SpoolBudget& budget, Log& log);

  /// accept for clients on the PeerList, else proceed.
  Answer connect(std::string_view host, std::string_view address);
  void mail();
  void recipient(std::string_view path);
  /// accept if no recipient is a report address: neither header nor body is wanted then.
  Answer data(std::string_view queue_id);
  /// value: as received, with the blank behind the colon; folded lines end in LF or CRLF.
  void header(std::string_view name, std::string_view value);
  void end_of_headers();
  /// skip once no more bytes are wanted.
  Answer body(std::string_view chunk);
  Answer end_of_message(std::string_view queue_id);
  /// Forgets the message; may be called at any time, and more than once.
  void abort();

  /// An event could not be taken in (no memory): On-InternalError will answer the message, unless
  /// it is certain that no report address is among its recipients.
  void fail() { failed_ = true; }

  /// What On-InternalError says, for those who cannot call the session any more.
  static Answer internal_error(const SessionSettings& settings);

 private:
  IntakeResult take();
  Answer decide(const IntakeResult& result);
  Answer answer(Reply configured, std::string_view enhanced, std::string text);
  void reset();

  const SessionSettings& settings_;
  MailTaker& taker_;
  Log& log_;
  SpooledMessage message_;
  std::string queue_id_;
  bool for_us_ = false;      ///< at least one recipient is a report address
  bool for_others_ = false;  ///< at least one is not
  bool failed_ = false;
};

}  // namespace tlsrpt::milter
