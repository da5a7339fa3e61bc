// SPDX-License-Identifier: BSD-2-Clause
#include "sender/ledger.hpp"

#include <array>
#include <utility>

namespace tlsrpt::sender {

namespace {

constexpr std::array kPlanStates = {PlanState::planned,        PlanState::no_record,
                                    PlanState::invalid_record, PlanState::no_usable_rua,
                                    PlanState::skipped,        PlanState::dns_failure};
constexpr std::array kDeliveryStates = {DeliveryState::waiting,    DeliveryState::sending,
                                        DeliveryState::deferred,   DeliveryState::delivered,
                                        DeliveryState::failed,     DeliveryState::expired,
                                        DeliveryState::unsupported};

constexpr std::string_view kDeliveryColumns =
    "SELECT day, domain, destination, state, due, attempts, first_attempt, detail FROM delivery ";

std::int64_t to_number(Day day) { return day.time_since_epoch().count(); }
std::int64_t to_number(Seconds time) { return time.time_since_epoch().count(); }
Day to_day(std::int64_t number) { return Day(std::chrono::days(number)); }
Seconds to_seconds(std::int64_t number) { return Seconds(std::chrono::seconds(number)); }

PlanState plan_state(std::string_view word) {
  for (const PlanState state : kPlanStates) {
    if (to_word(state) == word) return state;
  }
  return PlanState::planned;  // the schema's CHECK keeps other words out
}

Delivery read_delivery(const Statement& row) {
  Delivery delivery;
  delivery.key = {to_day(row.integer(0)), row.text(1), row.text(2)};
  delivery.state = delivery_state(row.text(3)).value_or(DeliveryState::failed);
  delivery.due = to_seconds(row.integer(4));
  delivery.attempts = static_cast<int>(row.integer(5));
  if (!row.is_null(6)) delivery.first_attempt = to_seconds(row.integer(6));
  delivery.detail = row.text(7);
  return delivery;
}

Result<std::vector<Delivery>> read_deliveries(Statement& query) {
  std::vector<Delivery> rows;
  for (;;) {
    const auto row = query.step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return rows;
    rows.push_back(read_delivery(query));
  }
}

Result<bool> record_plan(Sqlite& database, const Plan& plan) {
  auto insert = database.prepare(
      "INSERT INTO plan (domain, day, state, due, lookups) VALUES (?,?,?,?,?)"
      " ON CONFLICT (domain, day) DO UPDATE SET state=excluded.state, due=excluded.due,"
      " lookups=excluded.lookups WHERE plan.state <> 'planned'");
  if (!insert) return tl::unexpected(insert.error());
  auto done = insert->bind(0, plan.domain)
                  .bind(1, to_number(plan.day))
                  .bind(2, to_word(plan.state))
                  .bind(3, to_number(plan.due))
                  .bind(4, plan.lookups)
                  .run();
  if (!done) return tl::unexpected(done.error());
  return database.changes() > 0;
}

Result<void> record_delivery(Sqlite& database, const Delivery& delivery) {
  auto insert = database.prepare(
      "INSERT OR IGNORE INTO delivery (domain, day, destination, state, due, attempts, detail)"
      " VALUES (?,?,?,?,?,0,?)");
  if (!insert) return tl::unexpected(insert.error());
  return insert->bind(0, delivery.key.domain)
      .bind(1, to_number(delivery.key.day))
      .bind(2, delivery.key.destination)
      .bind(3, to_word(delivery.state))
      .bind(4, to_number(delivery.due))
      .bind(5, delivery.detail)
      .run();
}

}  // namespace

std::string_view ledger_migration() {
  return R"(
CREATE TABLE plan (
  domain TEXT NOT NULL,
  day INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN
    ('planned','no-record','invalid-record','no-usable-rua','skipped','dns-failure')),
  due INTEGER NOT NULL,
  lookups INTEGER NOT NULL,
  PRIMARY KEY (domain, day)
) WITHOUT ROWID;
CREATE INDEX plan_by_day ON plan (day, domain);
CREATE TABLE delivery (
  domain TEXT NOT NULL,
  day INTEGER NOT NULL,
  destination TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN
    ('waiting','sending','deferred','delivered','failed','expired','unsupported')),
  due INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  first_attempt INTEGER,
  detail TEXT NOT NULL,
  PRIMARY KEY (domain, day, destination)
) WITHOUT ROWID;
CREATE INDEX delivery_by_day ON delivery (day);
CREATE INDEX delivery_open ON delivery (due) WHERE state IN ('waiting','sending','deferred');
CREATE TABLE report (
  domain TEXT NOT NULL,
  day INTEGER NOT NULL,
  report_id TEXT NOT NULL UNIQUE,
  gzipped BLOB NOT NULL,
  summary TEXT NOT NULL,
  created INTEGER NOT NULL,
  PRIMARY KEY (domain, day)
);
CREATE INDEX report_by_day ON report (day);
)";
}

std::string_view to_word(PlanState state) {
  switch (state) {
    case PlanState::planned:
      return "planned";
    case PlanState::no_record:
      return "no-record";
    case PlanState::invalid_record:
      return "invalid-record";
    case PlanState::no_usable_rua:
      return "no-usable-rua";
    case PlanState::skipped:
      return "skipped";
    case PlanState::dns_failure:
      return "dns-failure";
  }
  return "";
}

std::string_view to_word(DeliveryState state) {
  switch (state) {
    case DeliveryState::waiting:
      return "waiting";
    case DeliveryState::sending:
      return "sending";
    case DeliveryState::deferred:
      return "deferred";
    case DeliveryState::delivered:
      return "delivered";
    case DeliveryState::failed:
      return "failed";
    case DeliveryState::expired:
      return "expired";
    case DeliveryState::unsupported:
      return "unsupported";
  }
  return "";
}

std::optional<DeliveryState> delivery_state(std::string_view word) {
  for (const DeliveryState state : kDeliveryStates) {
    if (to_word(state) == word) return state;
  }
  return std::nullopt;
}

Result<void> Ledger::record(const std::vector<Plan>& plans) {
  auto transaction = Transaction::begin(*database_);
  if (!transaction) return tl::unexpected(transaction.error());
  for (const Plan& plan : plans) {
    const auto recorded = record_plan(*database_, plan);
    if (!recorded) return tl::unexpected(recorded.error());
    if (!*recorded) continue;  // another process was quicker; its destinations count
    for (const Delivery& delivery : plan.deliveries) {
      if (auto done = record_delivery(*database_, delivery); !done) return done;
    }
  }
  return transaction->commit();
}

Result<std::vector<std::string>> Ledger::settled_domains(Day day, Seconds now) {
  auto query = database_->prepare(
      "SELECT domain FROM plan WHERE day=? AND (state<>'dns-failure' OR due>?) ORDER BY domain");
  if (!query) return tl::unexpected(query.error());
  query->bind(0, to_number(day)).bind(1, to_number(now));
  std::vector<std::string> domains;
  for (;;) {
    const auto row = query->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return domains;
    domains.push_back(query->text(0));
  }
}

Result<std::optional<Plan>> Ledger::find_plan(Day day, std::string_view domain) {
  auto query = database_->prepare("SELECT state, due, lookups FROM plan WHERE domain=? AND day=?");
  if (!query) return tl::unexpected(query.error());
  const auto row = query->bind(0, domain).bind(1, to_number(day)).step();
  if (!row) return tl::unexpected(row.error());
  if (!*row) return std::optional<Plan>{};
  Plan plan;
  plan.day = day;
  plan.domain = domain;
  plan.state = plan_state(query->text(0));
  plan.due = to_seconds(query->integer(1));
  plan.lookups = static_cast<int>(query->integer(2));
  return std::optional<Plan>(std::move(plan));
}

Result<std::vector<Delivery>> Ledger::due(Seconds now, int limit) {
  auto query = database_->prepare(
      std::string(kDeliveryColumns) +
      "WHERE state IN ('waiting','sending','deferred') AND due<=? ORDER BY due LIMIT ?");
  if (!query) return tl::unexpected(query.error());
  query->bind(0, to_number(now)).bind(1, limit);
  return read_deliveries(*query);
}

Result<std::optional<Seconds>> Ledger::next_due() {
  auto query = database_->prepare(
      "SELECT min(due) FROM delivery WHERE state IN ('waiting','sending','deferred')");
  if (!query) return tl::unexpected(query.error());
  const auto row = query->step();
  if (!row) return tl::unexpected(row.error());
  if (!*row || query->is_null(0)) return std::optional<Seconds>{};
  return std::optional<Seconds>(to_seconds(query->integer(0)));
}

Result<std::vector<Delivery>> Ledger::deliveries(Day day, std::string_view domain) {
  auto query = database_->prepare(std::string(kDeliveryColumns) +
                                  "WHERE domain=? AND day=? ORDER BY destination");
  if (!query) return tl::unexpected(query.error());
  query->bind(0, domain).bind(1, to_number(day));
  return read_deliveries(*query);
}

Result<std::optional<Delivery>> Ledger::claim(const DeliveryKey& key, Seconds now, Seconds until,
                                              ClaimMode mode) {
  // One statement decides, so that two processes can never both have it. After a failure or an
  // expiry the 24 hours begin again.
  auto query = database_->prepare(
      "UPDATE delivery SET attempts=attempts+1, due=?1, first_attempt=CASE"
      " WHEN state IN ('failed','expired') THEN ?2 ELSE coalesce(first_attempt,?2) END,"
      " state='sending' WHERE domain=?3 AND day=?4 AND destination=?5 AND CASE state"
      " WHEN 'sending' THEN due<=?2"
      " WHEN 'waiting' THEN ?6 OR due<=?2"
      " WHEN 'deferred' THEN ?6 OR due<=?2"
      " WHEN 'failed' THEN ?6"
      " WHEN 'expired' THEN ?6 ELSE 0 END"
      " RETURNING day, domain, destination, state, due, attempts, first_attempt, detail");
  if (!query) return tl::unexpected(query.error());
  query->bind(0, to_number(until))
      .bind(1, to_number(now))
      .bind(2, key.domain)
      .bind(3, to_number(key.day))
      .bind(4, key.destination)
      .bind(5, std::int64_t{mode == ClaimMode::now});
  const auto row = query->step();
  if (!row) return tl::unexpected(row.error());
  if (!*row) return std::optional<Delivery>{};
  Delivery claimed = read_delivery(*query);
  // The change is committed when the statement has run to its end.
  if (const auto end = query->step(); !end) return tl::unexpected(end.error());
  return std::optional<Delivery>(std::move(claimed));
}

Result<bool> Ledger::finish(const Delivery& claimed, DeliveryState state, Seconds due,
                            std::string_view detail) {
  // Half of all commits, and the others wait for the disk for these, too.
  if (auto done = database_->execute("PRAGMA synchronous=NORMAL"); !done) {
    return tl::unexpected(done.error());
  }
  auto updated = update_end(claimed, state, due, detail);
  if (auto done = database_->execute("PRAGMA synchronous=FULL"); !done) {
    return tl::unexpected(done.error());
  }
  return updated;
}

Result<void> Ledger::sync() { return database_->execute("PRAGMA wal_checkpoint(PASSIVE)"); }

Result<bool> Ledger::update_end(const Delivery& claimed, DeliveryState state, Seconds due,
                                std::string_view detail) {
  // 'attempts' tells this claim from a later one.
  auto update = database_->prepare(
      "UPDATE delivery SET state=?, due=?, detail=? WHERE domain=? AND day=? AND destination=?"
      " AND state='sending' AND attempts=?");
  if (!update) return tl::unexpected(update.error());
  auto done = update->bind(0, to_word(state))
                  .bind(1, to_number(due))
                  .bind(2, detail)
                  .bind(3, claimed.key.domain)
                  .bind(4, to_number(claimed.key.day))
                  .bind(5, claimed.key.destination)
                  .bind(6, claimed.attempts)
                  .run();
  if (!done) return tl::unexpected(done.error());
  return database_->changes() > 0;
}

Result<std::optional<StoredReport>> Ledger::find_report(Day day, std::string_view domain) {
  auto query = database_->prepare(
      "SELECT report_id, gzipped, summary, created FROM report WHERE domain=? AND day=?");
  if (!query) return tl::unexpected(query.error());
  const auto row = query->bind(0, domain).bind(1, to_number(day)).step();
  if (!row) return tl::unexpected(row.error());
  if (!*row) return std::optional<StoredReport>{};
  return std::optional<StoredReport>(StoredReport{day, std::string(domain), query->text(0),
                                                  query->text(1), query->text(2),
                                                  to_seconds(query->integer(3))});
}

Result<StoredReport> Ledger::keep_report(const StoredReport& report) {
  auto insert = database_->prepare(
      "INSERT INTO report (domain, day, report_id, gzipped, summary, created) VALUES (?,?,?,?,?,?)"
      " ON CONFLICT (domain, day) DO NOTHING");
  if (!insert) return tl::unexpected(insert.error());
  auto done = insert->bind(0, report.domain)
                  .bind(1, to_number(report.day))
                  .bind(2, report.report_id)
                  .bind_blob(3, report.gzipped)
                  .bind(4, report.summary)
                  .bind(5, to_number(report.created))
                  .run();
  if (!done) return tl::unexpected(done.error());
  auto kept = find_report(report.day, report.domain);
  if (!kept) return tl::unexpected(kept.error());
  if (!*kept) return fail(ErrorCode::database, "the report of {} is gone", report.domain);
  return std::move(**kept);
}

Result<void> Ledger::prune(Day first_kept) {
  auto transaction = Transaction::begin(*database_);
  if (!transaction) return tl::unexpected(transaction.error());
  for (const std::string_view table : {"delivery", "report", "plan"}) {
    auto remove = database_->prepare(fmt::format("DELETE FROM {} WHERE day<?", table));
    if (!remove) return tl::unexpected(remove.error());
    if (auto done = remove->bind(0, to_number(first_kept)).run(); !done) return done;
  }
  return transaction->commit();
}

}  // namespace tlsrpt::sender
