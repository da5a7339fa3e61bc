// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What was decided, built and sent for each recipient domain's day. It lives beside the counts in
// outbound.db, so that a restart, or a second process, goes on where the first one stopped.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/sqlite.hpp"
#include "common/utc_time.hpp"

namespace tlsrpt::sender {

/// What was decided about a domain's day. Words in the database and in output.
enum class PlanState : std::uint8_t {
  planned,    ///< deliveries exist; final
  no_record,  ///< final for the daemon, as are the next three; 'send' decides anew
  invalid_record,
  no_usable_rua,
  skipped,      ///< no failures, and ReportSuccess is off
  dns_failure,  ///< to be looked up again
};
std::string_view to_word(PlanState state);

enum class DeliveryState : std::uint8_t {
  waiting,      ///< for its due time
  sending,      ///< claimed by a process; free again at its due time if that process died
  deferred,     ///< tried, to be tried again
  delivered,    ///< accepted by the mail server; final
  failed,       ///< refused for good
  expired,      ///< not accepted within 24 hours
  unsupported,  ///< a kind of destination that this version does not serve
};
std::string_view to_word(DeliveryState state);
std::optional<DeliveryState> delivery_state(std::string_view word);

struct DeliveryKey {
  Day day;
  std::string domain;
  std::string destination;  ///< the URI
  bool operator==(const DeliveryKey&) const = default;
};

struct Delivery {
  DeliveryKey key;
  DeliveryState state = DeliveryState::waiting;
  Seconds due{};
  int attempts = 0;
  std::optional<Seconds> first_attempt;
  std::string detail;  ///< the last error or reply; not escaped
};

struct Plan {
  Day day;
  std::string domain;
  PlanState state = PlanState::planned;
  Seconds due{};                     ///< of dns_failure: when to look again
  int lookups = 0;                   ///< that failed so far
  std::vector<Delivery> deliveries;  ///< of planned and no_usable_rua
};

/// One report, built once and never changed: every hand-over of it carries the same bytes.
struct StoredReport {
  Day day;
  std::string domain;
  std::string report_id;
  std::string gzipped;
  std::string summary;  ///< text part of its mails
  Seconds created{};    ///< Date of its mails
};

enum class ClaimMode : std::uint8_t {
  due_only,  ///< what is open and due
  now,       ///< what is open, and what failed or expired, whatever its due time
};

/// Threads and processes as for Sqlite: one object in one thread, any number of processes.
class Ledger {
 public:
  explicit Ledger(Sqlite& database) : database_(&database) {}

  /// Records plans in one transaction. A domain's day that is already planned stays as it is.
  Result<void> record(const std::vector<Plan>& plans);
  /// Domains of the day that need no look at now, sorted.
  Result<std::vector<std::string>> settled_domains(Day day, Seconds now);
  Result<std::optional<Plan>> find_plan(Day day, std::string_view domain);  ///< without deliveries

  /// Open deliveries that are due, most overdue first.
  Result<std::vector<Delivery>> due(Seconds now, int limit);
  /// When the next open delivery is due.
  Result<std::optional<Seconds>> next_due();
  Result<std::vector<Delivery>> deliveries(Day day, std::string_view domain);

  /// Takes a delivery for this process until 'until': state sending, one attempt more. Nothing if
  /// it is not to be had, because it is done or another process has it.
  Result<std::optional<Delivery>> claim(const DeliveryKey& key, Seconds now, Seconds until,
                                        ClaimMode mode);
  /// Ends a claim with what came of it. False if the claim had run out and another one followed.
  /// Survives the end of the process at once, a power failure from the next commit of any other
  /// kind or sync() on: until then the report would be handed over again, once.
  Result<bool> finish(const Delivery& claimed, DeliveryState state, Seconds due,
                      std::string_view detail);

  /// Makes all ends of claims survive a power failure.
  Result<void> sync();

  Result<std::optional<StoredReport>> find_report(Day day, std::string_view domain);
  /// Keeps the report unless there is one already; gives the one that counts.
  Result<StoredReport> keep_report(const StoredReport& report);

  /// Forgets days before 'first_kept'. Only after the counts of these days are gone: without its
  /// entry a day would be sent again.
  Result<void> prune(Day first_kept);

 private:
  Result<bool> update_end(const Delivery& claimed, DeliveryState state, Seconds due,
                          std::string_view detail);

  Sqlite* database_;
};

/// The ledger's tables, a migration of outbound.db.
std::string_view ledger_migration();

}  // namespace tlsrpt::sender
