// SPDX-License-Identifier: BSD-2-Clause
#include <algorithm>
#include <limits>
#include <set>

#include "milter/received_query.hpp"
#include "milter/received_row.hpp"
#include "milter/received_store.hpp"

namespace tlsrpt::milter {

namespace {

std::string listed_columns() {
  return fmt::format(
      "id, {}, organization_name, contact_info, report_id, report.start_datetime, "
      "report.end_datetime, flags",
      kProvenanceColumns);
}
constexpr int kListedWidth = 7 + kProvenanceWidth;

ListedReport read_listed(const Statement& row) {
  ListedReport listed;
  listed.id = row.integer(0);
  listed.provenance = read_provenance(row, 1);
  int column = 1 + kProvenanceWidth;
  listed.report.organization_name = row.text(column++);
  listed.report.contact_info = row.text(column++);
  listed.report.report_id = row.text(column++);
  listed.report.date_range.start_datetime = read_time(row, column++);
  listed.report.date_range.end_datetime = read_time(row, column++);
  listed.flags = read_flags(row.text(column));
  return listed;
}

constexpr std::string_view kRefusedColumns = "refusal, detail, subject, bytes, size";

/// Of a row that begins with id and kProvenanceColumns and goes on with kRefusedColumns.
RefusedInput read_refused(const Statement& row) {
  RefusedInput input;
  input.provenance = read_provenance(row, 1);
  int column = 1 + kProvenanceWidth;
  input.refusal = read_refusal(row.text(column++));
  input.detail = row.text(column++);
  input.subject = row.text(column++);
  input.bytes = row.text(column++);
  input.size = static_cast<std::size_t>(row.integer(column));
  return input;
}

/// Fills a report with its policies and failures; one object serves many reports.
class PolicyLoader {
 public:
  static Result<PolicyLoader> create(Sqlite& database) {
    PolicyLoader loader;
    auto policies = database.prepare(
        "SELECT policy_domain, policy_type, policy_string, mx_host, "
        "total_successful_session_count, total_failure_session_count, failing "
        "FROM policy WHERE report = ? ORDER BY position");
    if (!policies) return tl::unexpected(policies.error());
    auto failures = database.prepare(
        "SELECT policy, result_type, sending_mta_ip, receiving_mx_hostname, receiving_mx_helo, "
        "receiving_ip, failed_session_count, additional_information, failure_reason_code "
        "FROM failure WHERE policy_domain = ? AND report = ? ORDER BY policy, position");
    if (!failures) return tl::unexpected(failures.error());
    loader.policies_ = std::move(*policies);
    loader.failures_ = std::move(*failures);
    return loader;
  }

  /// With what the filter wants of them.
  Result<void> load(std::int64_t id, const ReportFilter& filter, Report& report) {
    std::set<std::string> failing_domains;
    policies_.bind(0, id);
    for (;;) {
      auto row = policies_.step();
      if (!row) return tl::unexpected(row.error());
      if (!*row) break;
      PolicyResult& result = report.policies.emplace_back();
      result.policy.policy_domain = policies_.text(0);
      result.policy.policy_type = policies_.text(1);
      result.policy.policy_string = read_texts(policies_.text(2));
      result.policy.mx_host = read_texts(policies_.text(3));
      result.total_successful_session_count = read_count(policies_, 4);
      result.total_failure_session_count = read_count(policies_, 5);
      const std::string& domain = result.policy.policy_domain;
      if (policies_.integer(6) != 0 && is_wanted(filter, domain)) failing_domains.insert(domain);
    }
    for (const std::string& domain : failing_domains) {
      if (auto done = load_failures(id, domain, report); !done) return done;
    }
    std::erase_if(report.policies, [&](const PolicyResult& result) {
      return !is_wanted(filter, result.policy.policy_domain);
    });
    return {};
  }

 private:
  Result<void> load_failures(std::int64_t id, const std::string& domain, Report& report) {
    failures_.bind(0, domain).bind(1, id);
    for (;;) {
      auto row = failures_.step();
      if (!row) return tl::unexpected(row.error());
      if (!*row) return {};
      const auto position = static_cast<std::size_t>(failures_.integer(0));
      if (position >= report.policies.size()) continue;
      FailureDetails& details = report.policies[position].failure_details.emplace_back();
      details.result_type = failures_.text(1);
      details.sending_mta_ip = failures_.text(2);
      details.receiving_mx_hostname = failures_.text(3);
      details.receiving_mx_helo = failures_.text(4);
      details.receiving_ip = failures_.text(5);
      details.failed_session_count = read_count(failures_, 6);
      details.additional_information = failures_.text(7);
      details.failure_reason_code = failures_.text(8);
    }
  }

  Statement policies_;
  Statement failures_;
};

}  // namespace

Result<void> ReceivedStore::visit(const ReportFilter& filter,
                                  const std::function<void(const ListedReport&)>& visitor) {
  auto query = prepare_report_query(database_, listed_columns(), filter);
  if (!query) return tl::unexpected(query.error());
  auto loader = PolicyLoader::create(database_);
  if (!loader) return tl::unexpected(loader.error());
  std::optional<std::int64_t> last;
  for (std::size_t given = 0; given < filter.limit;) {
    auto row = query->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return {};
    if (query->integer(0) == last) continue;
    last = query->integer(0);
    ListedReport listed = read_listed(*query);
    if (filter.with_policies) {
      if (auto done = loader->load(listed.id, filter, listed.report); !done) return done;
    }
    visitor(listed);
    ++given;
  }
  return {};
}

Result<std::vector<ListedReport>> ReceivedStore::list(const ReportFilter& filter) {
  std::vector<ListedReport> reports;
  auto done = visit(filter, [&](const ListedReport& listed) { reports.push_back(listed); });
  if (!done) return tl::unexpected(done.error());
  return reports;
}

Result<std::vector<ListedRefusal>> ReceivedStore::list_refused(const ReportFilter& filter) {
  auto query = database_.prepare(
      fmt::format("SELECT id, {}, refusal, detail, subject, size, times FROM refused "
                  "WHERE received_at >= ?1 AND received_at < ?2 AND (?3 = '' "
                  "OR from_domain = ?3 COLLATE NOCASE OR dkim_domain = ?3 COLLATE NOCASE) "
                  "ORDER BY received_at DESC, id DESC LIMIT ?4",
                  kProvenanceColumns));
  if (!query) return tl::unexpected(query.error());
  bind_range(*query, filter);
  constexpr std::size_t kMost = std::numeric_limits<std::int64_t>::max();
  query->bind(2, filter.reporter);
  query->bind(3, static_cast<std::int64_t>(std::min(filter.limit, kMost)));
  std::vector<ListedRefusal> refusals;
  for (;;) {
    auto row = query->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return refusals;
    ListedRefusal& refusal = refusals.emplace_back();
    refusal.id = query->integer(0);
    refusal.provenance = read_provenance(*query, 1);
    int column = 1 + kProvenanceWidth;
    refusal.refusal = read_refusal(query->text(column++));
    refusal.detail = query->text(column++);
    refusal.subject = query->text(column++);
    refusal.size = static_cast<std::size_t>(query->integer(column++));
    refusal.times = read_count(*query, column);
  }
}

Result<std::optional<ReceivedReport>> ReceivedStore::report(std::int64_t id) {
  auto query =
      database_.prepare(fmt::format("SELECT {}, json FROM report WHERE id = ?", listed_columns()));
  if (!query) return tl::unexpected(query.error());
  auto row = query->bind(0, id).step();
  if (!row) return tl::unexpected(row.error());
  if (!*row) return std::optional<ReceivedReport>{};
  ListedReport listed = read_listed(*query);
  auto loader = PolicyLoader::create(database_);
  if (!loader) return tl::unexpected(loader.error());
  if (auto done = loader->load(id, {}, listed.report); !done) return tl::unexpected(done.error());
  auto json = gunzip(query->text(kListedWidth), own_bytes());
  if (json.refusal != Refusal::none) {
    return fail(ErrorCode::database, "the text of report {} in {} is damaged: {}", id, path_,
                json.detail);
  }
  return std::optional<ReceivedReport>(ReceivedReport{
      std::move(listed.provenance), std::move(listed.report), listed.flags, std::move(json.bytes)});
}

Result<std::optional<RefusedInput>> ReceivedStore::refused(std::int64_t id) {
  auto query = database_.prepare(fmt::format("SELECT id, {}, {} FROM refused WHERE id = ?",
                                             kProvenanceColumns, kRefusedColumns));
  if (!query) return tl::unexpected(query.error());
  auto row = query->bind(0, id).step();
  if (!row) return tl::unexpected(row.error());
  if (!*row) return std::optional<RefusedInput>{};
  return std::optional<RefusedInput>(read_refused(*query));
}

Result<std::optional<KeptRefusal>> ReceivedStore::refused_after(std::int64_t id) {
  auto query = database_.prepare(
      fmt::format("SELECT id, {}, {} FROM refused WHERE id > ? AND kept = size AND size > 0 "
                  "ORDER BY id LIMIT 1",
                  kProvenanceColumns, kRefusedColumns));
  if (!query) return tl::unexpected(query.error());
  auto row = query->bind(0, id).step();
  if (!row) return tl::unexpected(row.error());
  if (!*row) return std::optional<KeptRefusal>{};
  return std::optional<KeptRefusal>(KeptRefusal{query->integer(0), read_refused(*query)});
}

}  // namespace tlsrpt::milter
