// SPDX-License-Identifier: BSD-2-Clause
#include "milter/received_row.hpp"
#include "milter/received_store.hpp"
#include "milter/received_writer.hpp"

namespace tlsrpt::milter {

namespace {

constexpr std::int64_t kBatch = 500;

Result<std::vector<std::int64_t>> reports_before(Sqlite& database, Seconds before) {
  auto query = database.prepare("SELECT id FROM report WHERE received_at < ? LIMIT ?");
  if (!query) return tl::unexpected(query.error());
  bind_time(*query, 0, before);
  query->bind(1, kBatch);
  std::vector<std::int64_t> ids;
  for (;;) {
    auto row = query->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return ids;
    ids.push_back(query->integer(0));
  }
}

/// How many were removed; fewer than kBatch if there are no more.
Result<std::int64_t> prune_reports(Sqlite& database, Seconds before) {
  auto transaction = Transaction::begin(database);
  if (!transaction) return tl::unexpected(transaction.error());
  const auto ids = reports_before(database, before);
  if (!ids) return tl::unexpected(ids.error());
  auto remove = database.prepare("DELETE FROM report WHERE id = ?");
  if (!remove) return tl::unexpected(remove.error());
  for (const std::int64_t id : *ids) {
    if (auto done = remove_policies(database, id); !done) return tl::unexpected(done.error());
    if (auto done = remove->bind(0, id).run(); !done) return tl::unexpected(done.error());
  }
  if (auto done = transaction->commit(); !done) return tl::unexpected(done.error());
  return std::ssize(*ids);
}

/// As prune_reports.
Result<std::int64_t> prune_refused(Sqlite& database, Seconds before) {
  auto remove = database.prepare(
      "DELETE FROM refused WHERE id IN (SELECT id FROM refused WHERE received_at < ? LIMIT ?)");
  if (!remove) return tl::unexpected(remove.error());
  bind_time(*remove, 0, before);
  remove->bind(1, kBatch);
  if (auto done = remove->run(); !done) return tl::unexpected(done.error());
  return database.changes();
}

using PruneBatch = Result<std::int64_t> (*)(Sqlite&, Seconds);

Result<std::uint64_t> prune_all(PruneBatch prune_batch, Sqlite& database, Seconds before) {
  std::uint64_t all = 0;
  for (;;) {
    const auto removed = prune_batch(database, before);
    if (!removed) return tl::unexpected(removed.error());
    all += static_cast<std::uint64_t>(*removed);
    if (*removed < kBatch) return all;
  }
}

}  // namespace

Result<Pruned> ReceivedStore::prune(Seconds before) {
  const auto reports = prune_all(prune_reports, database_, before);
  if (!reports) return tl::unexpected(reports.error());
  const auto refused = prune_all(prune_refused, database_, before);
  if (!refused) return tl::unexpected(refused.error());
  auto counters = database_.prepare("DELETE FROM counter WHERE day < ?");
  if (!counters) return tl::unexpected(counters.error());
  const Day day = std::chrono::floor<std::chrono::days>(before);
  counters->bind(0, std::int64_t{day.time_since_epoch().count()});
  if (auto done = counters->run(); !done) return tl::unexpected(done.error());
  return Pruned{*reports, *refused};
}

Result<Pruned> ReceivedStore::count_older(Seconds before) {
  auto query = database_.prepare(
      "SELECT (SELECT count(*) FROM report WHERE received_at < ?1), "
      "(SELECT count(*) FROM refused WHERE received_at < ?1)");
  if (!query) return tl::unexpected(query.error());
  bind_time(*query, 0, before);
  if (auto row = query->step(); !row) return tl::unexpected(row.error());
  return Pruned{read_count(*query, 0), read_count(*query, 1)};
}

}  // namespace tlsrpt::milter
