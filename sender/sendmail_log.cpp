// SPDX-License-Identifier: BSD-2-Clause
#include "sender/sendmail_log.hpp"

#include <openssl/x509_vfy.h>

#include <algorithm>

#include "common/ascii.hpp"
#include "common/ip_address.hpp"
#include "sender/log_texts.hpp"
#include "sender/reason_code.hpp"

namespace tlsrpt::sender {

namespace {

using Event = SendmailLine::Event;

constexpr std::size_t kMaxHosts = 16;

/// "OK" is about the chain alone; of TLSA records only TRUSTED and DANE_FAIL speak.
void apply_verify(std::string_view verify, TrustStoreOfMta trust_store, LogKnowledge& knowledge,
                  ObservedSession& session) {
  session.starttls = StarttlsState::established;
  if (verify == "OK") {
    ++knowledge.trusted;
  } else if (verify == "TRUSTED") {
    session.dane.complete = true;
  } else if (verify == "DANE_FAIL") {
    // The reason stands in verifymsg=, if at all.
    session.dane.errors = {X509_V_ERR_DANE_NO_MATCH};
  } else if (verify == "FAIL") {
    if (knowledge.can_distrust(trust_store)) add_error(session.pkix, X509_V_ERR_UNSPECIFIED);
    ++knowledge.untrusted;
  } else if (verify == "NO") {
    add_error(session.pkix, X509_V_ERR_UNSPECIFIED);
  } else if (verify == "DANE_NOTLS") {
    session.starttls = StarttlsState::not_offered;
  } else if (verify == "SOFTWARE" || verify == "PROTOCOL") {
    session.starttls = StarttlsState::failed;
    session.reason_code = reason::kHandshakeFailure;
  }
}

void apply_certificate(std::string_view text, ObservedSession& session) {
  if (text.empty() || text == "ok") return;
  const int error = certificate_error(text);
  if (!session.dane.errors.empty()) {
    session.dane.errors = {error};
  } else if (!session.dane.complete) {
    add_error(session.pkix, error);
  }
}

bool is_smtp(std::string_view mailer) {
  return mailer == "esmtp" || mailer == "smtp" || mailer == "smtp8" || mailer == "dsmtp";
}

/// A dialogue that went on after EHLO.
bool went_on(const SendmailLine& line) {
  return line.text.starts_with("Sent") ||
         (line.text.starts_with("User unknown") && line.reply.starts_with('5'));
}

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// Was there no connection at all to the relay that the line names?
bool is_unreachable(std::string_view text) {
  return holds(text, "Connection refused") || holds(text, "No route to host") ||
         holds(text, "Network is unreachable") ||
         text.starts_with("Deferred: Connection timed out");
}

}  // namespace

SendmailLog::SendmailLog(LogContext& context) : context_(context), processes_(context) {}

void SendmailLog::add(const LogLineParts& parts, std::vector<ObservedSession>& sessions) {
  const SendmailLine line = read_sendmail_line(parts.text);
  if (line.event == Event::other) return;
  Process& its = processes_.get(parts, sessions);
  switch (line.event) {
    case Event::established:
      its.knowledge->logs_tls = true;
      apply_verify(line.verify, context_.settings.trust_store, *its.knowledge,
                   open(its, parts.at, line.host, sessions).session);
      return;
    case Event::certificate:
      if (!its.connections.empty() &&
          its.connections.back().session.starttls == StarttlsState::established) {
        apply_certificate(line.text, its.connections.back().session);
      }
      return;
    case Event::handshake_failed: {
      ObservedSession& session = open(its, parts.at, {}, sessions).session;
      session.starttls = StarttlsState::failed;
      session.reason_code = handshake_reason(line.text);
      return;
    }
    case Event::no_starttls: {
      ObservedSession& session = find_or_open(its, parts.at, line.host, sessions).session;
      if (session.starttls == StarttlsState::failed) return;
      session.starttls =
          holds(line.text, "failed") ? StarttlsState::refused : StarttlsState::not_offered;
      return;
    }
    case Event::session_rejected:
      return reject_session(parts, line, its, sessions);
    case Event::recipient_rejected:
      return reject_recipient(parts, line, its, sessions);
    case Event::delivery:
      return deliver(parts, line, its, sessions);
    case Event::other:
      return;
  }
}

LogConnection& SendmailLog::open(Process& process, Seconds at, std::string_view host,
                                 std::vector<ObservedSession>& sessions) {
  std::vector<LogConnection>& all = process.connections;
  if (all.size() >= kMaxLogConnections) {
    context_.give_up(all.front(), sessions);
    all.erase(all.begin());
  }
  all.push_back(context_.connect(at, host, {}, {}));
  return all.back();
}

LogConnection& SendmailLog::find_or_open(Process& process, Seconds at, std::string_view host,
                                         std::vector<ObservedSession>& sessions) {
  for (auto known = process.connections.rbegin(); known != process.connections.rend(); ++known) {
    if (!known->is_open()) continue;
    if (is_same_host(known->session.mx_host, host)) return *known;
    if (!known->session.mx_host.empty() || known->ignored) continue;
    const LogConnection named = context_.connect(at, host, {}, {});
    known->session.mx_host = named.session.mx_host;
    known->ignored = named.ignored;
    return *known;
  }
  return open(process, at, host, sessions);
}

void SendmailLog::reject_session(const LogLineParts& parts, const SendmailLine& line,
                                 Process& process, std::vector<ObservedSession>& sessions) {
  ObservedSession& session = find_or_open(process, parts.at, line.host, sessions).session;
  if (line.verify == "FAIL" || line.verify == "NO") {
    // The MTA's policy wanted a chain that is trusted.
    session.starttls = StarttlsState::established;
    if (session.dane.errors.empty()) add_error(session.pkix, X509_V_ERR_UNSPECIFIED);
  } else if (line.verify == "NONE" || line.verify == "CLEAR") {
    session.starttls = StarttlsState::not_offered;
  } else if (session.starttls != StarttlsState::failed && line.verify == "TEMP") {
    session.starttls = StarttlsState::refused;
  } else if (session.starttls == StarttlsState::not_reached &&
             (line.verify == "SOFTWARE" || line.verify == "PROTOCOL")) {
    session.starttls = StarttlsState::failed;
    session.reason_code = reason::kHandshakeFailure;
  }
}

void SendmailLog::reject_recipient(const LogLineParts& parts, const SendmailLine& line,
                                   Process& process, std::vector<ObservedSession>& sessions) {
  ObservedSession& session = find_or_open(process, parts.at, line.host, sessions).session;
  if (holds(line.text, " not listed in SANs")) {
    add_error(session.pkix, X509_V_ERR_HOSTNAME_MISMATCH);
  } else if (holds(line.text, " not found in ")) {
    // It was connected to, but only to find that the policy does not name it.
    session.starttls = StarttlsState::skipped;
  } else if (session.starttls != StarttlsState::not_reached) {
    return;
  } else if (holds(line.text, "missing STARTTLS")) {
    session.starttls = StarttlsState::not_offered;
  } else if (holds(line.text, "failed temporarily")) {
    session.starttls = StarttlsState::refused;
  }
}

void SendmailLog::deliver(const LogLineParts& parts, const SendmailLine& line, Process& process,
                          std::vector<ObservedSession>& sessions) {
  std::vector<LogConnection>& all = process.connections;
  const bool reached = is_smtp(line.mailer) && !line.address.empty() && !is_unreachable(line.text);
  std::erase_if(all, [&](LogConnection& connection) {
    if (connection.queue_id.empty() || connection.queue_id == line.queue_id) return false;
    context_.give_up(connection, sessions);
    return true;
  });
  const bool is_cut = holds(line.host, "...");
  const auto is_its = [&](const LogConnection& connection) {
    return is_same_host(connection.session.mx_host, line.host);
  };
  if (reached) {
    auto its = std::find_if(all.rbegin(), all.rend(), is_its);
    if (its == all.rend()) {
      // A handshake that failed is logged without a host.
      its = std::find_if(all.rbegin(), all.rend(), [&](const LogConnection& connection) {
        return connection.queue_id.empty() && connection.session.mx_host.empty() &&
               &connection == &all.back();
      });
    }
    const bool is_new =
        std::find(process.hosts.begin(), process.hosts.end(), line.host) == process.hosts.end();
    if (its == all.rend() && is_new && process.knowledge->logs_tls && went_on(line)) {
      open(process, parts.at, is_cut ? std::string_view{} : line.host, sessions).session.starttls =
          StarttlsState::not_offered;
      its = all.rbegin();
    }
    if (its != all.rend()) {
      const LogConnection named =
          context_.connect(parts.at, is_cut ? std::string_view{} : line.host, line.address, {});
      if (its->session.mx_host.empty()) its->session.mx_host = named.session.mx_host;
      if (its->session.receiving_ip.empty()) {
        its->session.receiving_ip = named.session.receiving_ip;
      }
      if (its->session.starttls == StarttlsState::refused && its->session.reason_code.empty()) {
        std::string_view text = line.reply.empty() ? line.text : line.reply;
        if (line.reply.empty()) take_until(text, "Deferred: ");
        // 403 is Sendmail's own.
        const int code = reply_code(text);
        if (code != 0 && code != 403) its->session.reason_code = reason::starttls_reply(code);
      }
      its->ignored = its->ignored || named.ignored;
    }
    if (is_new) {
      if (process.hosts.size() >= kMaxHosts) process.hosts.erase(process.hosts.begin());
      process.hosts.emplace_back(line.host);
    }
  }
  // A message for several domains has one id, and a connection for each.
  for (LogConnection& connection : all) {
    connection.queue_id = line.queue_id;
    if (!connection.is_open() && !(reached && is_its(connection))) continue;
    if (!is_smtp(line.mailer)) connection.ignored = true;
    for (const std::string_view recipient : line.recipients) {
      context_.tell(connection, recipient_domain(recipient), sessions);
    }
  }
}

Seconds SendmailLog::oldest_open() const {
  Seconds oldest = Seconds::max();
  processes_.for_each([&](const Process& process) {
    for (const LogConnection& connection : process.connections) {
      if (connection.is_open()) oldest = std::min(oldest, connection.session.begun_at);
    }
  });
  return oldest;
}

}  // namespace tlsrpt::sender
