// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Sessions out of the logs of MTAs: Postfix, Sendmail and Exim.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/utc_time.hpp"
#include "sender/observed_session.hpp"

namespace tlsrpt::sender {

/// One entry, whatever carried it: the views are the caller's.
struct MailLogEntry {
  Seconds at{};
  std::string_view identity;  ///< "postfix/smtp", "postfix-out/smtp", "sm-mta", "exim"
  std::string_view pid;
  std::string_view text;
};

/// Has the MTA certificates of authorities, so that it can tell a trusted chain from another one?
enum class TrustStoreOfMta : std::uint8_t {
  unknown,  ///< its log has to show it
  present,
  absent,
};

struct MailLogSettings {
  /// Names of relays (glob patterns) that are a fixed next hop: what goes there says nothing about
  /// the recipient's domain.
  std::vector<std::string> ignored_relays;
  /// Only sessions that an MTA with libtlsrpt cannot judge: see LogSessions in opentlsrpt.conf(5).
  /// Which those are is up to their policies, so that MailLog gives all of them.
  bool only_unjudged = false;
  TrustStoreOfMta trust_store = TrustStoreOfMta::unknown;
  std::size_t max_processes = 20000;   ///< whose lines are being put together
  std::chrono::seconds max_open{900};  ///< after that the lines of a session are given up
};

struct MailLogCounters {
  std::uint64_t lines = 0;
  std::uint64_t sessions = 0;
  std::uint64_t incomplete = 0;  ///< connections whose delivery line never came
  std::uint64_t evicted = 0;     ///< beyond max_processes
  std::uint64_t unreadable = 0;  ///< lines of an MTA's client that follow no known shape
};

/// Puts the lines of one log together: one session for each connection that reached STARTTLS, and
/// for each recipient domain that it was used for. Deterministic: the same lines give the same
/// sessions, wherever between two sessions it begins, but for two things that an MTA has to show
/// once after each beginning: that it logs TLS (else mail that went without TLS is not taken for
/// STARTTLS that was not offered), and, if the settings do not tell, that it has a trust store
/// (else "Untrusted" proves nothing). Until then such sessions are left out, or say less; none is
/// wrong. Threads: one at a time.
class MailLog {
 public:
  explicit MailLog(MailLogSettings settings);
  ~MailLog();
  MailLog(MailLog&&) noexcept;

  /// A line of a file, with syslog's header (traditional or RFC 3339) or Exim's, without its end.
  /// Sessions that it completes are appended. 'now': for the year that a traditional header lacks.
  void add_line(std::string_view line, Seconds now, std::vector<ObservedSession>& sessions);
  /// An entry of a journal.
  void add_entry(const MailLogEntry& entry, std::vector<ObservedSession>& sessions);

  [[nodiscard]] const MailLogCounters& counters() const;
  /// When the oldest session began whose lines are still being put together; none: max. Looks at
  /// all processes: once for many lines.
  [[nodiscard]] Seconds oldest_open() const;
  /// The latest time that a line bore so far; none yet: Seconds::min().
  [[nodiscard]] Seconds newest() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace tlsrpt::sender
