// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What was counted about outbound sessions, by UTC day and recipient domain, kept in outbound.db.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/sqlite.hpp"
#include "common/utc_time.hpp"
#include "sender/log_record.hpp"
#include "sender/outcome.hpp"

namespace tlsrpt::sender {

/// An outcome and how often it was seen since the last flush.
struct CountedOutcome {
  Day day;
  Outcome outcome;
  std::uint64_t sessions = 0;
};

struct StoreBounds {
  /// Policies of domains, per day. Sessions of further ones are counted in one row without domain.
  std::uint64_t max_keys = 1000000;
  /// Distinct ones per policy and day; further ones are folded by result type.
  std::uint64_t max_failure_details = 1000;
};

/// What one flush did besides counting.
struct FlushResult {
  std::uint64_t overflow_sessions = 0;  ///< beyond max_keys
  std::uint64_t folded_details = 0;     ///< beyond max_failure_details
  std::uint64_t keys = 0;               ///< of the last day that was written to, so far
};

/// Sessions of a day for which there was no room by domain.
struct Overflow {
  std::uint64_t successes = 0;
  std::uint64_t failures = 0;
};

/// One recipient domain's day.
struct DomainDay {
  Day day;
  std::string domain;
  std::string tlsrpt_record;  ///< the last one that an MTA saw; may be empty
  std::vector<PolicyResult>
      policies;  ///< sorted by type, domain, strings: equal data gives an equal list
};

struct DomainDaySummary {
  std::string tlsrpt_record;  ///< as above
  bool has_failures = false;  ///< failed sessions or failure details
};

/// One example of a kind of bad datagram.
struct KeptSample {
  std::string reason;
  Seconds seen_at{};
  std::uint64_t times = 0;  ///< so many of the kind so far
  std::string datagram;
};

/// Threads and processes: any number of processes may add; each uses its own object in one thread.
class OutboundStore {
 public:
  static Result<OutboundStore> open(const std::string& path, SqliteMode mode,
                                    int busy_timeout_ms = 5000);

  /// Adds all of them in one transaction, durable when it returns.
  Result<FlushResult> add(const std::vector<CountedOutcome>& outcomes,
                          const std::map<std::string, std::uint64_t>& counters,
                          const StoreBounds& bounds);

  /// Days with data, oldest first.
  Result<std::vector<Day>> days();
  /// Domains with data on that day, sorted.
  Result<std::vector<std::string>> domains(Day day);
  Result<std::uint64_t> count_domains(Day day);
  Result<DomainDay> load(Day day, std::string_view domain);
  /// What must be known of a domain's day before it is worth loading.
  Result<DomainDaySummary> summary(Day day, std::string_view domain);
  Result<Overflow> overflow(Day day);

  /// Running totals: datagrams read, bad by reason, folded, dropped.
  Result<std::map<std::string, std::uint64_t>> counters();
  /// How things stood when a collector last wrote.
  Result<std::map<std::string, std::uint64_t>> gauges();

  /// Keeps one example of each kind of bad datagram: reason, when, how often ('times' more), and
  /// the newest one's bytes (cut to 4 KiB).
  Result<void> keep_bad_sample(std::string_view reason, Seconds when, std::uint64_t times,
                               std::string_view datagram);
  /// The examples, by reason.
  Result<std::vector<KeptSample>> bad_samples();

  /// Up to which number the segments of a journal have been counted; 0: none. To be read and set in
  /// the transaction that counts.
  Result<std::uint64_t> applied(std::uint64_t journal);
  Result<void> set_applied(std::uint64_t journal, std::uint64_t number, Seconds now);

  /// Up to where logs have been counted, of each source. To be set in the transaction that counts.
  Result<std::vector<LogPosition>> log_positions();
  /// The same of one source, for a process that follows it from now on, and has a higher generation
  /// than all before: what those have left behind does not count any more as soon as this returns.
  /// Nothing: nobody has followed it yet; it is kept that the first one begins at 'end'.
  Result<std::optional<LogPosition>> claim_log(const std::string& source, const std::string& end,
                                               Seconds now);
  Result<void> set_log_position(const LogPosition& position, Seconds now);

  /// Forgets a part of the days before 'first_kept'; false: nothing is left of them.
  Result<bool> prune(Day first_kept);

  /// The connection, for the ledger that lives in the same file (sender/ledger.hpp).
  [[nodiscard]] Sqlite& database() { return database_; }

 private:
  explicit OutboundStore(Sqlite database) : database_(std::move(database)) {}
  Sqlite database_;
};

/// All migrations of outbound.db: the collector's and the reporter's tables, in order.
const std::vector<std::string>& outbound_migrations();

/// "sqlite:/var/lib/opentlsrpt" -> "/var/lib/opentlsrpt/outbound.db"; unsupported for other kinds
/// of Database.
Result<std::string> outbound_path(std::string_view database);

}  // namespace tlsrpt::sender
