// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What was decided, built and sent for each recipient domain's day. It lives beside the counts in
// outbound.db, so that a restart, or a second process, goes on where the first one stopped.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/rua.hpp"
#include "common/sqlite.hpp"
#include "common/utc_time.hpp"

namespace tlsrpt::sender {

/// What was decided about a domain's day. Words in the database and in output.
enum class PlanState : std::uint8_t {
  planned,    ///< deliveries exist; final
  no_record,  ///< final for the daemon, as are the others; 'send' decides anew
  invalid_record,
  no_usable_rua,
  skipped,      ///< no failures, and ReportSuccess is off
  excluded,     ///< by DestinationRules, or all destinations are suppressed
  too_old,      ///< beyond MaximumAge
  dns_failure,  ///< to be looked up again
};
std::string_view to_word(PlanState state);
std::optional<PlanState> plan_state(std::string_view word);

enum class DeliveryState : std::uint8_t {
  waiting,      ///< for its due time
  sending,      ///< claimed by a process; free again when that process has died
  deferred,     ///< tried, to be tried again
  delivered,    ///< accepted; final, unless it bounces
  failed,       ///< refused for good
  expired,      ///< not accepted within 24 hours
  bounced,      ///< accepted by the mail server, and returned later
  suppressed,   ///< not sent: the destination does not take reports
  excluded,     ///< not sent: DestinationRules
  unsupported,  ///< of versions before 0.2: https:
};
std::string_view to_word(DeliveryState state);
std::string_view to_word(Rua::Scheme scheme);
std::optional<DeliveryState> delivery_state(std::string_view word);
/// Will something still happen with it by itself?
bool is_open(DeliveryState state);
/// May it be handed over, by itself or because somebody wants it?
bool can_be_served(DeliveryState state);

struct DeliveryKey {
  Day day;
  std::string domain;
  std::string destination;  ///< the URI
  [[nodiscard]] Rua::Scheme scheme() const;
  bool operator==(const DeliveryKey&) const = default;
};

struct Delivery {
  std::int64_t id = 0;    ///< in the database
  std::int64_t plan = 0;  ///< the day of the domain that it belongs to
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
  Seconds due{};       ///< of dns_failure: when to look again
  int lookups = 0;     ///< that failed so far
  std::string detail;  ///< why there is no report; not escaped
  std::vector<Delivery> deliveries;
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

/// For 'queue': what is asked of the list.
struct DeliveryFilter {
  std::optional<Day> day;
  std::string domain;                 ///< empty: all
  std::vector<DeliveryState> states;  ///< empty: all
};

/// How many deliveries of a day are in each state, and how many plans.
struct DayCounts {
  Day day;
  std::map<PlanState, std::uint64_t> plans;
  std::map<DeliveryState, std::uint64_t> deliveries;
  std::uint64_t reports = 0;  ///< built
};

/// Threads and processes as for Sqlite: one object in one thread, any number of processes.
class Ledger {
 public:
  explicit Ledger(Sqlite& database) : database_(&database) {}

  /// Records plans in one transaction. A domain's day that is already planned stays as it is.
  Result<void> record(const std::vector<Plan>& plans);
  /// Domains with counts on that day for which nothing is decided yet, or that are to be looked up
  /// again at 'now': the first 'limit' behind 'after', sorted.
  Result<std::vector<std::string>> undecided_domains(Day day, Seconds now, std::string_view after,
                                                     std::size_t limit);
  Result<std::optional<Plan>> find_plan(Day day, std::string_view domain);  ///< without deliveries

  /// Open deliveries of one kind that are due, most overdue first.
  Result<std::vector<Delivery>> due(Rua::Scheme scheme, Seconds now, std::size_t limit);
  /// When the next open delivery of the kind is due.
  Result<std::optional<Seconds>> next_due(Rua::Scheme scheme);
  Result<std::vector<Delivery>> deliveries(Day day, std::string_view domain);
  Result<std::optional<Delivery>> find_delivery(std::int64_t id);
  /// By due time; at most 'limit'.
  Result<std::vector<Delivery>> list(const DeliveryFilter& filter, std::size_t limit);
  Result<std::uint64_t> count(const DeliveryFilter& filter);
  /// Days with plans, newest first.
  Result<std::vector<DayCounts>> day_counts();
  /// The latest failures and deferrals of the day, newest first.
  Result<std::vector<Delivery>> last_errors(Day day, std::size_t limit);

  /// Takes a delivery for the process in 'slot' (sender/sender_slot.hpp): state sending, one
  /// attempt more, until finish() or that process dies. Nothing if it is not as 'candidate' says
  /// any more, because it is done or another process has it.
  Result<std::optional<Delivery>> claim(const Delivery& candidate, Seconds now, int slot);
  /// Makes an open delivery wait longer, without an attempt.
  Result<void> postpone(std::int64_t id, Seconds due);
  /// Ends a claim: 'end' is the claimed delivery with what came of it as state, due, detail, and
  /// without first_attempt if nobody was asked.
  /// False if the claim was taken away and another one followed.
  Result<bool> finish(const Delivery& end, Seconds now);
  /// A delivery that was not claimed gets a final state without an attempt.
  /// Only if it is still as 'from' says; false otherwise.
  Result<bool> settle(const Delivery& from, DeliveryState state, Seconds now,
                      std::string_view detail);
  /// Makes what is deferred, failed, expired, bounced or suppressed due now, with 24 hours to go;
  /// gives how many.
  Result<std::uint64_t> retry(const DeliveryFilter& filter, Seconds now);

  /// Writes down that a process is about to claim things. False: one is there under this number,
  /// and since two cannot have it, that one has died.
  Result<bool> enter(int slot);
  /// It ends, with nothing in hand.
  Result<void> leave(int slot);
  /// Who has entered and not left.
  Result<std::vector<int>> slots();
  /// The process in the slot has died: what it had in hand is due now. Gives how many.
  Result<std::uint64_t> release_claims(int slot, Seconds now);

  Result<std::optional<StoredReport>> find_report(std::int64_t plan);
  Result<std::optional<StoredReport>> find_report(Day day, std::string_view domain);
  /// Keeps the report unless there is one already; gives the one that counts.
  Result<StoredReport> keep_report(std::int64_t plan, StoredReport report);

  /// A secret of this database, made on first use: proves that a Message-ID is ours.
  Result<std::string> secret();

  /// Forgets a part of the days before 'first_kept'; false: nothing is left of them. Only after the
  /// counts of these days are gone: without its entry a day would be sent again.
  Result<bool> prune(Day first_kept);

 private:
  Sqlite* database_;
};

}  // namespace tlsrpt::sender
