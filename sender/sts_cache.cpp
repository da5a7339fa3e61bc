// SPDX-License-Identifier: BSD-2-Clause
#include "sender/sts_cache.hpp"

#include <algorithm>
#include <utility>

#include "sender/outcome_keys.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::chrono::seconds kRetry{60};
constexpr std::chrono::days kMaxExpired{1};
constexpr int kBusyTimeoutMs = 2000;

// Times are seconds since 1970. 'lines' are joined with line feeds; without any there is no policy.
const std::vector<std::string>& migrations() {
  static const std::vector<std::string> kMigrations = {R"sql(
CREATE TABLE sts_policy (
  domain TEXT NOT NULL PRIMARY KEY,
  id TEXT NOT NULL,
  lines TEXT NOT NULL,
  fetched_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  refresh_at INTEGER NOT NULL,
  checked_at INTEGER NOT NULL,
  problem_type TEXT NOT NULL,
  problem_reason TEXT NOT NULL,
  problem_detail TEXT NOT NULL,
  problem_id TEXT NOT NULL,
  problem_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sts_policy_by_refresh ON sts_policy (refresh_at);
CREATE INDEX sts_policy_by_use ON sts_policy (used_at);
)sql"};
  return kMigrations;
}

// Each part stays if it is newer than what comes; but a time in the future (?14 is now) was written
// under a wrong clock, and wins over nothing.
constexpr std::string_view kSave = R"sql(
INSERT INTO sts_policy VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
ON CONFLICT (domain) DO UPDATE SET
  id = iif(excluded.fetched_at >= fetched_at OR fetched_at > ?14,
    excluded.id, id),
  lines = iif(excluded.fetched_at >= fetched_at OR fetched_at > ?14,
    excluded.lines, lines),
  expires_at = iif(excluded.fetched_at >= fetched_at OR fetched_at > ?14,
    excluded.expires_at, expires_at),
  refresh_at = iif(excluded.fetched_at >= fetched_at OR fetched_at > ?14,
    excluded.refresh_at, refresh_at),
  fetched_at = iif(excluded.fetched_at >= fetched_at OR fetched_at > ?14,
    excluded.fetched_at, fetched_at),
  problem_type = iif(excluded.checked_at >= checked_at OR checked_at > ?14,
    excluded.problem_type, problem_type),
  problem_reason = iif(excluded.checked_at >= checked_at OR checked_at > ?14,
    excluded.problem_reason, problem_reason),
  problem_detail = iif(excluded.checked_at >= checked_at OR checked_at > ?14,
    excluded.problem_detail, problem_detail),
  problem_id = iif(excluded.checked_at >= checked_at OR checked_at > ?14,
    excluded.problem_id, problem_id),
  problem_at = iif(excluded.checked_at >= checked_at OR checked_at > ?14,
    excluded.problem_at, problem_at),
  checked_at = iif(excluded.checked_at >= checked_at OR checked_at > ?14,
    excluded.checked_at, checked_at),
  used_at = max(excluded.used_at, iif(used_at > ?14, 0, used_at))
)sql";

std::int64_t count_of(Seconds time) { return time.time_since_epoch().count(); }
Seconds time_of(std::int64_t count) { return Seconds{std::chrono::seconds{count}}; }

StsEntry entry_of(const Statement& row) {
  StsEntry entry;
  const std::string lines = row.text(1);
  if (auto policy = parse_sts_policy(split_lines(lines)); !lines.empty() && policy) {
    entry.policy = std::make_shared<const StsPolicy>(std::move(*policy));
    entry.id = row.text(0);
    entry.fetched_at = time_of(row.integer(2));
    entry.expires_at = time_of(row.integer(3));
    entry.refresh_at = time_of(row.integer(4));
  }
  entry.checked_at = time_of(row.integer(5));
  if (std::string type = row.text(6); !type.empty()) {
    entry.problem = PolicyProblem{std::move(type), row.text(7), row.text(8)};
    entry.problem_id = row.text(9);
    entry.problem_at = time_of(row.integer(10));
  }
  entry.used_at = time_of(row.integer(11));
  return entry;
}

Result<std::optional<StsEntry>> load_from(Sqlite& database, const std::string& domain) {
  auto query = database.cached(
      "SELECT id, lines, fetched_at, expires_at, refresh_at, checked_at, problem_type, "
      "problem_reason, problem_detail, problem_id, problem_at, used_at FROM sts_policy "
      "WHERE domain = ?");
  if (!query) return tl::unexpected(query.error());
  const auto found = query->bind(0, domain).step();
  if (!found) return tl::unexpected(found.error());
  if (!*found) return std::nullopt;
  return entry_of(*query);
}

Result<void> save_to(Sqlite& database, const std::string& domain, const StsEntry& entry,
                     Seconds now) {
  auto statement = database.cached(kSave);
  if (!statement) return tl::unexpected(statement.error());
  const std::string lines = entry.policy ? join_lines(entry.policy->lines) : std::string();
  const PolicyProblem problem = entry.problem.value_or(PolicyProblem{});
  statement->bind(0, domain).bind(1, entry.id).bind(2, lines);
  statement->bind(3, count_of(entry.fetched_at)).bind(4, count_of(entry.expires_at));
  statement->bind(5, count_of(entry.refresh_at)).bind(6, count_of(entry.checked_at));
  statement->bind(7, problem.result_type).bind(8, problem.reason_code).bind(9, problem.detail);
  statement->bind(10, entry.problem_id).bind(11, count_of(entry.problem_at));
  statement->bind(12, count_of(entry.used_at)).bind(13, count_of(now));
  return statement->run();
}

Result<std::vector<std::string>> due_in(Sqlite& database, Seconds now, std::size_t limit) {
  auto query = database.cached(
      "SELECT domain FROM sts_policy WHERE refresh_at <= ?1 AND expires_at > ?1 AND "
      "(problem_at <= ?2 OR problem_at > ?1) AND used_at > ?3 ORDER BY refresh_at LIMIT ?4");
  if (!query) return tl::unexpected(query.error());
  query->bind(0, count_of(now)).bind(1, count_of(now - kStsProblemAge));
  query->bind(2, count_of(now - StsCache::kMaxUnused)).bind(3, static_cast<std::int64_t>(limit));
  std::vector<std::string> domains;
  for (;;) {
    const auto row = query->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return domains;
    domains.push_back(query->text(0));
  }
}

Result<void> purge_in(Sqlite& database, Seconds now, std::size_t max_rows) {
  auto old = database.cached(
      "DELETE FROM sts_policy WHERE used_at < ?1 OR (expires_at < ?2 AND problem_at < ?2)");
  if (!old) return tl::unexpected(old.error());
  old->bind(0, count_of(now - StsCache::kMaxUnused)).bind(1, count_of(now - kMaxExpired));
  if (auto done = old->run(); !done) return done;
  auto surplus = database.cached(
      "DELETE FROM sts_policy WHERE domain IN (SELECT domain FROM sts_policy ORDER BY used_at "
      "LIMIT max(0, (SELECT count(*) FROM sts_policy) - ?1))");
  if (!surplus) return tl::unexpected(surplus.error());
  return surplus->bind(0, static_cast<std::int64_t>(max_rows)).run();
}

}  // namespace

StsCache::StsCache(std::string path, std::size_t max_rows, const Clock& clock, Log& log)
    : path_(std::move(path)), max_rows_(max_rows), clock_(clock), log_(log) {
  with(writer_, SqliteMode::read_write_create, [](Sqlite&) { return Result<void>{}; });
}

std::optional<StsEntry> StsCache::load(const std::string& domain) {
  std::optional<StsEntry> entry;
  with(reader_, SqliteMode::read_only, [&](Sqlite& database) -> Result<void> {
    auto found = load_from(database, domain);
    if (!found) return tl::unexpected(found.error());
    entry = std::move(*found);
    return {};
  });
  return entry;
}

bool StsCache::save(const std::string& domain, const StsEntry& entry) {
  if (path_.empty()) return true;
  return with(writer_, SqliteMode::read_write_create,
              [&](Sqlite& database) { return save_to(database, domain, entry, clock_.now()); });
}

bool StsCache::can_read() {
  const std::lock_guard lock(reader_.mutex);
  return path_.empty() || reader_.database.is_open();
}

std::optional<std::vector<std::string>> StsCache::due(Seconds now, std::size_t limit) {
  std::optional<std::vector<std::string>> domains;
  with(reader_, SqliteMode::read_only, [&](Sqlite& database) -> Result<void> {
    auto found = due_in(database, now, limit);
    if (!found) return tl::unexpected(found.error());
    domains = std::move(*found);
    return {};
  });
  return domains;
}

void StsCache::purge(Seconds now) {
  with(writer_, SqliteMode::read_write_create,
       [&](Sqlite& database) { return purge_in(database, now, max_rows_); });
}

template <typename Work>
bool StsCache::with(Connection& connection, SqliteMode mode, Work work) {
  if (path_.empty()) return false;
  const std::lock_guard lock(connection.mutex);
  const Seconds now = clock_.now();
  const bool waits = now < connection.retry_at && connection.retry_at <= now + kRetry;
  if (!connection.database.is_open() && waits) return false;
  Result<void> result = make_ready(connection, mode);
  if (result) result = work(connection.database);
  if (!result) {
    connection.database = Sqlite();
    connection.retry_at = now + kRetry;
  }
  note(result);
  return result.has_value();
}

Result<void> StsCache::make_ready(Connection& connection, SqliteMode mode) {
  if (connection.database.is_open() && !connection.database.has_moved()) return {};
  connection.database = Sqlite();
  auto opened = Sqlite::open(path_, mode, migrations(), kBusyTimeoutMs);
  if (!opened) return tl::unexpected(opened.error());
  connection.database = std::move(*opened);
  return {};
}

void StsCache::note(const Result<void>& result) {
  const std::lock_guard lock(state_mutex_);
  if (!result && !failing_) log_.warning(LogLine("sts-store-failed").add(result.error()));
  if (result && failing_) log_.notice(LogLine("sts-store-back").add("file", path_));
  failing_ = !result;
}

}  // namespace tlsrpt::sender
