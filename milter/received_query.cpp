// SPDX-License-Identifier: BSD-2-Clause
#include "milter/received_query.hpp"

#include <algorithm>
#include <limits>

#include "milter/received_row.hpp"

namespace tlsrpt::milter {

namespace {

// Parameters of all queries below.
constexpr int kDomain = 2;
constexpr int kOurs = 3;  ///< a JSON array
constexpr int kType = 4;
constexpr int kReporter = 5;

constexpr std::string_view kOurDomains = "(SELECT value FROM json_each(?4))";

// Each walks along one index from its newest end; NAMES stands for the columns, MORE for further
// conditions.
constexpr std::string_view kByRange =
    "SELECT {NAMES} FROM report WHERE end_datetime >= ?1 AND start_datetime < ?2 {MORE} "
    "ORDER BY end_datetime DESC, start_datetime DESC, id DESC";
constexpr std::string_view kByReporter =
    "SELECT {NAMES}, end_datetime AS e, start_datetime AS s FROM report "
    "WHERE submitter = ?6 COLLATE NOCASE AND end_datetime >= ?1 AND start_datetime < ?2 {MORE} "
    "UNION ALL "
    "SELECT {NAMES}, end_datetime, start_datetime FROM report "
    "WHERE organization_name = ?6 COLLATE NOCASE AND end_datetime >= ?1 AND start_datetime < ?2 "
    "{MORE} ORDER BY e DESC, s DESC, id DESC";
constexpr std::string_view kByDomain =
    "SELECT {NAMES} FROM policy CROSS JOIN report ON report.id = policy.report "
    "WHERE policy.policy_domain = ?3 AND policy.end_datetime >= ?1 AND start_datetime < ?2 {MORE} "
    "ORDER BY policy.end_datetime DESC, policy.report DESC";
constexpr std::string_view kByType =
    "SELECT {NAMES} FROM failure CROSS JOIN report ON report.id = failure.report "
    "WHERE failure.result_type = ?5 COLLATE NOCASE AND failure.end_datetime >= ?1 "
    "AND start_datetime < ?2 {MORE} "
    "ORDER BY failure.end_datetime DESC, failure.report DESC";
// One step along the index for each domain that there is, then the policies of those that are not
// ours.
constexpr std::string_view kQuarantined =
    "WITH RECURSIVE domain(name) AS (SELECT min(policy_domain) FROM policy UNION ALL "
    "SELECT (SELECT min(policy_domain) FROM policy WHERE policy_domain > name) FROM domain "
    "WHERE name IS NOT NULL), "
    "foreign_domain(name) AS MATERIALIZED (SELECT name FROM domain "
    "WHERE name IS NOT NULL AND name NOT IN (SELECT value FROM json_each(?4))) "
    "SELECT {NAMES} FROM foreign_domain CROSS JOIN policy ON policy_domain = name "
    "CROSS JOIN report ON report.id = policy.report "
    "WHERE policy.end_datetime >= ?1 AND start_datetime < ?2 {MORE} "
    "ORDER BY policy.end_datetime DESC, policy.report DESC";

std::string with(std::string_view sql, std::string_view names, std::string_view more) {
  std::string text(sql);
  const auto replace_all = [&](std::string_view mark, std::string_view replacement) {
    for (auto at = text.find(mark); at != std::string::npos;
         at = text.find(mark, at + replacement.size())) {
      text.replace(at, mark.size(), replacement);
    }
  };
  replace_all("{NAMES}", names);
  replace_all("{MORE}", more);
  return text;
}

bool is_ours(const ReportFilter& filter, const std::string& policy_domain) {
  const auto& ours = filter.policy_domains;
  return ours.empty() || std::find(ours.begin(), ours.end(), policy_domain) != ours.end();
}

/// Of a report that was not found by its policies: has it any that are wanted? One without any
/// policy counts nothing, and is nobody's.
std::string has_wanted_policies(const ReportFilter& filter) {
  if (filter.policy_domains.empty()) return {};
  const std::string_view failing = filter.failures_only ? " AND policy.failing = 1" : "";
  std::string condition = fmt::format(
      " AND (EXISTS (SELECT 1 FROM policy WHERE policy.report = report.id "
      "AND policy_domain {} {}{})",
      filter.quarantined ? "NOT IN" : "IN", kOurDomains, failing);
  if (!filter.quarantined && !filter.failures_only) {
    condition += " OR NOT EXISTS (SELECT 1 FROM policy WHERE policy.report = report.id)";
  }
  return condition + ")";
}

constexpr std::string_view kOfReporter =
    " AND (submitter = ?6 COLLATE NOCASE OR organization_name = ?6 COLLATE NOCASE)";

std::string query_text(std::string_view columns, const ReportFilter& filter) {
  const std::string reporter = filter.reporter.empty() ? "" : std::string(kOfReporter);
  if (!filter.result_type.empty()) {
    std::string more = reporter;
    if (!filter.domain.empty()) more += " AND failure.policy_domain = ?3";
    if (!filter.policy_domains.empty()) {
      more += fmt::format(" AND failure.policy_domain {} {}", filter.quarantined ? "NOT IN" : "IN",
                          kOurDomains);
    }
    return with(kByType, columns, more);
  }
  const std::string failing = filter.failures_only ? " AND policy.failing = 1" : "";
  if (!filter.domain.empty()) return with(kByDomain, columns, failing + reporter);
  if (filter.quarantined && filter.reporter.empty()) return with(kQuarantined, columns, failing);
  std::string more = has_wanted_policies(filter);
  if (filter.failures_only) more += " AND report.failing = 1";
  return with(filter.reporter.empty() ? kByRange : kByReporter, columns, more);
}

}  // namespace

void bind_range(Statement& query, const ReportFilter& filter) {
  using Limits = std::numeric_limits<std::int64_t>;
  query.bind(0,
             filter.since ? std::int64_t{filter.since->time_since_epoch().count()} : Limits::min());
  query.bind(1,
             filter.until ? std::int64_t{filter.until->time_since_epoch().count()} : Limits::max());
}

bool is_wanted(const ReportFilter& filter, const std::string& policy_domain) {
  return is_ours(filter, policy_domain) != filter.quarantined;
}

Result<Statement> prepare_report_query(Sqlite& database, std::string_view columns,
                                       const ReportFilter& filter) {
  // Nothing is quarantined where all domains are ours, and no domain is on both sides.
  if (filter.quarantined && filter.policy_domains.empty()) {
    return database.prepare(fmt::format("SELECT {} FROM report WHERE 0", columns));
  }
  if (!filter.domain.empty() && !is_wanted(filter, filter.domain)) {
    return database.prepare(fmt::format("SELECT {} FROM report WHERE 0", columns));
  }
  auto query = database.prepare(query_text(columns, filter));
  if (!query) return query;
  bind_range(*query, filter);
  query->bind(kDomain, filter.domain);
  query->bind(kOurs, write_texts(filter.policy_domains));
  query->bind(kType, filter.result_type);
  query->bind(kReporter, filter.reporter);
  return query;
}

}  // namespace tlsrpt::milter
