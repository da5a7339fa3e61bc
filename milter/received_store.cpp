// SPDX-License-Identifier: BSD-2-Clause
#include "milter/received_store.hpp"

#include "milter/received_likeness.hpp"
#include "milter/received_schema.hpp"
#include "milter/received_writer.hpp"
#include "milter/report_quota.hpp"

namespace tlsrpt::milter {

namespace {

Result<Sqlite> open_received(const std::string& path, SqliteMode mode, int busy_timeout_ms) {
  auto database = Sqlite::open(path, mode, received_migrations(), busy_timeout_ms);
  if (!database || mode == SqliteMode::read_only) return database;
  if (auto done = fill_likeness(*database); !done) return tl::unexpected(done.error());
  return database;
}

tl::unexpected<Error> over_quota(std::string_view holder, const StoreLimits& limits) {
  return fail(ErrorCode::limit_exceeded,
              "{} has brought {} new reports today (MaximumReportsPerDay)", holder,
              limits.max_reports_per_day);
}

}  // namespace

Result<ReceivedStore> ReceivedStore::open(const std::string& path, SqliteMode mode,
                                          int busy_timeout_ms) {
  auto database = open_received(path, mode, busy_timeout_ms);
  if (!database) return tl::unexpected(database.error());
  return ReceivedStore(path, busy_timeout_ms, std::move(*database));
}

Result<void> ReceivedStore::follow_file() {
  if (!database_.has_moved()) return {};
  if (database_.is_open()) {
    // What is still in the log belongs to the file that was moved, not to the one that we make.
    static_cast<void>(database_.execute("PRAGMA wal_checkpoint(TRUNCATE)"));
    database_ = Sqlite();
  }
  auto current = open_received(path_, SqliteMode::read_write_create, busy_timeout_ms_);
  if (!current) return tl::unexpected(current.error());
  database_ = std::move(*current);
  return {};
}

Result<Transaction> ReceivedStore::begin() {
  if (auto done = follow_file(); !done) return tl::unexpected(done.error());
  return Transaction::begin(database_);
}

Result<StoredReports> ReceivedStore::write(const StoreItem& item,
                                           const std::vector<std::string>& holders,
                                           const StoreLimits& limits) {
  const Day day = std::chrono::floor<std::chrono::days>(item.at);
  StoredReports stored;
  std::map<std::string, std::uint64_t> counters = item.counters;
  std::map<std::string, std::uint64_t> fresh;
  for (const ReceivedReport& received : item.reports) {
    auto one = write_received_report(database_, received);
    if (!one) return tl::unexpected(one.error());
    ++counters[one->duplicate ? "reports_duplicate" : "reports_stored"];
    if (!one->duplicate && !holders.empty()) ++fresh[holders[stored.size()]];
    stored.push_back(*one);
  }
  for (const RefusedInput& input : item.refused) {
    if (auto done = write_refused(database_, input, limits); !done) {
      return tl::unexpected(done.error());
    }
  }
  for (std::size_t i = item.reports.size(); i < holders.size(); ++i) {
    if (!holders[i].empty()) ++fresh[holders[i]];
  }
  if (auto done = use_quota(database_, day, fresh); !done) return tl::unexpected(done.error());
  if (item.instead_of_refused) {
    if (auto done = remove_refused(database_, *item.instead_of_refused); !done) {
      return tl::unexpected(done.error());
    }
  }
  if (auto done = add_counters(database_, day, counters); !done) {
    return tl::unexpected(done.error());
  }
  return stored;
}

Result<StoredReports> ReceivedStore::store(const StoreItem& item, const StoreLimits& limits) {
  return std::move(store_all({&item}, limits).front());
}

std::vector<Result<StoredReports>> ReceivedStore::store_all(
    const std::vector<const StoreItem*>& items, const StoreLimits& limits) {
  std::vector<Result<StoredReports>> results;
  const auto fail_rest = [&](const Error& error) {
    while (results.size() < items.size()) results.push_back(tl::unexpected(error));
  };
  // A store that is held up now will be held up for each of them: nobody waits more than once.
  const auto transact = [&](std::size_t from, std::size_t end) -> Result<void> {
    auto transaction = begin();
    if (!transaction) {
      fail_rest(transaction.error());
      return {};
    }
    bool any_refused = false;
    for (std::size_t i = from; i < end; ++i) {
      const auto holders = quota_holders(*items[i], limits);
      const auto exhausted = find_exhausted(database_, *items[i], holders, limits);
      if (!exhausted) return tl::unexpected(exhausted.error());
      if (!exhausted->empty()) {
        results.push_back(over_quota(*exhausted, limits));
        continue;
      }
      results.push_back(write(*items[i], holders, limits));
      if (!results.back()) return tl::unexpected(results.back().error());
      any_refused = any_refused || !items[i]->refused.empty();
    }
    if (any_refused) {
      if (auto done = make_room_for_refused(database_, items[from]->at, limits); !done) return done;
    }
    return transaction->commit();
  };
  if (transact(0, items.size())) return results;
  results.clear();
  for (std::size_t i = 0; i < items.size() && results.size() == i; ++i) {
    if (const auto done = transact(i, i + 1); !done) {
      results.resize(i, StoredReports{});
      results.push_back(tl::unexpected(done.error()));
    }
  }
  return results;
}

Result<void> ReceivedStore::count(const std::map<std::string, std::uint64_t>& counters,
                                  Seconds at) {
  StoreItem item;
  item.at = at;
  item.counters = counters;
  if (auto done = store(item, {}); !done) return tl::unexpected(done.error());
  return {};
}

Result<std::map<std::string, std::uint64_t>> ReceivedStore::counters(Day since, Day until) {
  auto query = database_.prepare(
      "SELECT name, sum(value) FROM counter WHERE day >= ? AND day < ? GROUP BY name");
  if (!query) return tl::unexpected(query.error());
  query->bind(0, std::int64_t{since.time_since_epoch().count()});
  query->bind(1, std::int64_t{until.time_since_epoch().count()});
  std::map<std::string, std::uint64_t> counters;
  for (;;) {
    auto row = query->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return counters;
    counters[query->text(0)] = static_cast<std::uint64_t>(query->integer(1));
  }
}

Result<std::string> received_path(std::string_view database) {
  constexpr std::string_view kScheme = "sqlite:";
  if (!database.starts_with(kScheme)) {
    return fail(ErrorCode::unsupported, "Database {}: only sqlite: and a folder is supported",
                database);
  }
  database.remove_prefix(kScheme.size());
  while (database.size() > 1 && database.ends_with('/')) database.remove_suffix(1);
  if (!database.starts_with('/')) {
    return fail(ErrorCode::invalid_argument,
                "Database sqlite:{}: the folder must be given from the root, as "
                "sqlite:/var/lib/opentlsrpt",
                database);
  }
  return std::string(database) + (database == "/" ? "" : "/") + "received.db";
}

}  // namespace tlsrpt::milter
