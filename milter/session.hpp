// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// One SMTP session as the milter sees it: which events matter, and what each is answered. Knows
// nothing of libmilter, so that a test can drive it.

#include <memory>
#include <mutex>
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
  proceed,     ///< go on
  skip,        ///< go on, but without more of the body
  accept,      ///< no more events of this message (of this session, at connect)
  discard,     ///< take the message and forget it
  reject,      ///< 5xx
  tempfail,    ///< 4xx
  quarantine,  ///< at the end of a message: take it, but let the MTA hold it
};

struct Answer {
  Reply reply = Reply::proceed;
  std::string code;                 ///< of reject and tempfail: "451"
  std::string enhanced;             ///< "4.3.0"
  std::string text;                 ///< ASCII, never a stranger's words; of quarantine the reason
  std::string header;               ///< value of the TLSRPT-Results to put on top; empty: none
  std::size_t foreign_headers = 0;  ///< how many of that name strangers have put in, to be removed
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
  /// What becomes of one for which there is no memory.
  virtual IntakeResult not_held() = 0;
  /// The same for the mails of one client, as MessageOpener::for_client has it. Null: this one
  /// serves all of them.
  virtual std::unique_ptr<MailTaker> for_mails_of_client() { return nullptr; }
};

/// What the answers depend on; never changed while a session has it.
struct SessionSettings {
  ReportAddresses report_addresses;
  PeerList peer_list;
  std::size_t max_message_bytes = 32u << 20;
  std::size_t max_header_bytes = 256u << 10;  ///< kept of a mail that is not known to be for us
  Reply on_success = Reply::accept;
  Reply on_default = Reply::accept;
  Reply on_bad_report = Reply::accept;
  Reply on_dns_error = Reply::tempfail;
  Reply on_internal_error = Reply::tempfail;
  bool log_why = false;
  bool add_header = false;
};

/// The settings that new connections get. Threads: any.
class CurrentSettings {
 public:
  explicit CurrentSettings(SessionSettings settings)
      : settings_(std::make_shared<const SessionSettings>(std::move(settings))) {}

  [[nodiscard]] std::shared_ptr<const SessionSettings> get() const {
    const std::lock_guard lock(mutex_);
    return settings_;
  }
  /// Sessions that are open keep those that they began with.
  void set(SessionSettings settings) {
    auto fresh = std::make_shared<const SessionSettings>(std::move(settings));
    const std::lock_guard lock(mutex_);
    settings_.swap(fresh);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const SessionSettings> settings_;
};

/// accept, discard, reject, tempfail or quarantine, from a word of the configuration.
Reply to_reply(std::string_view word);
std::string_view to_word(Reply reply);

/// Events must come as SMTP orders them, but none of them is relied on: mail() starts a message,
/// whatever came before. Threads: one at a time.
class Session {
 public:
  /// All references must live longer than the session.
  Session(std::shared_ptr<const SessionSettings> settings, MailTaker& taker, SpoolBudget& budget,
          Log& log);

  [[nodiscard]] const SessionSettings& settings() const { return *settings_; }
  /// Whether connect() looks at the client.
  [[nodiscard]] bool wants_peer() const { return !settings_->peer_list.empty(); }
  /// accept for clients on the PeerList, else proceed. If the MTA takes no answer here, the
  /// messages of such a client are accepted at DATA.
  Answer connect(std::string_view host, std::string_view address);
  void mail();
  void recipient(std::string_view path);
  /// accept if no recipient is a report address: neither header nor body is wanted then, unless
  /// reports are known by their header.
  Answer data(std::string_view queue_id);
  /// value: as received, with the blank behind the colon; folded lines end in LF or CRLF.
  void header(std::string_view name, std::string_view value);
  /// accept if the header was needed to see that this is no report: no body is wanted then.
  Answer end_of_headers();
  /// skip once no more bytes are wanted.
  Answer body(std::string_view chunk);
  /// mta_name: what the MTA calls itself, for the header that may be added.
  Answer end_of_message(std::string_view queue_id, std::string_view mta_name = {});
  /// What the MTA is told when that has become of the message, whose recipients are known.
  Answer answer_to(const IntakeResult& result);
  /// Forgets the message; may be called at any time, and more than once.
  void abort();

  /// An event could not be taken in (no memory): On-InternalError will answer the message, unless
  /// it is certain that no report address is among its recipients.
  void fail() { failed_ = true; }

  /// Where the fault was: a message can be quarantined at its end only.
  enum class Stage { before_end, end_of_message };
  /// What On-InternalError says, for those who cannot call the session any more.
  static Answer internal_error(const SessionSettings& settings, Stage stage);

 private:
  [[nodiscard]] bool is_wanted() const { return for_us_ || (by_header_ && !is_other_); }
  void append_field(std::string_view name, std::string_view value);
  IntakeResult take();
  void log(const IntakeResult& result);
  Answer answer(Reply configured, std::string_view enhanced, std::string text);
  Answer after_fault();
  void reset();

  std::shared_ptr<const SessionSettings> settings_;
  MailTaker& taker_;
  Log& log_;
  SpooledMessage message_;
  std::string queue_id_;
  std::size_t foreign_headers_ = 0;
  bool listed_peer_ = false;
  bool for_us_ = false;      ///< at least one recipient is a report address
  bool for_others_ = false;  ///< at least one is not
  bool by_header_ = false;   ///< only the header can tell whether this is a report
  bool claims_ = false;      ///< a field of the header says so
  bool is_other_ = false;    ///< it is none, or its header is too long to tell
  bool failed_ = false;
};

}  // namespace tlsrpt::milter
