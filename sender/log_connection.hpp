// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// One connection of an MTA while its lines come in, and what its readers share.

#include <string>
#include <string_view>
#include <vector>

#include "sender/mail_log.hpp"
#include "sender/observed_session.hpp"

namespace tlsrpt::sender {

struct LogConnection {
  ObservedSession session;  ///< without its domain
  std::string queue_id;     ///< of the message; empty: not known yet
  std::string next_hop;     ///< domain that the MTA itself named; empty: the recipients' counts
  std::vector<std::string> told;  ///< domains that a session was given for already
  bool ignored = false;     ///< never a session: local, a fixed next hop, or nothing that counts
  bool announced = false;   ///< only an announcement so far: the line with the facts may follow
  bool cause_told = false;  ///< a line said what the MTA has against the certificate

  [[nodiscard]] bool is_open() const {
    return told.empty() && !ignored && session.starttls != StarttlsState::not_reached;
  }
};

/// What an MTA has shown of itself. It has to be seen once, also after a restart; until then
/// nothing is concluded from it, so that fewer sessions are counted and none wrongly.
struct LogKnowledge {
  std::uint64_t trusted = 0;
  std::uint64_t untrusted = 0;  ///< where nothing demanded trust
  bool logs_tls = false;        ///< its log tells of established sessions

  /// Is "Untrusted" the word of an MTA that can tell? Without a trust store all are untrusted, but
  /// for a few whose TLSA records were used although their domain is not signed; with one, few are.
  /// So one in ten of those before that were trusted is enough.
  [[nodiscard]] bool can_distrust(TrustStoreOfMta trust_store) const;
};

/// What the readers of the three logs share. It outlives them.
class LogContext {
 public:
  explicit LogContext(MailLogSettings given);

  /// Is this host one that is never reported on: a fixed next hop by the settings, this machine,
  /// or an address in place of a name?
  [[nodiscard]] bool ignores(std::string_view host, std::string_view address) const;

  /// A connection to that host. port: empty is 25; any other is no delivery to an MX.
  [[nodiscard]] LogConnection connect(Seconds at, std::string_view host, std::string_view address,
                                      std::string_view port) const;

  /// Appends the session for a domain, once for each (R322). An empty domain is none.
  void tell(LogConnection& connection, const std::string& domain,
            std::vector<ObservedSession>& sessions);

  /// Its lines are given up: it is told if its domain is known, else counted.
  void give_up(LogConnection& connection, std::vector<ObservedSession>& sessions);

  const MailLogSettings settings;
  MailLogCounters counters;
};

/// Adds an error once, the weightiest first: an expired certificate over a name over the rest.
void add_error(Verification& verification, int error);

/// The MTA refused the certificate by the policy that it enforced. 65 is about TLSA records alone.
void add_demanded_error(ObservedSession& session, int error);

/// The connection to that peer; the newest; none: nullptr. Normalised names.
LogConnection* find_connection(std::vector<LogConnection>& connections, std::string_view host,
                               std::string_view address);

inline constexpr std::size_t kMaxLogConnections = 16;  ///< of one process or message
inline constexpr std::size_t kMaxLogDomains = 64;      ///< of one connection

}  // namespace tlsrpt::sender
