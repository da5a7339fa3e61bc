// SPDX-License-Identifier: BSD-2-Clause
#include "milter/received_likeness.hpp"

#include "common/gzip.hpp"
#include "milter/received_identity.hpp"
#include "milter/received_row.hpp"

namespace tlsrpt::milter {

namespace {

constexpr int kBatch = 500;

struct OldReport {
  std::int64_t id = 0;
  Report report;
  std::string json;  ///< only where it is part of the likeness
};

Result<std::vector<OldReport>> without_likeness(Sqlite& database) {
  auto query = database.prepare(
      "SELECT id, organization_name, report_id, start_datetime, end_datetime, "
      "CASE WHEN report_id IS NULL THEN json END FROM report WHERE likeness IS NULL LIMIT ?");
  if (!query) return tl::unexpected(query.error());
  query->bind(0, std::int64_t{kBatch});
  std::vector<OldReport> reports;
  for (;;) {
    auto row = query->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return reports;
    OldReport& old = reports.emplace_back();
    old.id = query->integer(0);
    old.report.organization_name = query->text(1);
    old.report.report_id = query->text(2);
    old.report.date_range = {read_time(*query, 3), read_time(*query, 4)};
    if (!query->is_null(5)) old.json = gunzip(query->text(5), own_bytes()).bytes;
  }
}

Result<void> add_domains(Statement& query, OldReport& old) {
  query.bind(0, old.id);
  for (;;) {
    auto row = query.step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return {};
    old.report.policies.emplace_back().policy.policy_domain = query.text(0);
  }
}

/// False: nothing was left to do.
Result<bool> fill_batch(Sqlite& database) {
  auto transaction = Transaction::begin(database);
  if (!transaction) return tl::unexpected(transaction.error());
  auto reports = without_likeness(database);
  if (!reports) return tl::unexpected(reports.error());
  if (reports->empty()) return false;
  auto domains = database.prepare("SELECT DISTINCT policy_domain FROM policy WHERE report = ?");
  if (!domains) return tl::unexpected(domains.error());
  auto update = database.prepare("UPDATE report SET likeness = ? WHERE id = ?");
  if (!update) return tl::unexpected(update.error());
  for (OldReport& old : *reports) {
    if (auto done = add_domains(*domains, old); !done) return tl::unexpected(done.error());
    const auto likeness = report_likeness(old.report, old.json);
    if (!likeness) return tl::unexpected(likeness.error());
    if (auto done = update->bind_blob(0, *likeness).bind(1, old.id).run(); !done) {
      return tl::unexpected(done.error());
    }
  }
  if (auto done = transaction->commit(); !done) return tl::unexpected(done.error());
  return true;
}

Result<bool> is_any_without(Sqlite& database) {
  auto query = database.prepare("SELECT 1 FROM report WHERE likeness IS NULL LIMIT 1");
  if (!query) return tl::unexpected(query.error());
  return query->step();
}

}  // namespace

Result<void> fill_likeness(Sqlite& database) {
  // Asked without the lock for writing, which everybody who opens the file would wait for.
  auto more = is_any_without(database);
  while (more && *more) more = fill_batch(database);
  if (!more) return tl::unexpected(more.error());
  return {};
}

}  // namespace tlsrpt::milter
