// SPDX-License-Identifier: BSD-2-Clause
#include "sender/outbound_store.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "sender/outbound_writer.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kMaxSample = 4096;

std::int64_t day_number(Day day) { return day.time_since_epoch().count(); }
Day to_day(std::int64_t number) { return Day(std::chrono::days(number)); }

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

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

Result<std::vector<FailureDetails>> load_details(Statement& query, std::string_view domain,
                                                 std::int64_t day, std::int64_t policy) {
  std::vector<FailureDetails> list;
  query.bind(0, domain).bind(1, day).bind(2, policy);
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

constexpr std::string_view kSelectPolicies =
    "SELECT c.policy_key, c.successes, c.failures, p.policy_type, p.policy_domain, "
    "p.policy_string, p.mx_host FROM outcome_count c "
    "JOIN outcome_policy p ON p.domain=c.domain AND p.policy_key=c.policy_key "
    "WHERE c.domain=? AND c.day=?";

constexpr std::string_view kSelectDetails =
    "SELECT d.result_type, d.sending_mta_ip, d.receiving_mx_hostname, d.receiving_mx_helo, "
    "d.receiving_ip, d.additional_information, d.failure_reason_code, c.sessions "
    "FROM outcome_detail_count c "
    "JOIN outcome_detail d ON d.domain=c.domain AND d.detail_key=c.detail_key "
    "WHERE c.domain=? AND c.day=? AND c.policy_key=?";

Result<DomainDay> load_domain_day(Sqlite& database, Day day, std::string_view domain) {
  DomainDay result{day, std::string(domain), {}, {}};
  auto record =
      database.prepare("SELECT tlsrpt_record FROM outcome_domain WHERE domain=? AND day=?");
  auto policies = database.prepare(kSelectPolicies);
  auto details = database.prepare(kSelectDetails);
  for (const auto* statement : {&record, &policies, &details}) {
    if (!*statement) return tl::unexpected(statement->error());
  }
  record->bind(0, domain).bind(1, day_number(day));
  auto done = for_each_row(*record, [&](Statement& row) { result.tlsrpt_record = row.text(0); });
  if (!done) return tl::unexpected(done.error());
  std::vector<std::int64_t> keys;
  policies->bind(0, domain).bind(1, day_number(day));
  done = for_each_row(*policies, [&](Statement& row) {
    keys.push_back(row.integer(0));
    PolicyResult policy;
    policy.total_successful_session_count = static_cast<std::uint64_t>(row.integer(1));
    policy.total_failure_session_count = static_cast<std::uint64_t>(row.integer(2));
    policy.policy = {row.text(3), split_lines(row.text(5)), row.text(4), split_lines(row.text(6))};
    result.policies.push_back(std::move(policy));
  });
  if (!done) return tl::unexpected(done.error());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    auto list = load_details(*details, domain, day_number(day), keys[i]);
    if (!list) return tl::unexpected(list.error());
    result.policies[i].failure_details = std::move(*list);
  }
  sort_in_order(result.policies);
  return result;
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

}  // namespace

Result<OutboundStore> OutboundStore::open(const std::string& path, SqliteMode mode) {
  auto database = Sqlite::open(path, mode, outbound_migrations());
  if (!database) return tl::unexpected(database.error());
  return OutboundStore(std::move(*database));
}

Result<FlushResult> OutboundStore::add(const std::vector<CountedOutcome>& outcomes,
                                       const std::map<std::string, std::uint64_t>& counters,
                                       const StoreBounds& bounds) {
  auto transaction = Transaction::begin(database_);
  if (!transaction) return tl::unexpected(transaction.error());
  auto writer = OutboundWriter::prepare(database_, bounds);
  if (!writer) return tl::unexpected(writer.error());
  for (const CountedOutcome* counted : in_order_of_domains(outcomes)) {
    if (auto done = writer->add(*counted); !done) return tl::unexpected(done.error());
  }
  for (const auto& [name, increment] : counters) {
    if (auto done = writer->add_counter(name, increment); !done) {
      return tl::unexpected(done.error());
    }
  }
  const FlushResult result = writer->result();
  const auto dropped = writer->add_counter("dropped-domains", result.dropped_sessions);
  if (!dropped) return tl::unexpected(dropped.error());
  const auto folded = writer->add_counter("folded-details", result.folded_details);
  if (!folded) return tl::unexpected(folded.error());
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
  auto query = database_.prepare("SELECT domain FROM outcome_domain WHERE day=? ORDER BY domain");
  if (!query) return tl::unexpected(query.error());
  query->bind(0, day_number(day));
  std::vector<std::string> list;
  const auto done = for_each_row(*query, [&](Statement& row) { list.push_back(row.text(0)); });
  if (!done) return tl::unexpected(done.error());
  return list;
}

Result<DomainDay> OutboundStore::load(Day day, std::string_view domain) {
  // A savepoint, so that counts and details are of one moment even while a collector writes.
  if (auto begun = database_.execute("SAVEPOINT load_domain"); !begun) {
    return tl::unexpected(begun.error());
  }
  auto result = load_domain_day(database_, day, domain);
  if (auto released = database_.execute("RELEASE load_domain"); !released) {
    return tl::unexpected(released.error());
  }
  return result;
}

Result<std::map<std::string, std::uint64_t>> OutboundStore::counters() {
  auto query = database_.prepare("SELECT name, value FROM collector_counter");
  if (!query) return tl::unexpected(query.error());
  std::map<std::string, std::uint64_t> all;
  const auto done = for_each_row(*query, [&](Statement& row) {
    all[row.text(0)] = static_cast<std::uint64_t>(row.integer(1));
  });
  if (!done) return tl::unexpected(done.error());
  return all;
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

Result<void> OutboundStore::prune(Day first_kept) {
  constexpr std::string_view kOldPairs =
      " WHERE (domain, day) IN (SELECT domain, day FROM outcome_domain WHERE day < {0})";
  auto transaction = Transaction::begin(database_);
  if (!transaction) return tl::unexpected(transaction.error());
  const std::int64_t day = day_number(first_kept);
  for (const std::string& statement :
       {fmt::format("DELETE FROM outcome_detail_count{}", fmt::format(kOldPairs, day)),
        fmt::format("DELETE FROM outcome_count{}", fmt::format(kOldPairs, day)),
        fmt::format("DELETE FROM outcome_detail WHERE last_day < {}", day),
        fmt::format("DELETE FROM outcome_policy WHERE last_day < {}", day),
        fmt::format("DELETE FROM outcome_domain WHERE day < {}", day),
        fmt::format("DELETE FROM outcome_day WHERE day < {}", day)}) {
    if (auto done = database_.execute(statement); !done) return done;
  }
  return transaction->commit();
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
