// SPDX-License-Identifier: BSD-2-Clause
#include "sender/postfix_log.hpp"

#include <openssl/x509_vfy.h>

#include <algorithm>
#include <optional>

#include "common/domain_name.hpp"
#include "common/ip_address.hpp"
#include "sender/reason_code.hpp"

namespace tlsrpt::sender {

namespace {

using Event = PostfixLine::Event;
using Trust = PostfixLine::Trust;

constexpr std::size_t kMaxInstances = 1024;
constexpr std::size_t kMaxFaults = 64;
/// tlsproxy's line and smtp's are of the same moment.
constexpr std::chrono::seconds kFaultAge{120};
/// Before minimal_backoff_time (300 seconds) no message is tried again.
constexpr std::chrono::seconds kRetryAge{250};

std::string domain_of(std::string_view name) {
  if (is_normal_domain(name)) return std::string(name);
  return normalize_domain(name).value_or(std::string{});
}

/// A resumed session is refused without a line that says why.
bool is_certificate_refused(std::string_view text) {
  return text == "Server certificate not verified" || text == "Server certificate not trusted";
}

/// The reason for the failed delivery tells more than the lines before it.
void refine(LogConnection& announced, std::string_view text) {
  if (is_certificate_refused(text) && !announced.cause_told && announced.is_open()) {
    add_demanded_error(announced.session, X509_V_ERR_UNSPECIFIED);
  }
  if (!announced.announced) return;
  auto refusal = read_starttls_refusal(text);
  if (!refusal) return;
  announced.session.starttls = refusal->state;
  announced.session.reason_code = std::move(refusal->reason_code);
}

std::string address_of(std::string_view address) {
  return canonical_ip(address).value_or(std::string{});
}

/// The first word is the MTA's verdict if it demanded one; else it is about the chain alone.
/// refused: another line told of the verdict already, and be it for a fault of the set-up.
void apply_trust(Trust trust, bool refused, TrustStoreOfMta trust_store, LogKnowledge& knowledge,
                 ObservedSession& session) {
  if (trust == Trust::verified && !refused) {
    session.demanded_only = session.pkix.complete = session.dane.complete = true;
  } else if (trust == Trust::anonymous) {
    add_error(session.pkix, X509_V_ERR_UNSPECIFIED);
  } else if (trust == Trust::trusted && !refused) {
    ++knowledge.trusted;
  } else if (trust == Trust::untrusted && !refused) {
    if (knowledge.can_distrust(trust_store)) add_error(session.pkix, X509_V_ERR_UNSPECIFIED);
    ++knowledge.untrusted;
  }
}

/// What a "TLSRPT:" line says by itself, if no other line does.
void apply_announcement(const PostfixLine& line, ObservedSession& session) {
  if (line.type == "starttls_not_supported") {
    session.starttls = StarttlsState::not_offered;
  } else if (line.type == "validation_failure" && line.text == reason::kHandshakeFailure) {
    session.starttls = StarttlsState::failed;
    session.reason_code = reason::kHandshakeFailure;
  } else {
    session.starttls = StarttlsState::established;
    if (line.type == "certificate_expired") {
      add_demanded_error(session, X509_V_ERR_CERT_HAS_EXPIRED);
    } else if (line.type == "certificate_host_mismatch") {
      add_demanded_error(session, X509_V_ERR_HOSTNAME_MISMATCH);
    } else if (line.type == "certificate_not_trusted" || line.type == "validation_failure") {
      add_demanded_error(session, X509_V_ERR_UNSPECIFIED);
    }
  }
}

template <typename Faults>
void remember(Faults& faults, typename Faults::value_type fault) {
  std::erase_if(faults, [&](const auto& old) { return fault.at - old.at > kFaultAge; });
  if (faults.size() >= kMaxFaults) faults.erase(faults.begin());
  faults.push_back(std::move(fault));
}

/// The oldest one that fits, which leaves the list.
template <typename Faults, typename Fits>
std::optional<typename Faults::value_type> take_fault(Faults& faults, Seconds at,
                                                      const Fits& fits) {
  for (auto fault = faults.begin(); fault != faults.end(); ++fault) {
    if (at - fault->at > kFaultAge || !fits(*fault)) continue;
    auto taken = std::move(*fault);
    faults.erase(fault);
    return taken;
  }
  return std::nullopt;
}

}  // namespace

PostfixLog::PostfixLog(LogContext& context)
    : context_(context), processes_(context), proxies_(kMaxInstances, context.settings.max_open) {}

/// An instance is what stands before the first '/': services may add to it.
PostfixLog::Proxies& PostfixLog::proxies(const LogLineParts& parts) {
  key_.assign(parts.host).append(1, ' ').append(parts.identity.substr(0, parts.identity.find('/')));
  return proxies_.get(key_, parts.heard, [](const Proxies&, bool) {});
}

void PostfixLog::add(const LogLineParts& parts, std::vector<ObservedSession>& sessions) {
  const PostfixLine line = read_postfix_line(parts.text);
  if (line.event == Event::other) return;
  if (line.event == Event::unreadable) {
    ++context_.counters.unreadable;
    return;
  }
  latest_ = std::max(latest_, parts.at);
  Process& its = processes_.get(parts, sessions);
  if (parts.program == LogProgram::postfix_tlsproxy) {
    add_proxy_line(parts, line, its);
  } else {
    add_smtp_line(parts, line, its, sessions);
  }
}

PostfixLog::Fault PostfixLog::fault_of(Fault::Kind kind, Seconds at, const PostfixLine& line) {
  Fault fault;
  fault.kind = kind;
  fault.at = at;
  fault.host = domain_of(line.peer.host);
  fault.address = address_of(line.peer.address);
  if (kind == Fault::Kind::certificate) fault.error = certificate_error(line.text);
  if (kind == Fault::Kind::announcement) fault.next_hop = domain_of(line.domain);
  return fault;
}

void PostfixLog::add_proxy_line(const LogLineParts& parts, const PostfixLine& line,
                                Process& process) {
  switch (line.event) {
    case Event::library_problem:
      process.library_problem = handshake_reason(line.text);
      return;
    case Event::certificate:
      return remember(proxies(parts).faults, fault_of(Fault::Kind::certificate, parts.at, line));
    case Event::announced:
      return remember(proxies(parts).faults, fault_of(Fault::Kind::announcement, parts.at, line));
    case Event::proxy_handshake_failed: {
      Fault fault = fault_of(Fault::Kind::handshake, parts.at, line);
      fault.reason = std::move(process.library_problem);
      process.library_problem.clear();
      return remember(proxies(parts).faults, std::move(fault));
    }
    default:
      return;
  }
}

void PostfixLog::add_smtp_line(const LogLineParts& parts, const PostfixLine& line, Process& process,
                               std::vector<ObservedSession>& sessions) {
  switch (line.event) {
    case Event::established:
      return establish(parts, line, process, sessions);
    case Event::reused:
      open(process, parts.at, line.peer, sessions).ignored = true;
      return;
    case Event::certificate:
      return remember(process.faults, fault_of(Fault::Kind::certificate, parts.at, line));
    case Event::handshake_failed:
      return fail_handshake(parts, line, process, sessions);
    case Event::library_problem:
      if (!process.connections.empty()) {
        ObservedSession& last = process.connections.back().session;
        if (last.starttls == StarttlsState::failed && process.connections.back().is_open() &&
            last.reason_code == reason::kHandshakeFailure) {
          last.reason_code = handshake_reason(line.text);
        }
      }
      return;
    case Event::announced:
      return announce(parts, line, process, sessions);
    case Event::mx_skipped:
      return skip(parts, line, sessions);
    case Event::delivery:
      return deliver(parts, line, process, sessions);
    case Event::host_failed:
      return try_next_host(parts, line, process, sessions);
    case Event::other:
    case Event::unreadable:
    case Event::proxy_handshake_failed:
      return;
  }
}

/// A connection that a "TLSRPT:" line announced is the same one.
LogConnection& PostfixLog::open(Process& process, Seconds at, const LogPeer& peer,
                                std::vector<ObservedSession>& sessions) {
  LogConnection fresh = context_.connect(at, peer.host, peer.address, peer.port);
  std::vector<LogConnection>& all = process.connections;
  LogConnection* known = find_connection(all, fresh.session.mx_host, fresh.session.receiving_ip);
  if (known != nullptr && known->announced && known->is_open()) {
    fresh.next_hop = known->next_hop;
    fresh.session.reported_by_mta = known->session.reported_by_mta;
    *known = std::move(fresh);
    return *known;
  }
  if (all.size() >= kMaxLogConnections) {
    context_.give_up(all.front(), sessions);
    all.erase(all.begin());
  }
  all.push_back(std::move(fresh));
  return all.back();
}

void PostfixLog::establish(const LogLineParts& parts, const PostfixLine& line, Process& process,
                           std::vector<ObservedSession>& sessions) {
  LogConnection& connection = open(process, parts.at, line.peer, sessions);
  ObservedSession& session = connection.session;
  session.starttls = StarttlsState::established;
  const auto fits = [&](const Fault& fault) {
    return fault.kind == Fault::Kind::certificate && fault.host == session.mx_host &&
           fault.address == session.receiving_ip;
  };
  bool refused = false;
  while (const auto fault = take_fault(process.faults, parts.at, fits)) {
    add_demanded_error(session, fault->error);
    refused = true;
  }
  Proxies& all = proxies(parts);
  if (!all.faults.empty()) {
    if (const auto fault = take_fault(all.faults, parts.at, fits)) {
      add_demanded_error(session, fault->error);
      refused = true;
    }
    const auto announcement = take_fault(all.faults, parts.at, [&](const Fault& fault) {
      return fault.kind == Fault::Kind::announcement && fault.host == session.mx_host &&
             fault.address == session.receiving_ip;
    });
    if (announcement) {
      connection.next_hop = announcement->next_hop;
      session.reported_by_mta = true;
    }
  }
  connection.cause_told = refused;
  apply_trust(line.trust, refused, context_.settings.trust_store, *process.knowledge, session);
  process.knowledge->logs_tls = true;
}

void PostfixLog::fail_handshake(const LogLineParts& parts, const PostfixLine& line,
                                Process& process, std::vector<ObservedSession>& sessions) {
  ObservedSession& session = open(process, parts.at, line.peer, sessions).session;
  session.starttls = StarttlsState::failed;
  session.reason_code = handshake_reason(line.text);
}

void PostfixLog::announce(const LogLineParts& parts, const PostfixLine& line, Process& process,
                          std::vector<ObservedSession>& sessions) {
  const std::string next_hop = domain_of(line.domain);
  LogConnection* known = find_connection(process.connections, domain_of(line.peer.host),
                                         address_of(line.peer.address));
  if (known != nullptr && known->is_open()) {
    known->next_hop = next_hop;
    known->session.reported_by_mta = true;
    return;
  }
  LogConnection& connection = open(process, parts.at, line.peer, sessions);
  connection.next_hop = next_hop;
  connection.announced = true;
  connection.session.reported_by_mta = true;
  apply_announcement(line, connection.session);
}

void PostfixLog::skip(const LogLineParts& parts, const PostfixLine& line,
                      std::vector<ObservedSession>& sessions) {
  LogConnection connection = context_.connect(parts.at, line.peer.host, {}, {});
  connection.session.starttls = StarttlsState::skipped;
  if (!connection.session.mx_host.empty()) {
    context_.tell(connection, domain_of(line.domain), sessions);
  }
}

/// What was put together for another message is over.
void PostfixLog::forget_others(Process& process, std::string_view queue_id,
                               std::vector<ObservedSession>& sessions) {
  std::erase_if(process.connections, [&](LogConnection& connection) {
    if (connection.queue_id.empty() || connection.queue_id == queue_id) return false;
    context_.give_up(connection, sessions);
    return true;
  });
}

/// A connection whose process logged nothing about TLS: refused by one side, failed in tlsproxy, or
/// mail that went without.
LogConnection* PostfixLog::without_tls_line(const LogLineParts& parts, const PostfixLine& line,
                                            const LogPeer& peer, Process& process,
                                            std::vector<ObservedSession>& sessions) {
  auto refusal = read_starttls_refusal(line.text);
  if (!refusal && !line.on_old_connection && process.knowledge->logs_tls &&
      went_beyond_ehlo(line.status, line.text)) {
    refusal = StarttlsRefusal{StarttlsState::not_offered, {}};
  }
  if (!refusal || (peer.host.empty() && refusal->state != StarttlsState::failed)) return nullptr;
  LogConnection& connection = open(process, parts.at, peer, sessions);
  connection.session.starttls = refusal->state;
  connection.session.reason_code = refusal->reason_code;
  if (refusal->state != StarttlsState::failed) return &connection;

  std::vector<Fault>& faults = proxies(parts).faults;
  const std::string address = connection.session.receiving_ip;
  const auto is_same = [&](Fault::Kind kind) {
    return [&address, kind](const Fault& fault) {
      return fault.kind == kind && (address.empty() || fault.address == address);
    };
  };
  // Without a name in the line it can only be told if there is no other.
  const bool is_only_one =
      std::count_if(faults.begin(), faults.end(), is_same(Fault::Kind::handshake)) == 1;
  if (const auto fault = take_fault(faults, parts.at, is_same(Fault::Kind::handshake))) {
    if (!fault->reason.empty()) connection.session.reason_code = fault->reason;
    if (address.empty() && is_only_one) connection.session.receiving_ip = fault->address;
  }
  if (connection.session.receiving_ip.empty()) return &connection;
  const auto announcement = take_fault(faults, parts.at, [&](const Fault& fault) {
    return fault.kind == Fault::Kind::announcement &&
           fault.address == connection.session.receiving_ip;
  });
  if (announcement) {
    connection.next_hop = announcement->next_hop;
    connection.session.reported_by_mta = true;
    if (connection.session.mx_host.empty()) connection.session.mx_host = announcement->host;
  }
  return &connection;
}

void PostfixLog::deliver(const LogLineParts& parts, const PostfixLine& line, Process& process,
                         std::vector<ObservedSession>& sessions) {
  forget_others(process, line.queue_id, sessions);
  std::vector<LogConnection>& all = process.connections;
  const std::string host = domain_of(line.peer.host);
  const std::string address = address_of(line.peer.address);
  LogConnection* its = nullptr;
  if (!line.peer.host.empty()) {
    its = find_connection(all, host, address);
    const bool is_retry = its != nullptr && !its->told.empty() &&
                          its->session.starttls != StarttlsState::established &&
                          parts.at - its->session.begun_at > kRetryAge;
    if (its == nullptr || is_retry) {
      its = without_tls_line(parts, line, line.peer, process, sessions);
    }
    if (its != nullptr) {
      refine(*its, line.text);
      its->queue_id = line.queue_id;
    }
  }
  // Lines of another connection without its end: some were lost.
  std::erase_if(all, [&](LogConnection& connection) {
    if (!connection.queue_id.empty()) return false;
    context_.give_up(connection, sessions);
    return true;
  });
  process.faults.clear();
  const std::string domain = recipient_domain(line.recipient);
  // Erasing moved it.
  its = its == nullptr ? nullptr : find_connection(all, host, address);
  // The same process may deliver the same message to other domains by other hosts.
  for (LogConnection& connection : all) {
    if (connection.is_open() || &connection == its) context_.tell(connection, domain, sessions);
  }
}

void PostfixLog::try_next_host(const LogLineParts& parts, const PostfixLine& line, Process& process,
                               std::vector<ObservedSession>& sessions) {
  forget_others(process, line.queue_id, sessions);
  bool found = false;
  for (LogConnection& connection : process.connections) {
    if (!connection.queue_id.empty()) continue;
    refine(connection, line.text);
    connection.queue_id = line.queue_id;
    found = true;
  }
  const auto peer = peer_in_reason(line.text);
  if (found) return;
  if (peer && find_connection(process.connections, domain_of(peer->host),
                              address_of(peer->address)) != nullptr) {
    return;
  }
  LogConnection* its = without_tls_line(parts, line, peer.value_or(LogPeer{}), process, sessions);
  if (its != nullptr) its->queue_id = line.queue_id;
}

Seconds PostfixLog::oldest_open() const {
  Seconds oldest = Seconds::max();
  processes_.for_each([&](const Process& process) {
    for (const LogConnection& connection : process.connections) {
      if (connection.is_open()) oldest = std::min(oldest, connection.session.begun_at);
    }
    for (const Fault& fault : process.faults) oldest = std::min(oldest, fault.at);
  });
  proxies_.for_each([&](const Proxies& proxies) {
    for (const Fault& fault : proxies.faults) {
      if (latest_ - fault.at <= kFaultAge) oldest = std::min(oldest, fault.at);
    }
  });
  return oldest;
}

}  // namespace tlsrpt::sender
