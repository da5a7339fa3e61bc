// SPDX-License-Identifier: BSD-2-Clause
#include "milter/report_quota.hpp"

#include <algorithm>

#include "common/domain_name.hpp"
#include "milter/client_address.hpp"
#include "milter/received_row.hpp"
#include "milter/received_writer.hpp"

namespace tlsrpt::milter {

namespace {

std::int64_t number_of(Day day) { return day.time_since_epoch().count(); }

Result<std::uint64_t> used_quota(Sqlite& database, Day day, std::string_view holder) {
  auto query = database.cached("SELECT reports FROM quota WHERE day = ? AND holder = ?");
  if (!query) return tl::unexpected(query.error());
  auto row = query->bind(0, number_of(day)).bind(1, holder).step();
  if (!row) return tl::unexpected(row.error());
  return *row ? read_count(*query, 0) : 0;
}

}  // namespace

std::string quota_holder(const Provenance& from) {
  if (from.dkim == DkimStatus::pass) return organizational_domain(from.dkim_domain);
  if (from.source == "https") return "address " + source_key(from.source_address);
  return "unsigned " + organizational_domain(from.submitter).substr(0, kMaxHeaderText);
}

std::vector<std::string> quota_holders(const StoreItem& item, const StoreLimits& limits) {
  std::vector<std::string> holders;
  if (limits.max_reports_per_day == 0) return holders;
  for (const ReceivedReport& report : item.reports) {
    holders.push_back(quota_holder(report.provenance));
  }
  for (const RefusedInput& refused : item.refused) {
    const bool has_address = refused.provenance.source == "https";
    holders.push_back(has_address ? quota_holder(refused.provenance) : std::string());
  }
  return holders;
}

Result<std::string> find_exhausted(Sqlite& database, const StoreItem& item,
                                   const std::vector<std::string>& holders,
                                   const StoreLimits& limits) {
  const Day day = std::chrono::floor<std::chrono::days>(item.at);
  std::map<std::string_view, bool> exhausted;
  for (std::size_t i = 0; i < holders.size(); ++i) {
    if (holders[i].empty()) continue;
    const auto [entry, is_first] = exhausted.try_emplace(holders[i], false);
    if (is_first) {
      const auto used = used_quota(database, day, holders[i]);
      if (!used) return tl::unexpected(used.error());
      entry->second = *used >= limits.max_reports_per_day;
    }
    if (!entry->second) continue;
    if (i >= item.reports.size()) return holders[i];
    const auto older = find_received_report(database, item.reports[i]);
    if (!older) return tl::unexpected(older.error());
    if (!*older) return holders[i];
  }
  return std::string();
}

Result<void> use_quota(Sqlite& database, Day day,
                       const std::map<std::string, std::uint64_t>& fresh) {
  if (fresh.empty()) return {};
  auto add = database.cached(
      "INSERT INTO quota (day, holder, reports) VALUES (?, ?, ?) "
      "ON CONFLICT (day, holder) DO UPDATE SET reports = reports + excluded.reports");
  if (!add) return tl::unexpected(add.error());
  for (const auto& [holder, reports] : fresh) {
    add->bind(0, number_of(day)).bind(1, holder);
    bind_count(*add, 2, reports);
    if (auto done = add->run(); !done) return done;
  }
  auto forget = database.cached("DELETE FROM quota WHERE day < ?");
  if (!forget) return tl::unexpected(forget.error());
  return forget->bind(0, number_of(day)).run();
}

}  // namespace tlsrpt::milter
