// SPDX-License-Identifier: BSD-2-Clause

// What people and monitors ask the ledger, and what they want tried again.

#include <map>
#include <string>
#include <utility>

#include "sender/ledger.hpp"
#include "sender/ledger_rows.hpp"

namespace tlsrpt::sender {

using namespace ledger;

namespace {

/// " WHERE ..." for the filter; the domain is bound as the first parameter if there is one.
std::string condition(const DeliveryFilter& filter) {
  std::string text = " WHERE 1";
  if (!filter.domain.empty()) text += " AND p.domain=?1";
  if (filter.day) text += fmt::format(" AND p.day={}", to_number(*filter.day));
  if (filter.states.empty()) return text;
  text += " AND d.state IN (";
  for (std::size_t i = 0; i < filter.states.size(); ++i) {
    text += fmt::format("{}'{}'", i == 0 ? "" : ",", to_word(filter.states[i]));
  }
  return text + ")";
}

Result<Statement> prepare_filtered(Sqlite& database, const std::string& sql,
                                   const DeliveryFilter& filter) {
  auto query = database.prepare(sql);
  if (query && !filter.domain.empty()) query->bind(0, filter.domain);
  return query;
}

Result<std::uint64_t> read_number(Statement& query) {
  const auto row = query.step();
  if (!row) return tl::unexpected(row.error());
  const std::uint64_t number = *row ? static_cast<std::uint64_t>(query.integer(0)) : 0;
  query.reset();
  return number;
}

}  // namespace

Result<std::vector<Delivery>> Ledger::list(const DeliveryFilter& filter, std::size_t limit) {
  auto query = prepare_filtered(*database_,
                                fmt::format("{}{} ORDER BY d.due, p.domain, d.destination LIMIT {}",
                                            kSelect, condition(filter), limit),
                                filter);
  if (!query) return tl::unexpected(query.error());
  return read_deliveries(*query);
}

Result<std::uint64_t> Ledger::count(const DeliveryFilter& filter) {
  auto query = prepare_filtered(
      *database_, "SELECT count(*) FROM delivery d JOIN plan p ON p.id=d.plan" + condition(filter),
      filter);
  if (!query) return tl::unexpected(query.error());
  return read_number(*query);
}

Result<std::vector<DayCounts>> Ledger::day_counts() {
  std::map<Day, DayCounts> days;
  const auto add = [&](std::string_view sql, auto&& use) -> Result<void> {
    auto query = database_->prepare(sql);
    if (!query) return tl::unexpected(query.error());
    for (;;) {
      const auto row = query->step();
      if (!row) return tl::unexpected(row.error());
      if (!*row) return {};
      DayCounts& counts = days[to_day(query->integer(0))];
      use(counts, query->text(1), static_cast<std::uint64_t>(query->integer(2)));
    }
  };
  const auto plans = add("SELECT day, state, count(*) FROM plan GROUP BY day, state",
                         [](DayCounts& counts, const std::string& word, std::uint64_t number) {
                           if (const auto state = plan_state(word)) counts.plans[*state] = number;
                         });
  if (!plans) return tl::unexpected(plans.error());
  const auto deliveries =
      add("SELECT p.day, d.state, count(*) FROM delivery d JOIN plan p ON p.id=d.plan"
          " GROUP BY p.day, d.state",
          [](DayCounts& counts, const std::string& word, std::uint64_t number) {
            if (const auto state = delivery_state(word)) counts.deliveries[*state] = number;
          });
  if (!deliveries) return tl::unexpected(deliveries.error());
  const auto reports = add(
      "SELECT p.day, '', count(*) FROM report r JOIN plan p ON p.id=r.plan GROUP BY p.day",
      [](DayCounts& counts, const std::string&, std::uint64_t number) { counts.reports = number; });
  if (!reports) return tl::unexpected(reports.error());
  std::vector<DayCounts> list;
  for (auto it = days.rbegin(); it != days.rend(); ++it) {
    it->second.day = it->first;
    list.push_back(std::move(it->second));
  }
  return list;
}

Result<std::vector<Delivery>> Ledger::last_errors(Day day, std::size_t limit) {
  auto query = database_->prepare(
      fmt::format("{} WHERE p.day=? AND d.state IN ('deferred','failed','expired','bounced')"
                  " ORDER BY d.changed DESC, d.id DESC LIMIT ?",
                  kSelect));
  if (!query) return tl::unexpected(query.error());
  query->bind(0, to_number(day)).bind(1, static_cast<std::int64_t>(limit));
  return read_deliveries(*query);
}

Result<std::uint64_t> Ledger::retry(const DeliveryFilter& filter, Seconds now) {
  auto update = prepare_filtered(
      *database_,
      fmt::format("UPDATE delivery SET state='deferred', due={}, first_attempt=NULL WHERE id IN"
                  " (SELECT d.id FROM delivery d JOIN plan p ON p.id=d.plan{} AND d.state IN"
                  " ('deferred','failed','expired','bounced','suppressed'))",
                  to_number(now), condition(filter)),
      filter);
  if (!update) return tl::unexpected(update.error());
  if (auto done = update->run(); !done) return tl::unexpected(done.error());
  return static_cast<std::uint64_t>(database_->changes());
}

}  // namespace tlsrpt::sender
