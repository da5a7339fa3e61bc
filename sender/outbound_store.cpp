// SPDX-License-Identifier: BSD-2-Clause
#include "sender/outbound_store.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "common/clock.hpp"
#include "sender/outbound_writer.hpp"
#include "sender/outcome_keys.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kMaxSample = 4096;

std::int64_t day_number(Day day) { return day.time_since_epoch().count(); }
Day to_day(std::int64_t number) { return Day(std::chrono::days(number)); }

auto order(const FailureDetails& details) {
  return std::tie(details.result_type, details.receiving_mx_hostname, details.receiving_ip,
                  details.sending_mta_ip, details.receiving_mx_helo, details.failure_reason_code,
                  details.additional_information);
}

auto order(const PolicyResult& result) {
  return std::tie(result.policy.policy_type, result.policy.policy_domain,
                  result.policy.policy_string, result.policy.mx_host);
}

template <typename Item>
void sort_in_order(std::vector<Item>& items) {
  std::sort(items.begin(), items.end(),
            [](const Item& a, const Item& b) { return order(a) < order(b); });
}

/// Runs 'read' for each row of a statement whose parameters are bound.
template <typename ReadRow>
Result<void> for_each_row(Statement& query, ReadRow read) {
  for (;;) {
    const auto row = query.step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return {};
    read(query);
  }
}

constexpr std::string_view kSelectDetails =
    "SELECT result_type, sending_mta_ip, receiving_mx_hostname, receiving_mx_helo, receiving_ip, "
    "additional_information, failure_reason_code, sessions FROM outcome_detail WHERE outcome=?";

Result<std::vector<FailureDetails>> load_details(Statement& query, std::int64_t outcome) {
  std::vector<FailureDetails> list;
  query.bind(0, outcome);
  const auto done = for_each_row(query, [&](Statement& row) {
    FailureDetails details;
    details.result_type = row.text(0);
    details.sending_mta_ip = row.text(1);
    details.receiving_mx_hostname = row.text(2);
    details.receiving_mx_helo = row.text(3);
    details.receiving_ip = row.text(4);
    details.additional_information = row.text(5);
    details.failure_reason_code = row.text(6);
    details.failed_session_count = static_cast<std::uint64_t>(row.integer(7));
    list.push_back(std::move(details));
  });
  if (!done) return tl::unexpected(done.error());
  sort_in_order(list);
  return list;
}

// Policy types of strangers are kept, and nothing unregistered stands in a report.
constexpr std::string_view kOfReports =
    "domain<>'' AND policy_type IN ('tlsa','sts','no-policy-found')";

// The record that was seen last comes last.
constexpr std::string_view kSelectPolicies =
    "SELECT id, successes, failures, policy_type, policy_domain, policy_string, mx_host, "
    "tlsrpt_record FROM outcome WHERE day=? AND domain=? AND {} ORDER BY recorded_at, id";

Result<DomainDay> load_domain_day(Sqlite& database, Day day, std::string_view domain) {
  DomainDay result{day, std::string(domain), {}, {}};
  auto policies = database.cached(fmt::format(kSelectPolicies, kOfReports));
  auto details = database.cached(kSelectDetails);
  for (const auto* statement : {&policies, &details}) {
    if (!*statement) return tl::unexpected(statement->error());
  }
  std::vector<std::int64_t> ids;
  policies->bind(0, day_number(day)).bind(1, domain);
  const auto done = for_each_row(*policies, [&](Statement& row) {
    ids.push_back(row.integer(0));
    PolicyResult policy;
    policy.total_successful_session_count = static_cast<std::uint64_t>(row.integer(1));
    policy.total_failure_session_count = static_cast<std::uint64_t>(row.integer(2));
    policy.policy = {row.text(3), split_lines(row.text(5)), row.text(4), split_lines(row.text(6))};
    result.policies.push_back(std::move(policy));
    if (std::string record = row.text(7); !record.empty()) result.tlsrpt_record = std::move(record);
  });
  if (!done) return tl::unexpected(done.error());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    auto list = load_details(*details, ids[i]);
    if (!list) return tl::unexpected(list.error());
    result.policies[i].failure_details = std::move(*list);
  }
  sort_in_order(result.policies);
  return result;
}

Result<std::map<std::string, std::uint64_t>> load_numbers(Sqlite& database, std::string_view sql) {
  auto query = database.prepare(sql);
  if (!query) return tl::unexpected(query.error());
  std::map<std::string, std::uint64_t> all;
  const auto done = for_each_row(*query, [&](Statement& row) {
    all[row.text(0)] = static_cast<std::uint64_t>(row.integer(1));
  });
  if (!done) return tl::unexpected(done.error());
  return all;
}

/// The outcomes by domain: neighbours in the tables are then written one after the other.
std::vector<const CountedOutcome*> in_order_of_domains(
    const std::vector<CountedOutcome>& outcomes) {
  std::vector<const CountedOutcome*> sorted;
  sorted.reserve(outcomes.size());
  for (const CountedOutcome& counted : outcomes) sorted.push_back(&counted);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const CountedOutcome* a, const CountedOutcome* b) {
                     return a->outcome.domain < b->outcome.domain;
                   });
  return sorted;
}

/// False: there was nothing. A part at a time, so that no collector has to wait for long.
Result<bool> prune_some(Sqlite& database, std::int64_t first_kept) {
  const std::string old =
      fmt::format("(SELECT id FROM outcome WHERE day < {} ORDER BY id LIMIT 10000)", first_kept);
  auto transaction = Transaction::begin(database);
  if (!transaction) return tl::unexpected(transaction.error());
  for (const char* statement :
       {"DELETE FROM outcome_detail WHERE outcome IN ", "DELETE FROM outcome WHERE id IN "}) {
    if (auto done = database.execute(statement + old); !done) return tl::unexpected(done.error());
  }
  const bool deleted = database.changes() > 0;
  if (auto done = transaction->commit(); !done) return tl::unexpected(done.error());
  return deleted;
}

}  // namespace

Result<OutboundStore> OutboundStore::open(const std::string& path, SqliteMode mode,
                                          int busy_timeout_ms) {
  auto database = Sqlite::open(path, mode, outbound_migrations(), busy_timeout_ms);
  if (!database) return tl::unexpected(database.error());
  return OutboundStore(std::move(*database));
}

Result<FlushResult> OutboundStore::add(const std::vector<CountedOutcome>& outcomes,
                                       const std::map<std::string, std::uint64_t>& counters,
                                       const StoreBounds& bounds) {
  auto transaction = Transaction::begin(database_);
  if (!transaction) return tl::unexpected(transaction.error());
  auto writer = OutboundWriter::prepare(database_, bounds, SystemClock().now());
  if (!writer) return tl::unexpected(writer.error());
  for (const CountedOutcome* counted : in_order_of_domains(outcomes)) {
    const auto done = writer->add(counted->day, counted->outcome, counted->sessions);
    if (!done) return tl::unexpected(done.error());
  }
  for (const auto& [name, increment] : counters) {
    if (auto done = writer->add_counter(name, increment); !done) {
      return tl::unexpected(done.error());
    }
  }
  auto result = writer->finish();
  if (!result) return result;
  if (auto done = transaction->commit(); !done) return tl::unexpected(done.error());
  return result;
}

Result<std::vector<Day>> OutboundStore::days() {
  auto query = database_.prepare("SELECT day FROM outcome_day ORDER BY day");
  if (!query) return tl::unexpected(query.error());
  std::vector<Day> list;
  const auto done =
      for_each_row(*query, [&](Statement& row) { list.push_back(to_day(row.integer(0))); });
  if (!done) return tl::unexpected(done.error());
  return list;
}

Result<std::vector<std::string>> OutboundStore::domains(Day day) {
  auto query = database_.prepare(fmt::format(
      "SELECT DISTINCT domain FROM outcome WHERE day=? AND {} ORDER BY domain", kOfReports));
  if (!query) return tl::unexpected(query.error());
  query->bind(0, day_number(day));
  std::vector<std::string> list;
  const auto done = for_each_row(*query, [&](Statement& row) { list.push_back(row.text(0)); });
  if (!done) return tl::unexpected(done.error());
  return list;
}

Result<std::uint64_t> OutboundStore::count_domains(Day day) {
  auto query = database_.prepare(
      fmt::format("SELECT count(DISTINCT domain) FROM outcome WHERE day=? AND {}", kOfReports));
  if (!query) return tl::unexpected(query.error());
  query->bind(0, day_number(day));
  std::uint64_t number = 0;
  const auto done = for_each_row(
      *query, [&](Statement& row) { number = static_cast<std::uint64_t>(row.integer(0)); });
  if (!done) return tl::unexpected(done.error());
  return number;
}

Result<DomainDay> OutboundStore::load(Day day, std::string_view domain) {
  // A savepoint, so that counts and details are of one moment even while a collector writes.
  auto begin = database_.cached("SAVEPOINT load_domain");
  auto release = database_.cached("RELEASE load_domain");
  if (!begin) return tl::unexpected(begin.error());
  if (!release) return tl::unexpected(release.error());
  if (auto begun = begin->run(); !begun) return tl::unexpected(begun.error());
  auto result = load_domain_day(database_, day, domain);
  if (auto released = release->run(); !released) return tl::unexpected(released.error());
  return result;
}

Result<DomainDaySummary> OutboundStore::summary(Day day, std::string_view domain) {
  auto query = database_.cached(
      fmt::format("SELECT tlsrpt_record, failures>0 OR details>0 FROM outcome WHERE day=? AND"
                  " domain=? AND {} ORDER BY recorded_at, id",
                  kOfReports));
  if (!query) return tl::unexpected(query.error());
  query->bind(0, day_number(day)).bind(1, domain);
  DomainDaySummary result;
  const auto done = for_each_row(*query, [&](Statement& row) {
    if (std::string record = row.text(0); !record.empty()) result.tlsrpt_record = std::move(record);
    result.has_failures = result.has_failures || row.integer(1) != 0;
  });
  if (!done) return tl::unexpected(done.error());
  return result;
}

Result<Overflow> OutboundStore::overflow(Day day) {
  auto query = database_.prepare(
      "SELECT sum(successes), sum(failures) FROM outcome WHERE day=? AND domain=''");
  if (!query) return tl::unexpected(query.error());
  query->bind(0, day_number(day));
  Overflow sums;
  const auto done = for_each_row(*query, [&](Statement& row) {
    sums = {static_cast<std::uint64_t>(row.integer(0)), static_cast<std::uint64_t>(row.integer(1))};
  });
  if (!done) return tl::unexpected(done.error());
  return sums;
}

Result<std::map<std::string, std::uint64_t>> OutboundStore::counters() {
  return load_numbers(database_, "SELECT name, value FROM collector_counter");
}

Result<std::map<std::string, std::uint64_t>> OutboundStore::gauges() {
  return load_numbers(database_, "SELECT name, value FROM collector_gauge");
}

Result<void> OutboundStore::keep_bad_sample(std::string_view reason, Seconds when,
                                            std::uint64_t times, std::string_view datagram) {
  auto statement = database_.prepare(
      "INSERT INTO bad_sample VALUES (?,?,?,?) ON CONFLICT DO UPDATE SET "
      "seen_at=excluded.seen_at, times=min(times+excluded.times,9007199254740991), "
      "datagram=excluded.datagram");
  if (!statement) return tl::unexpected(statement.error());
  statement->bind(0, reason).bind(1, std::int64_t{when.time_since_epoch().count()});
  statement->bind(2, static_cast<std::int64_t>(std::min(times, kMaxCount)));
  statement->bind_blob(3, datagram.substr(0, kMaxSample));
  return statement->run();
}

Result<std::vector<KeptSample>> OutboundStore::bad_samples() {
  auto query =
      database_.prepare("SELECT reason, seen_at, times, datagram FROM bad_sample ORDER BY reason");
  if (!query) return tl::unexpected(query.error());
  std::vector<KeptSample> samples;
  const auto done = for_each_row(*query, [&](Statement& row) {
    samples.push_back({row.text(0), Seconds(std::chrono::seconds(row.integer(1))),
                       static_cast<std::uint64_t>(row.integer(2)), row.text(3)});
  });
  if (!done) return tl::unexpected(done.error());
  return samples;
}

Result<std::uint64_t> OutboundStore::applied(std::uint64_t journal) {
  auto query = database_.prepare("SELECT applied FROM collector_journal WHERE journal=?");
  if (!query) return tl::unexpected(query.error());
  query->bind(0, static_cast<std::int64_t>(journal));
  const auto row = query->step();
  if (!row) return tl::unexpected(row.error());
  return *row ? static_cast<std::uint64_t>(query->integer(0)) : 0;
}

Result<void> OutboundStore::set_applied(std::uint64_t journal, std::uint64_t number, Seconds now) {
  auto statement = database_.prepare(
      "INSERT INTO collector_journal VALUES (?,?,?) ON CONFLICT DO UPDATE SET "
      "applied=max(applied,excluded.applied), used_at=excluded.used_at");
  if (!statement) return tl::unexpected(statement.error());
  statement->bind(0, static_cast<std::int64_t>(journal));
  statement->bind(1, static_cast<std::int64_t>(number));
  statement->bind(2, std::int64_t{now.time_since_epoch().count()});
  return statement->run();
}

Result<std::vector<LogPosition>> OutboundStore::log_positions() {
  auto query = database_.prepare(
      "SELECT source, generation, sequence, checkpoint, items, end_position FROM log_position");
  if (!query) return tl::unexpected(query.error());
  std::vector<LogPosition> list;
  const auto done = for_each_row(*query, [&](Statement& row) {
    list.push_back({row.text(0), static_cast<std::uint64_t>(row.integer(1)),
                    static_cast<std::uint64_t>(row.integer(2)), row.text(3),
                    static_cast<std::uint64_t>(row.integer(4)), row.text(5)});
  });
  if (!done) return tl::unexpected(done.error());
  return list;
}

Result<std::optional<LogPosition>> OutboundStore::claim_log(const std::string& source,
                                                            const std::string& end, Seconds now) {
  auto transaction = Transaction::begin(database_);
  if (!transaction) return tl::unexpected(transaction.error());
  auto all = log_positions();
  if (!all) return tl::unexpected(all.error());
  const auto found = std::find_if(all->begin(), all->end(), [&](const LogPosition& position) {
    return position.source == source;
  });
  const bool is_first = found == all->end();
  LogPosition claimed = is_first ? LogPosition{source, 0, 0, end, 0, end} : *found;
  ++claimed.generation;
  claimed.sequence = 0;
  if (auto done = set_log_position(claimed, now); !done) return tl::unexpected(done.error());
  if (auto done = transaction->commit(); !done) return tl::unexpected(done.error());
  return is_first ? std::optional<LogPosition>() : std::optional(std::move(*found));
}

Result<void> OutboundStore::set_log_position(const LogPosition& position, Seconds now) {
  auto statement = database_.prepare("INSERT OR REPLACE INTO log_position VALUES (?,?,?,?,?,?,?)");
  if (!statement) return tl::unexpected(statement.error());
  statement->bind(0, position.source).bind(1, static_cast<std::int64_t>(position.generation));
  statement->bind(2, static_cast<std::int64_t>(position.sequence)).bind(3, position.checkpoint);
  statement->bind(4, static_cast<std::int64_t>(position.items)).bind(5, position.end);
  statement->bind(6, std::int64_t{now.time_since_epoch().count()});
  return statement->run();
}

Result<bool> OutboundStore::prune(Day first_kept) {
  constexpr std::int64_t kJournalDays = 30;  // nobody's file is that old
  const std::int64_t day = day_number(first_kept);
  const auto deleted = prune_some(database_, day);
  if (!deleted || *deleted) return deleted;
  auto transaction = Transaction::begin(database_);
  if (!transaction) return tl::unexpected(transaction.error());
  for (const std::string& statement :
       {fmt::format("DELETE FROM outcome_day WHERE day < {}", day),
        fmt::format("DELETE FROM collector_journal WHERE used_at < {}",
                    (day - kJournalDays) * 86400)}) {
    if (auto done = database_.execute(statement); !done) return tl::unexpected(done.error());
  }
  if (auto done = transaction->commit(); !done) return tl::unexpected(done.error());
  return false;
}

Result<std::string> outbound_path(std::string_view database) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (database.substr(0, kSqlite.size()) != kSqlite) {
    return fail(ErrorCode::unsupported,
                "Database \"{}\" is of a kind that is not built in; use sqlite:/FOLDER", database);
  }
  std::string folder(database.substr(kSqlite.size()));
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  if (folder.empty() || folder.front() != '/') {
    return fail(ErrorCode::invalid_argument,
                "Database \"{}\" needs an absolute folder, as sqlite:/var/lib/opentlsrpt",
                database);
  }
  return folder == "/" ? "/outbound.db" : folder + "/outbound.db";
}

}  // namespace tlsrpt::sender
