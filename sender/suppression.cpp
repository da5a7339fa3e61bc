// SPDX-License-Identifier: BSD-2-Clause
#include "sender/suppression.hpp"

#include <algorithm>
#include <utility>

#include "common/ascii.hpp"
#include "sender/destination_text.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::string_view kColumns = "name, bounces, last_bounce, until, by_hand, detail";

std::int64_t to_number(Seconds time) { return time.time_since_epoch().count(); }
Seconds to_seconds(std::int64_t number) { return Seconds(std::chrono::seconds(number)); }

Suppression read_entry(const Statement& row) {
  Suppression entry;
  entry.name = row.text(0);
  entry.bounces = static_cast<int>(row.integer(1));
  entry.last_bounce = to_seconds(row.integer(2));
  if (!row.is_null(3)) entry.until = to_seconds(row.integer(3));
  entry.by_hand = row.integer(4) != 0;
  entry.detail = row.text(5);
  return entry;
}

/// Scheme and host are the same whatever their case; path and query are not.
std::string https_name(const std::string& uri) {
  constexpr std::string_view kHttps = "https://";
  const std::size_t path = std::min(uri.find_first_of("/?#", kHttps.size()), uri.size());
  return lower_case(uri.substr(0, path)) + uri.substr(path);
}

}  // namespace

std::string suppression_name(const Rua& rua) {
  switch (rua.scheme) {
    case Rua::Scheme::mailto:
      // Servers that tell A@x from a@x are rarer than records that write it in both ways.
      return lower_case(rua.address);
    case Rua::Scheme::https:
      return https_name(rua.uri);
  }
  return "";
}

Result<std::string> suppression_name(std::string_view text) {
  return parse_destination(text).map([](const Rua& rua) { return suppression_name(rua); });
}

Result<Suppression> Suppressions::count_bounce(const std::string& name, Seconds now,
                                               std::string_view detail,
                                               const SuppressionSettings& settings) {
  // One statement, so that it may stand in a caller's transaction, and two processes that count at
  // once lose nothing. In 'until' and 'by_hand' bounces is the old number, hence the "+ 1". An
  // entry of the operator's is his until it has run out.
  auto upsert = database_->cached(fmt::format(
      "INSERT INTO suppression ({0}) VALUES (?1, 1, ?2, iif(1 >= ?3, ?2 + ?4, NULL), 0, ?5)"
      " ON CONFLICT (name) DO UPDATE SET"
      " bounces = iif(last_bounce < ?2 - ?4, 1, bounces + 1), last_bounce = ?2,"
      " until = CASE WHEN by_hand AND until > ?2 THEN until"
      "  WHEN iif(last_bounce < ?2 - ?4, 1, bounces + 1) >= ?3 THEN ?2 + ?4 ELSE until END,"
      " detail = iif(by_hand AND until > ?2, detail, ?5), by_hand = by_hand AND until > ?2"
      " RETURNING {0}",
      kColumns));
  if (!upsert) return tl::unexpected(upsert.error());
  upsert->bind(0, name)
      .bind(1, to_number(now))
      .bind(2, settings.bounce_limit)
      .bind(3, std::int64_t{settings.time.count()})
      .bind(4, detail);
  const auto row = upsert->step();
  if (!row) return tl::unexpected(row.error());
  if (!*row) return fail(ErrorCode::database, "the bounce of {} was not counted", name);
  Suppression entry = read_entry(*upsert);
  if (const auto end = upsert->step(); !end) return tl::unexpected(end.error());
  return entry;
}

Result<void> Suppressions::clear_bounces(const std::string& name) {
  auto remove = database_->cached("DELETE FROM suppression WHERE name=? AND NOT by_hand");
  if (!remove) return tl::unexpected(remove.error());
  if (auto done = remove->bind(0, name).run(); !done) return done;
  auto update = database_->cached("UPDATE suppression SET bounces=0 WHERE name=? AND bounces>0");
  if (!update) return tl::unexpected(update.error());
  return update->bind(0, name).run();
}

Result<void> Suppressions::add(const std::string& name, Seconds until, std::string_view detail) {
  auto upsert = database_->cached(
      "INSERT INTO suppression (name, bounces, last_bounce, until, by_hand, detail)"
      " VALUES (?,0,0,?,1,?) ON CONFLICT (name) DO UPDATE SET until=excluded.until, by_hand=1,"
      " detail=excluded.detail");
  if (!upsert) return tl::unexpected(upsert.error());
  return upsert->bind(0, name).bind(1, to_number(until)).bind(2, detail).run();
}

Result<bool> Suppressions::remove(const std::string& name) {
  auto remove = database_->cached("DELETE FROM suppression WHERE name=?");
  if (!remove) return tl::unexpected(remove.error());
  if (auto done = remove->bind(0, name).run(); !done) return tl::unexpected(done.error());
  return database_->changes() > 0;
}

Result<std::vector<Suppression>> Suppressions::list() {
  auto query = database_->cached(fmt::format("SELECT {} FROM suppression ORDER BY name", kColumns));
  if (!query) return tl::unexpected(query.error());
  std::vector<Suppression> entries;
  for (;;) {
    const auto row = query->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return entries;
    entries.push_back(read_entry(*query));
  }
}

Result<std::map<std::string, Seconds, std::less<>>> Suppressions::active(Seconds now) {
  auto query = database_->cached("SELECT name, until FROM suppression WHERE until>?");
  if (!query) return tl::unexpected(query.error());
  query->bind(0, to_number(now));
  std::map<std::string, Seconds, std::less<>> names;
  for (;;) {
    const auto row = query->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return names;
    names.emplace(query->text(0), to_seconds(query->integer(1)));
  }
}

Result<void> Suppressions::prune(Seconds now, const SuppressionSettings& settings) {
  auto remove = database_->cached(
      "DELETE FROM suppression WHERE coalesce(until, 0) <= ? AND (bounces = 0 OR last_bounce < ?)");
  if (!remove) return tl::unexpected(remove.error());
  return remove->bind(0, to_number(now)).bind(1, to_number(now - settings.time)).run();
}

Result<void> ActiveSuppressions::refresh(Seconds now) {
  constexpr std::chrono::seconds kAge{30};
  if (now - read_ < kAge && now >= read_) return {};
  auto active = suppressions_.active(now);
  if (!active) return tl::unexpected(active.error());
  active_ = std::move(*active);
  read_ = now;
  return {};
}

std::optional<Seconds> ActiveSuppressions::until(const Rua& rua, Seconds now) const {
  const auto found = active_.find(suppression_name(rua));
  if (found == active_.end() || found->second <= now) return std::nullopt;
  return found->second;
}

}  // namespace tlsrpt::sender
