// SPDX-License-Identifier: BSD-2-Clause
#include "sender/ledger.hpp"

#include <openssl/rand.h>

#include <array>
#include <utility>

#include "sender/ledger_rows.hpp"

namespace tlsrpt::sender {

using namespace ledger;

namespace {

constexpr std::size_t kSecretBytes = 32;
constexpr int kPruneAtOnce = 5000;

constexpr std::string_view kToBeServed = "state IN ('waiting','deferred')";

Result<std::optional<Delivery>> read_one(Statement& query) {
  auto rows = read_deliveries(query);
  if (!rows) return tl::unexpected(rows.error());
  if (rows->empty()) return std::optional<Delivery>{};
  return std::optional<Delivery>(std::move(rows->front()));
}

/// The number of the plan's row; nothing if it was planned before.
Result<std::optional<std::int64_t>> record_plan(Sqlite& database, const Plan& plan) {
  auto insert = database.cached(
      "INSERT INTO plan (day, domain, state, due, lookups, detail) VALUES (?,?,?,?,?,?)"
      " ON CONFLICT (day, domain) DO UPDATE SET state=excluded.state, due=excluded.due,"
      " lookups=excluded.lookups, detail=excluded.detail WHERE plan.state <> 'planned'"
      " RETURNING id");
  if (!insert) return tl::unexpected(insert.error());
  insert->bind(0, to_number(plan.day))
      .bind(1, plan.domain)
      .bind(2, to_word(plan.state))
      .bind(3, to_number(plan.due))
      .bind(4, plan.lookups)
      .bind(5, plan.detail);
  const auto row = insert->step();
  if (!row) return tl::unexpected(row.error());
  if (!*row) return std::optional<std::int64_t>{};
  const std::int64_t id = insert->integer(0);
  if (const auto end = insert->step(); !end) return tl::unexpected(end.error());
  return std::optional<std::int64_t>(id);
}

Result<void> record_delivery(Sqlite& database, std::int64_t plan, const Delivery& delivery) {
  // A plan that is decided anew, as by 'send', gives what was left out before another chance.
  auto insert = database.cached(
      "INSERT INTO delivery (plan, destination, state, due, attempts, detail, scheme)"
      " VALUES (?,?,?,?,0,?,?)"
      " ON CONFLICT (plan, destination) DO UPDATE SET state=excluded.state, due=excluded.due,"
      " detail=excluded.detail WHERE delivery.attempts=0");
  if (!insert) return tl::unexpected(insert.error());
  return insert->bind(0, plan)
      .bind(1, delivery.key.destination)
      .bind(2, to_word(delivery.state))
      .bind(3, to_number(delivery.due))
      .bind(4, delivery.detail)
      .bind(5, to_word(delivery.key.scheme()))
      .run();
}

Result<StoredReport> report_of(Statement& query) {
  return StoredReport{
      to_day(query.integer(0)),    query.text(1), query.text(2), query.text(3), query.text(4),
      to_seconds(query.integer(5))};
}

constexpr std::string_view kSelectReport =
    "SELECT p.day, p.domain, r.report_id, r.gzipped, r.summary, r.created"
    " FROM report r JOIN plan p ON p.id=r.plan WHERE ";

Result<std::optional<StoredReport>> read_report(Statement& query) {
  const auto row = query.step();
  if (!row) return tl::unexpected(row.error());
  if (!*row) return std::optional<StoredReport>{};
  auto report = report_of(query);
  query.reset();
  return std::optional<StoredReport>(std::move(*report));
}

/// False: there was nothing.
Result<bool> prune_some(Sqlite& database, Day first_kept) {
  const std::string old = fmt::format("(SELECT id FROM plan WHERE day<{} LIMIT {})",
                                      to_number(first_kept), kPruneAtOnce);
  auto transaction = Transaction::begin(database);
  if (!transaction) return tl::unexpected(transaction.error());
  for (const char* statement :
       {"DELETE FROM delivery WHERE plan IN ", "DELETE FROM report WHERE plan IN ",
        "DELETE FROM plan WHERE id IN "}) {
    if (auto done = database.execute(statement + old); !done) return tl::unexpected(done.error());
  }
  const bool deleted = database.changes() > 0;
  if (auto done = transaction->commit(); !done) return tl::unexpected(done.error());
  return deleted;
}

}  // namespace

bool can_be_served(DeliveryState state) {
  switch (state) {
    case DeliveryState::waiting:
    case DeliveryState::deferred:
    case DeliveryState::failed:
    case DeliveryState::expired:
    case DeliveryState::bounced:
    case DeliveryState::suppressed:  // until it is known that it still is
      return true;
    case DeliveryState::sending:
    case DeliveryState::delivered:
    case DeliveryState::excluded:
    case DeliveryState::unsupported:
      return false;
  }
  return false;
}

bool is_open(DeliveryState state) {
  switch (state) {
    case DeliveryState::waiting:
    case DeliveryState::sending:
    case DeliveryState::deferred:
      return true;
    case DeliveryState::delivered:
    case DeliveryState::failed:
    case DeliveryState::expired:
    case DeliveryState::bounced:
    case DeliveryState::suppressed:
    case DeliveryState::excluded:
    case DeliveryState::unsupported:
      return false;
  }
  return false;
}

Result<void> Ledger::record(const std::vector<Plan>& plans) {
  auto transaction = Transaction::begin(*database_);
  if (!transaction) return tl::unexpected(transaction.error());
  for (const Plan& plan : plans) {
    const auto id = record_plan(*database_, plan);
    if (!id) return tl::unexpected(id.error());
    if (!*id) continue;  // another process was quicker; its destinations count
    for (const Delivery& delivery : plan.deliveries) {
      if (auto done = record_delivery(*database_, **id, delivery); !done) return done;
    }
  }
  return transaction->commit();
}

Result<std::vector<std::string>> Ledger::undecided_domains(Day day, Seconds now,
                                                           std::string_view after,
                                                           std::size_t limit) {
  auto query = database_->cached(
      "SELECT DISTINCT o.domain FROM outcome o LEFT JOIN plan p ON p.day=o.day AND"
      " p.domain=o.domain WHERE o.day=? AND o.domain>? AND o.policy_type IN"
      " ('tlsa','sts','no-policy-found') AND (p.id IS NULL OR (p.state='dns-failure' AND p.due<=?))"
      " ORDER BY o.domain LIMIT ?");
  if (!query) return tl::unexpected(query.error());
  query->bind(0, to_number(day)).bind(1, after).bind(2, to_number(now));
  query->bind(3, static_cast<std::int64_t>(limit));
  std::vector<std::string> domains;
  for (;;) {
    const auto row = query->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return domains;
    domains.push_back(query->text(0));
  }
}

Result<std::optional<Plan>> Ledger::find_plan(Day day, std::string_view domain) {
  auto query =
      database_->cached("SELECT state, due, lookups, detail FROM plan WHERE day=? AND domain=?");
  if (!query) return tl::unexpected(query.error());
  const auto row = query->bind(0, to_number(day)).bind(1, domain).step();
  if (!row) return tl::unexpected(row.error());
  if (!*row) return std::optional<Plan>{};
  Plan plan;
  plan.day = day;
  plan.domain = domain;
  plan.state = plan_state(query->text(0)).value_or(PlanState::planned);
  plan.due = to_seconds(query->integer(1));
  plan.lookups = static_cast<int>(query->integer(2));
  plan.detail = query->text(3);
  query->reset();
  return std::optional<Plan>(std::move(plan));
}

Result<std::vector<Delivery>> Ledger::due(Rua::Scheme scheme, Seconds now, std::size_t limit) {
  auto query = database_->cached(fmt::format(
      "{} WHERE d.scheme=? AND d.{} AND d.due<=? ORDER BY d.due LIMIT ?", kSelect, kToBeServed));
  if (!query) return tl::unexpected(query.error());
  query->bind(0, to_word(scheme)).bind(1, to_number(now)).bind(2, static_cast<std::int64_t>(limit));
  return read_deliveries(*query);
}

Result<std::optional<Seconds>> Ledger::next_due(Rua::Scheme scheme) {
  auto query = database_->cached(
      fmt::format("SELECT min(due) FROM delivery WHERE scheme=? AND {}", kToBeServed));
  if (!query) return tl::unexpected(query.error());
  const auto row = query->bind(0, to_word(scheme)).step();
  if (!row) return tl::unexpected(row.error());
  std::optional<Seconds> next;
  if (*row && !query->is_null(0)) next = to_seconds(query->integer(0));
  query->reset();
  return next;
}

Result<std::vector<Delivery>> Ledger::deliveries(Day day, std::string_view domain) {
  auto query = database_->cached(
      fmt::format("{} WHERE p.day=? AND p.domain=? ORDER BY d.destination", kSelect));
  if (!query) return tl::unexpected(query.error());
  query->bind(0, to_number(day)).bind(1, domain);
  return read_deliveries(*query);
}

Result<std::optional<Delivery>> Ledger::find_delivery(std::int64_t id) {
  auto query = database_->cached(fmt::format("{} WHERE d.id=?", kSelect));
  if (!query) return tl::unexpected(query.error());
  query->bind(0, id);
  return read_one(*query);
}

Result<std::optional<Delivery>> Ledger::claim(const Delivery& candidate, Seconds now, int slot) {
  if (!can_be_served(candidate.state)) return std::optional<Delivery>{};
  Delivery claimed = candidate;
  claimed.state = DeliveryState::sending;
  ++claimed.attempts;
  // After a final failure the 24 hours begin again.
  if (!is_open(candidate.state) || !claimed.first_attempt) claimed.first_attempt = now;
  // Only if it is still as it was: so two processes can never both have it.
  auto update = database_->cached(
      "UPDATE delivery SET state='sending', attempts=?, first_attempt=?, slot=?"
      " WHERE id=? AND state=? AND attempts=? AND due=?");
  if (!update) return tl::unexpected(update.error());
  auto done = update->bind(0, claimed.attempts)
                  .bind(1, to_number(*claimed.first_attempt))
                  .bind(2, slot)
                  .bind(3, candidate.id)
                  .bind(4, to_word(candidate.state))
                  .bind(5, candidate.attempts)
                  .bind(6, to_number(candidate.due))
                  .run();
  if (!done) return tl::unexpected(done.error());
  if (database_->changes() == 0) return std::optional<Delivery>{};
  return std::optional<Delivery>(std::move(claimed));
}

Result<void> Ledger::postpone(std::int64_t id, Seconds due) {
  auto update = database_->cached(
      "UPDATE delivery SET due=? WHERE id=? AND state IN"
      " ('waiting','deferred')");
  if (!update) return tl::unexpected(update.error());
  return update->bind(0, to_number(due)).bind(1, id).run();
}

Result<bool> Ledger::finish(const Delivery& end, Seconds now) {
  // 'attempts' tells this claim from a later one.
  auto update = database_->cached(
      "UPDATE delivery SET state=?, due=?, detail=?, changed=?, slot=NULL, first_attempt=?"
      " WHERE id=? AND state='sending' AND attempts=?");
  if (!update) return tl::unexpected(update.error());
  update->bind(0, to_word(end.state))
      .bind(1, to_number(end.due))
      .bind(2, end.detail)
      .bind(3, to_number(now));
  if (end.first_attempt) {
    update->bind(4, to_number(*end.first_attempt));
  } else {
    update->bind_null(4);
  }
  if (auto done = update->bind(5, end.id).bind(6, end.attempts).run(); !done) {
    return tl::unexpected(done.error());
  }
  return database_->changes() > 0;
}

Result<bool> Ledger::settle(const Delivery& from, DeliveryState state, Seconds now,
                            std::string_view detail) {
  auto update = database_->cached(
      "UPDATE delivery SET state=?, due=?, detail=?, changed=?, slot=NULL"
      " WHERE id=? AND state=? AND attempts=?");
  if (!update) return tl::unexpected(update.error());
  auto done = update->bind(0, to_word(state))
                  .bind(1, to_number(now))
                  .bind(2, detail)
                  .bind(3, to_number(now))
                  .bind(4, from.id)
                  .bind(5, to_word(from.state))
                  .bind(6, from.attempts)
                  .run();
  if (!done) return tl::unexpected(done.error());
  return database_->changes() > 0;
}

Result<bool> Ledger::enter(int slot) {
  auto insert = database_->prepare("INSERT INTO sender_slot VALUES (?) ON CONFLICT DO NOTHING");
  if (!insert) return tl::unexpected(insert.error());
  if (auto done = insert->bind(0, slot).run(); !done) return tl::unexpected(done.error());
  return database_->changes() > 0;
}

Result<void> Ledger::leave(int slot) {
  auto remove = database_->prepare("DELETE FROM sender_slot WHERE slot=?");
  if (!remove) return tl::unexpected(remove.error());
  return remove->bind(0, slot).run();
}

Result<std::vector<int>> Ledger::slots() {
  auto query = database_->cached("SELECT slot FROM sender_slot ORDER BY slot");
  if (!query) return tl::unexpected(query.error());
  std::vector<int> slots;
  for (;;) {
    const auto row = query->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return slots;
    slots.push_back(static_cast<int>(query->integer(0)));
  }
}

Result<std::uint64_t> Ledger::release_claims(int slot, Seconds now) {
  // No index leads here: it would cost every delivery, and a process seldom dies.
  auto update = database_->prepare(
      "UPDATE delivery SET state='deferred', due=?, slot=NULL,"
      " first_attempt=iif(attempts=1, NULL, first_attempt) WHERE state='sending' AND slot=?");
  if (!update) return tl::unexpected(update.error());
  if (auto done = update->bind(0, to_number(now)).bind(1, slot).run(); !done) {
    return tl::unexpected(done.error());
  }
  return static_cast<std::uint64_t>(database_->changes());
}

Result<std::optional<StoredReport>> Ledger::find_report(std::int64_t plan) {
  auto query = database_->cached(fmt::format("{} r.plan=?", kSelectReport));
  if (!query) return tl::unexpected(query.error());
  query->bind(0, plan);
  return read_report(*query);
}

Result<std::optional<StoredReport>> Ledger::find_report(Day day, std::string_view domain) {
  auto query = database_->cached(fmt::format("{} p.day=? AND p.domain=?", kSelectReport));
  if (!query) return tl::unexpected(query.error());
  query->bind(0, to_number(day)).bind(1, domain);
  return read_report(*query);
}

Result<StoredReport> Ledger::keep_report(std::int64_t plan, StoredReport report) {
  auto insert = database_->cached(
      "INSERT INTO report (plan, report_id, gzipped, summary, created) VALUES (?,?,?,?,?)"
      " ON CONFLICT (plan) DO NOTHING");
  if (!insert) return tl::unexpected(insert.error());
  auto done = insert->bind(0, plan)
                  .bind(1, report.report_id)
                  .bind_blob(2, report.gzipped)
                  .bind(3, report.summary)
                  .bind(4, to_number(report.created))
                  .run();
  if (!done) return tl::unexpected(done.error());
  if (database_->changes() > 0) return report;
  auto kept = find_report(plan);
  if (!kept) return tl::unexpected(kept.error());
  if (!*kept) return fail(ErrorCode::database, "the report of {} is gone", report.domain);
  return std::move(**kept);
}

Result<std::string> Ledger::secret() {
  std::array<unsigned char, kSecretBytes> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) {
    return fail(ErrorCode::crypto, "OpenSSL has no random numbers");
  }
  auto insert =
      database_->prepare("INSERT INTO reporter_secret VALUES (1,?) ON CONFLICT DO NOTHING");
  if (!insert) return tl::unexpected(insert.error());
  const std::string bytes(random.begin(), random.end());
  if (auto done = insert->bind_blob(0, bytes).run(); !done) return tl::unexpected(done.error());
  auto query = database_->prepare("SELECT secret FROM reporter_secret");
  if (!query) return tl::unexpected(query.error());
  const auto row = query->step();
  if (!row) return tl::unexpected(row.error());
  if (!*row) return fail(ErrorCode::database, "the secret of the database is gone");
  return query->text(0);
}

Result<bool> Ledger::prune(Day first_kept) { return prune_some(*database_, first_kept); }

}  // namespace tlsrpt::sender
