// SPDX-License-Identifier: BSD-2-Clause
#include "sender/exim_log.hpp"

#include <openssl/x509_vfy.h>

#include <algorithm>
#include <optional>

#include "common/ip_address.hpp"
#include "sender/log_texts.hpp"
#include "sender/reason_code.hpp"

namespace tlsrpt::sender {

namespace {

using Event = EximLine::Event;

constexpr std::size_t kMaxIdentities = 1024;
constexpr std::size_t kMaxErrors = 32;
/// The lines of one attempt for all recipients come at once; the next attempt comes much later, and
/// has the same message id.
constexpr std::chrono::seconds kAttempt{10};

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string address_of(std::string_view address) {
  return canonical_ip(address).value_or(std::string{});
}

/// The session that a reason for a failure is about; false: none that matters.
bool apply_failure(std::string_view text, const std::vector<int>& errors,
                   ObservedSession& session) {
  // What comes behind that is the other side's.
  if (text.starts_with("SMTP error from remote mail server")) return false;
  if (holds(text, "did not offer TLS support")) {
    session.starttls = StarttlsState::not_offered;
    return true;
  }
  if (text.starts_with("DANE error: ")) return false;  // a look-up, and no session
  const bool dane = text.starts_with("DANE attempt failed");
  if (!dane && !holds(text, "TLS session") && !holds(text, "TLS error on connection") &&
      !holds(text, "an attempt to start TLS failed")) {
    return false;
  }
  const bool certificate = holds(text, "certificate verify failed") ||
                           holds(text, "certificate verification failed") ||
                           holds(text, "certificate invalid");
  if (certificate || !errors.empty()) {
    session.starttls = StarttlsState::established;
    for (const int error : errors) add_error(dane ? session.dane : session.pkix, error);
    if (errors.empty()) {
      add_error(dane ? session.dane : session.pkix,
                dane ? X509_V_ERR_DANE_NO_MATCH : X509_V_ERR_UNSPECIFIED);
    }
    return true;
  }
  session.starttls = StarttlsState::failed;
  session.reason_code = handshake_reason(text);
  return true;
}

/// "450 …" or "550 …" to RCPT or DATA: the dialogue went on after EHLO.
bool went_on(const EximLine& line) {
  if (line.event == Event::delivered) return true;
  return line.text.starts_with("SMTP error from remote mail server after ") &&
         (holds(line.text, "after RCPT TO") || holds(line.text, "after MAIL FROM") ||
          holds(line.text, "after DATA") || holds(line.text, "after end of data"));
}

}  // namespace

EximLog::EximLog(LogContext& context)
    : context_(context),
      messages_(context.settings.max_processes, context.settings.max_open),
      knowledge_(kMaxIdentities, std::chrono::years{100}) {}

EximLog::Message& EximLog::message(const LogLineParts& parts, std::string_view id,
                                   std::vector<ObservedSession>& sessions) {
  key_.assign(parts.host).append(1, ' ').append(id);
  return messages_.get(key_, parts.heard, [&](Message& old, bool evicted) {
    if (evicted) ++context_.counters.evicted;
    for (LogConnection& connection : old.connections) context_.give_up(connection, sessions);
  });
}

LogKnowledge& EximLog::knowledge(const LogLineParts& parts) {
  return knowledge_.get(parts.host, parts.heard, [](const LogKnowledge&, bool) {});
}

void EximLog::add(const LogLineParts& parts, std::vector<ObservedSession>& sessions) {
  LogLineParts plain = parts;
  // Through syslog, Exim writes its own time once more unless it is told not to.
  if (!parts.identity.empty()) {
    if (const auto dated = read_dated_text(parts.text)) plain.text = dated->rest;
  }
  const EximLine line = read_exim_line(plain.text);
  if (line.event == Event::other) return;
  Message& its = message(plain, line.id, sessions);
  switch (line.event) {
    case Event::verify_error:
      if (its.errors.size() < kMaxErrors) {
        its.errors.push_back({address_of(line.address), certificate_error(line.text)});
      }
      return;
    case Event::delivered:
    case Event::also:
      return deliver(plain, line, its, sessions);
    case Event::host_failed:
    case Event::went_clear:
    case Event::deferred:
    case Event::bounced:
      return fail(plain, line, its, sessions);
    case Event::completed:
      for (LogConnection& connection : its.connections) context_.give_up(connection, sessions);
      messages_.erase(key_);
      return;
    case Event::other:
      return;
  }
}

LogConnection& EximLog::open(Message& message, const LogLineParts& parts, const EximLine& line,
                             std::vector<ObservedSession>& sessions) {
  std::vector<LogConnection>& all = message.connections;
  if (all.size() >= kMaxLogConnections) {
    context_.give_up(all.front(), sessions);
    all.erase(all.begin());
  }
  all.push_back(context_.connect(parts.at, line.host, line.address, line.port));
  if (line.smarthost) all.back().ignored = true;
  return all.back();
}

void EximLog::deliver(const LogLineParts& parts, const EximLine& line, Message& message,
                      std::vector<ObservedSession>& sessions) {
  if (!line.is_smtp) return;
  const std::string domain = recipient_domain(line.recipient);
  const std::string address = address_of(line.address);
  LogKnowledge& known = knowledge(parts);
  if (line.encrypted) known.logs_tls = true;
  if (line.event == Event::delivered && !line.on_old_connection) {
    // Whatever failed at this host before was another session, even if the mail went clear then.
    const bool failed_before =
        std::any_of(message.connections.begin(), message.connections.end(),
                    [&](const LogConnection& connection) {
                      return connection.is_open() && connection.session.receiving_ip == address;
                    });
    if (line.encrypted) {
      ObservedSession& session = open(message, parts, line, sessions).session;
      session.starttls = StarttlsState::established;
      session.dane.complete = line.verified == "dane";
      session.pkix.complete = line.verified == "yes";
      if (line.verified == "no") {
        for (const VerifyError& error : message.errors) {
          if (error.address == address) add_error(session.pkix, error.error);
        }
      }
    } else if (!failed_before && (known.logs_tls || !line.protocol.empty())) {
      ObservedSession& session = open(message, parts, line, sessions).session;
      session.starttls =
          line.protocol.starts_with("es") ? StarttlsState::refused : StarttlsState::not_offered;
    }
    std::erase_if(message.errors,
                  [&](const VerifyError& error) { return error.address == address; });
    message.last_address = address;
  } else if (line.event == Event::also && message.last_address != address) {
    return;
  }
  const LogConnection* its = nullptr;
  for (const LogConnection& connection : message.connections) {
    if (connection.session.receiving_ip == address) its = &connection;
  }
  for (LogConnection& connection : message.connections) {
    if (connection.is_open() || &connection == its) context_.tell(connection, domain, sessions);
  }
}

/// A host that failed, or the end of the delivery for one recipient.
void EximLog::fail(const LogLineParts& parts, const EximLine& line, Message& message,
                   std::vector<ObservedSession>& sessions) {
  const std::string address = address_of(line.address);
  const bool is_end = line.event == Event::deferred || line.event == Event::bounced;
  LogConnection* known = nullptr;
  for (LogConnection& connection : message.connections) {
    if (line.is_smtp && connection.session.receiving_ip == address &&
        (connection.is_open() || (is_end && parts.at - connection.session.begun_at <= kAttempt))) {
      known = &connection;
    }
  }
  if (known == nullptr && line.is_smtp) {
    std::vector<int> errors;
    for (const VerifyError& error : message.errors) {
      if (error.address == address) errors.push_back(error.error);
    }
    LogConnection connection = context_.connect(parts.at, line.host, line.address, line.port);
    connection.ignored = connection.ignored || line.smarthost;
    bool counts = apply_failure(line.text, errors, connection.session);
    if (!counts && is_end && !line.encrypted && went_on(line) && knowledge(parts).logs_tls) {
      connection.session.starttls = StarttlsState::not_offered;
      counts = true;
    } else if (!counts && is_end && line.encrypted) {
      connection.session.starttls = StarttlsState::established;
      connection.session.dane.complete = line.verified == "dane";
      connection.session.pkix.complete = line.verified == "yes";
      counts = true;
    }
    if (counts && message.connections.size() < kMaxLogConnections) {
      message.connections.push_back(std::move(connection));
    }
    std::erase_if(message.errors,
                  [&](const VerifyError& error) { return error.address == address; });
  }
  if (!is_end) return;
  const std::string domain = recipient_domain(line.recipient);
  for (LogConnection& connection : message.connections) {
    if (connection.is_open() || &connection == known) context_.tell(connection, domain, sessions);
  }
  // The next attempt, hours later, has the same id.
  if (line.event == Event::deferred) message.last_address.clear();
}

Seconds EximLog::oldest_open() const {
  Seconds oldest = Seconds::max();
  messages_.for_each([&](const Message& message) {
    for (const LogConnection& connection : message.connections) {
      if (connection.is_open()) oldest = std::min(oldest, connection.session.begun_at);
    }
  });
  return oldest;
}

}  // namespace tlsrpt::sender
