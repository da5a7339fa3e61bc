// SPDX-License-Identifier: BSD-2-Clause
#include "milter/milter_server.hpp"

#include <arpa/inet.h>
#include <libmilter/mfapi.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <memory>
#include <thread>

#include "milter/results_header.hpp"

namespace tlsrpt::milter {

namespace {

using namespace std::chrono_literals;

// An SMTP client may be silent for some minutes between two commands; libmilter's own two hours
// only pile up dead sessions.
constexpr int kIdleTimeout = 1800;
constexpr auto kDrainTime = 60s;

// Nobody has that many by accident, and each one is a request to the MTA.
constexpr std::size_t kMaxForeignHeaders = 1000;

constexpr unsigned long kSteps = SMFIP_NOHELO | SMFIP_NOUNKNOWN | SMFIP_NR_MAIL | SMFIP_NR_RCPT |
                                 SMFIP_NR_HDR | SMFIP_SKIP | SMFIP_HDR_LEADSPC;

// libmilter hands its callbacks no pointer of ours, and has one filter for each process anyway: so
// this is the one place with process-wide state.
std::atomic<const MilterParts*> current{nullptr};
std::atomic<int> running{0};
// Whether CONNECT is answered, as it was at the start: libmilter keeps one table of states for all
// connections, so that it must never be told two things.
std::atomic<bool> answers_connect{false};
// What was negotiated last, for a session that the MTA starts on an old connection (QUIT_NC): it
// does not negotiate again.
std::atomic<unsigned long> last_steps{0};

/// Holds 'current' in place for the time of one callback.
class Entry {
 public:
  Entry() {
    running.fetch_add(1);
    parts_ = current.load();
  }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
  ~Entry() { running.fetch_sub(1); }
  [[nodiscard]] const MilterParts* parts() const { return parts_; }

 private:
  const MilterParts* parts_ = nullptr;
};

/// What belongs to one connection from the MTA.
struct Connection {
  Connection(const MilterParts& parts, unsigned long negotiated)
      : taker(parts.taker.for_mails_of_client()),
        session(parts.settings.get(), taker ? *taker : parts.taker, parts.budget, parts.log),
        steps(negotiated),
        log(parts.log) {}
  std::unique_ptr<MailTaker> taker;  ///< null: the one of all
  Session session;
  unsigned long steps;
  Log& log;
};

Connection* connection_of(SMFICTX* context) {
  return static_cast<Connection*>(smfi_getpriv(context));
}

Connection& open_connection(SMFICTX* context, const MilterParts& parts, unsigned long steps) {
  const std::unique_ptr<Connection> old(connection_of(context));
  smfi_setpriv(context, nullptr);
  auto fresh = std::make_unique<Connection>(parts, steps);
  smfi_setpriv(context, fresh.get());
  return *fresh.release();
}

void report_fault(const MilterParts& parts, std::string_view where) noexcept {
  try {
    parts.log.error(LogLine("callback-failed").add("event", where));
  } catch (...) {
    // Without memory for a line there is nothing left to say.
  }
}

/// mfapi.h takes char*, and only reads.
char* as_argument(std::string& text) { return text.data(); }

/// Puts our header on top, and takes those out that strangers have put in under its name: from the
/// last one on, so that no number changes meanwhile. Too many of them are left where they are:
/// below ours.
void set_results_header(SMFICTX* context, Answer& answer, unsigned long steps, Log& log) {
  std::string name(kResultsHeader);
  bool done = true;
  for (std::size_t at = std::min(answer.foreign_headers, kMaxForeignHeaders); at > 0; --at) {
    const bool removed =
        smfi_chgheader(context, as_argument(name), static_cast<int>(at), nullptr) == MI_SUCCESS;
    done = done && removed;
  }
  if (!answer.header.empty()) {
    // With this step, what is behind the colon is ours, too.
    if ((steps & SMFIP_HDR_LEADSPC) != 0) answer.header.insert(0, 1, ' ');
    const bool added =
        smfi_insheader(context, 0, as_argument(name), as_argument(answer.header)) == MI_SUCCESS;
    done = done && added;
  }
  if (!done) log.warning(LogLine("header-not-set").add("detail", "the MTA does not take changes"));
}

/// accept if the MTA has no quarantine: what is not known to be bad is not thrown away.
sfsistat quarantine(SMFICTX* context, std::string& reason, Log& log) {
  if (smfi_quarantine(context, as_argument(reason)) != MI_SUCCESS) {
    log.warning(LogLine("quarantine-impossible").add("detail", "the MTA has none; accepted"));
  }
  return SMFIS_ACCEPT;
}

sfsistat to_status(SMFICTX* context, Answer answer, Log& log) {
  switch (answer.reply) {
    case Reply::proceed:
      return SMFIS_CONTINUE;
    case Reply::skip:
      return SMFIS_SKIP;
    case Reply::accept:
      return SMFIS_ACCEPT;
    case Reply::discard:
      return SMFIS_DISCARD;
    case Reply::quarantine:
      return quarantine(context, answer.text, log);
    case Reply::reject:
    case Reply::tempfail:
      smfi_setreply(context, as_argument(answer.code), as_argument(answer.enhanced),
                    as_argument(answer.text));
      return answer.reply == Reply::reject ? SMFIS_REJECT : SMFIS_TEMPFAIL;
  }
  return SMFIS_TEMPFAIL;
}

/// An event whose answer is always "go on": 'event' gets the session. A fault is remembered in the
/// session and answered at DATA or at the end of the message.
template <typename Event>
sfsistat note(SMFICTX* context, unsigned long no_reply, std::string_view name,
              Event event) noexcept {
  const Entry entry;
  Connection* connection = connection_of(context);
  if (entry.parts() == nullptr || connection == nullptr) {
    return (last_steps.load() & no_reply) != 0 ? SMFIS_NOREPLY : SMFIS_CONTINUE;
  }
  try {
    event(connection->session);
  } catch (...) {
    connection->session.fail();
    report_fault(*entry.parts(), name);
  }
  return (connection->steps & no_reply) != 0 ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

/// An event that is answered: by 'event', which gets the connection, or by On-InternalError if that
/// fails.
template <typename Event>
sfsistat ask(SMFICTX* context, std::string_view name, Session::Stage stage, Event event) noexcept {
  const Entry entry;
  if (entry.parts() == nullptr) return SMFIS_TEMPFAIL;  // we are about to end
  const MilterParts& parts = *entry.parts();
  const auto fault = [&] {
    return to_status(context, Session::internal_error(*parts.settings.get(), stage), parts.log);
  };
  try {
    Connection* connection = connection_of(context);
    if (connection == nullptr) return fault();
    try {
      return to_status(context, event(*connection), parts.log);
    } catch (...) {
      connection->session.abort();
      report_fault(parts, name);
      return fault();
    }
  } catch (...) {
    return SMFIS_TEMPFAIL;
  }
}

std::string address_text(const sockaddr* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address == nullptr) return {};
  if (address->sa_family == AF_INET) {
    const auto* ipv4 = reinterpret_cast<const sockaddr_in*>(address);
    ::inet_ntop(AF_INET, &ipv4->sin_addr, text.data(), text.size());
  } else if (address->sa_family == AF_INET6) {
    const auto* ipv6 = reinterpret_cast<const sockaddr_in6*>(address);
    ::inet_ntop(AF_INET6, &ipv6->sin6_addr, text.data(), text.size());
  }
  return text.data();
}

/// A macro, without its braces; empty if the MTA has not sent it.
template <std::size_t Size>
std::string_view macro(SMFICTX* context, const char (&symbol)[Size]) {
  std::array<char, Size> name{};
  std::copy(symbol, symbol + Size, name.begin());
  const char* value = smfi_getsymval(context, name.data());
  return value == nullptr ? std::string_view() : std::string_view(value);
}

/// What the settings need to do to mail, of all that the MTA lets filters do.
unsigned long wanted_actions(const SessionSettings& settings) {
  unsigned long actions = SMFIF_SETSYMLIST;
  if (settings.add_header) actions |= SMFIF_ADDHDRS | SMFIF_CHGHDRS;
  for (const Reply reply : {settings.on_success, settings.on_bad_report, settings.on_default,
                            settings.on_dns_error, settings.on_internal_error}) {
    if (reply == Reply::quarantine) actions |= SMFIF_QUARANTINE;
  }
  return actions;
}

sfsistat on_negotiate(SMFICTX* context, unsigned long actions, unsigned long steps, unsigned long,
                      unsigned long, unsigned long* our_actions, unsigned long* our_steps,
                      unsigned long* reserved2, unsigned long* reserved3) noexcept {
  const Entry entry;
  if (entry.parts() == nullptr) return SMFIS_REJECT;
  *our_steps = steps & (kSteps | (answers_connect.load() ? 0 : SMFIP_NR_CONN));
  *our_actions = actions & SMFIF_SETSYMLIST;
  *reserved2 = *reserved3 = 0;
  last_steps.store(*our_steps);
  if (*our_actions != 0) {
    std::array<char, 2> name{'i', '\0'};
    smfi_setsymlist(context, SMFIM_DATA, name.data());
    smfi_setsymlist(context, SMFIM_EOM, name.data());
  }
  try {
    const Connection& connection = open_connection(context, *entry.parts(), *our_steps);
    *our_actions = actions & wanted_actions(connection.session.settings());
  } catch (...) {
    report_fault(*entry.parts(), "negotiate");
  }
  return SMFIS_CONTINUE;
}

sfsistat on_connect(SMFICTX* context, char* host, _SOCK_ADDR* address) noexcept {
  const Entry entry;
  if (entry.parts() == nullptr) return SMFIS_TEMPFAIL;
  unsigned long steps = last_steps.load();
  sfsistat status = SMFIS_CONTINUE;
  try {
    Connection* connection = connection_of(context);
    if (connection == nullptr) connection = &open_connection(context, *entry.parts(), steps);
    steps = connection->steps;
    if (connection->session.wants_peer()) {
      status = to_status(
          context, connection->session.connect(host == nullptr ? "" : host, address_text(address)),
          entry.parts()->log);
    }
  } catch (...) {
    report_fault(*entry.parts(), "connect");
  }
  return (steps & SMFIP_NR_CONN) != 0 ? SMFIS_NOREPLY : status;
}

sfsistat on_mail(SMFICTX* context, char**) noexcept {
  return note(context, SMFIP_NR_MAIL, "mail", [](Session& session) { session.mail(); });
}

sfsistat on_recipient(SMFICTX* context, char** arguments) noexcept {
  return note(context, SMFIP_NR_RCPT, "rcpt", [&](Session& session) {
    session.recipient(arguments[0] == nullptr ? "" : arguments[0]);
  });
}

sfsistat on_data(SMFICTX* context) noexcept {
  return ask(context, "data", Session::Stage::before_end,
             [&](Connection& connection) { return connection.session.data(macro(context, "i")); });
}

sfsistat on_header(SMFICTX* context, char* name, char* value) noexcept {
  return note(context, SMFIP_NR_HDR, "header", [&](Session& session) {
    // Without this step the MTA has eaten the blank behind the colon.
    const bool has_blank = (connection_of(context)->steps & SMFIP_HDR_LEADSPC) != 0;
    if (has_blank) {
      session.header(name, value);
    } else {
      session.header(name, std::string(" ") + value);
    }
  });
}

sfsistat on_end_of_headers(SMFICTX* context) noexcept {
  return ask(context, "eoh", Session::Stage::before_end,
             [](Connection& connection) { return connection.session.end_of_headers(); });
}

sfsistat on_body(SMFICTX* context, unsigned char* bytes, std::size_t size) noexcept {
  bool more = true;
  const sfsistat status = note(context, 0, "body", [&](Session& session) {
    const std::string_view chunk(reinterpret_cast<const char*>(bytes), size);
    more = session.body(chunk).reply != Reply::skip;
  });
  const Connection* connection = connection_of(context);
  const bool may_skip = connection != nullptr && (connection->steps & SMFIP_SKIP) != 0;
  return !more && may_skip ? SMFIS_SKIP : status;
}

sfsistat on_end_of_message(SMFICTX* context) noexcept {
  return ask(context, "eom", Session::Stage::end_of_message, [&](Connection& connection) {
    Answer answer = connection.session.end_of_message(macro(context, "i"), macro(context, "j"));
    const bool is_delivered = answer.reply == Reply::accept || answer.reply == Reply::quarantine;
    if (is_delivered && (!answer.header.empty() || answer.foreign_headers > 0)) {
      set_results_header(context, answer, connection.steps, connection.log);
    }
    return answer;
  });
}

sfsistat on_abort(SMFICTX* context) noexcept {
  return note(context, 0, "abort", [](Session& session) { session.abort(); });
}

sfsistat on_close(SMFICTX* context) noexcept {
  const Entry entry;
  // Once the parts are gone, what refers to them cannot be taken apart any more.
  if (entry.parts() == nullptr) return SMFIS_CONTINUE;
  const std::unique_ptr<Connection> ours(connection_of(context));
  if (ours) smfi_setpriv(context, nullptr);
  return SMFIS_CONTINUE;
}

bool register_filter() {
  std::string name = "opentlsrpt";
  smfiDesc filter{};
  filter.xxfi_name = name.data();
  filter.xxfi_version = SMFI_VERSION;
  filter.xxfi_flags = SMFIF_SETSYMLIST | SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE;
  filter.xxfi_connect = on_connect;
  filter.xxfi_envfrom = on_mail;
  filter.xxfi_envrcpt = on_recipient;
  filter.xxfi_header = on_header;
  filter.xxfi_eoh = on_end_of_headers;
  filter.xxfi_body = on_body;
  filter.xxfi_eom = on_end_of_message;
  filter.xxfi_abort = on_abort;
  filter.xxfi_close = on_close;
  filter.xxfi_data = on_data;
  filter.xxfi_negotiate = on_negotiate;
  return smfi_register(filter) == MI_SUCCESS;  // libmilter copies the name
}

}  // namespace

Result<void> open_milter_socket(const MilterSettings& settings) {
  if (auto removed = remove_stale_socket(settings.socket); !removed) return removed;
  std::string name = settings.socket.for_libmilter();
  smfi_setdbg(settings.debug);
  if (!register_filter()) return fail(ErrorCode::internal, "libmilter does not take the filter");
  if (smfi_setconn(name.data()) != MI_SUCCESS) {
    return fail(ErrorCode::invalid_argument, "libmilter does not take the Socket {}", name);
  }
  smfi_settimeout(kIdleTimeout);
  const mode_t old = ::umask(static_cast<mode_t>(settings.umask));
  errno = 0;
  const int opened = smfi_opensocket(false);
  const int reason = errno;
  ::umask(old);
  if (opened != MI_SUCCESS) return fail_errno(reason, "cannot open the Socket " + name);
  return hand_over_socket(settings.socket, settings.identity, settings.socket_group);
}

Result<Drained> serve_milter(const MilterParts& parts) {
  answers_connect.store(!parts.settings.get()->peer_list.empty());
  current.store(&parts);
  const int result = smfi_main();
  current.store(nullptr);
  // smfi_main does not wait for the callbacks of its worker threads.
  const auto deadline = std::chrono::steady_clock::now() + kDrainTime;
  while (running.load() > 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(20ms);
  }
  if (result != MI_SUCCESS) return fail(ErrorCode::internal, "libmilter has given up serving");
  return running.load() == 0 ? Drained::yes : Drained::no;
}

void stop_milter() { smfi_stop(); }

std::string libmilter_version() {
  unsigned major = 0;
  unsigned minor = 0;
  unsigned patch = 0;
  smfi_version(&major, &minor, &patch);
  return fmt::format("{}.{}.{}", major, minor, patch);
}

}  // namespace tlsrpt::milter
