// SPDX-License-Identifier: BSD-2-Clause
#include "milter/received_writer.hpp"

#include <algorithm>

#include "milter/received_duplicates.hpp"
#include "milter/received_identity.hpp"
#include "milter/received_row.hpp"

namespace tlsrpt::milter {

namespace {

constexpr std::size_t kMaxKeptBytes = 512u << 20;  // SQLite takes less than 10^9 in one value

Result<void> write_failure(Statement& insert, const FailureDetails& failure,
                           std::int64_t position) {
  insert.bind(3, position);
  bind_text(insert, 4, failure.result_type);
  bind_text(insert, 5, failure.sending_mta_ip);
  bind_text(insert, 6, failure.receiving_mx_hostname);
  bind_text(insert, 7, failure.receiving_mx_helo);
  bind_text(insert, 8, failure.receiving_ip);
  bind_count(insert, 9, failure.failed_session_count);
  bind_text(insert, 10, failure.additional_information);
  bind_text(insert, 11, failure.failure_reason_code);
  return insert.run();
}

Result<void> write_policy(Statement& insert, const PolicyResult& result) {
  bind_text(insert, 4, result.policy.policy_type);
  bind_text(insert, 5, write_texts(result.policy.policy_string));
  bind_text(insert, 6, write_texts(result.policy.mx_host));
  bind_count(insert, 7, result.total_successful_session_count);
  bind_count(insert, 8, result.total_failure_session_count);
  insert.bind(9, std::int64_t{is_failing(result)});
  return insert.run();
}

Result<void> write_policies(Sqlite& database, std::int64_t id, const Report& report) {
  auto policy = database.cached(
      "INSERT INTO policy (policy_domain, end_datetime, report, position, policy_type, "
      "policy_string, mx_host, total_successful_session_count, total_failure_session_count, "
      "failing) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  if (!policy) return tl::unexpected(policy.error());
  auto failure = database.cached(
      "INSERT INTO failure (policy_domain, report, policy, position, result_type, sending_mta_ip, "
      "receiving_mx_hostname, receiving_mx_helo, receiving_ip, failed_session_count, "
      "additional_information, failure_reason_code, end_datetime) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  if (!failure) return tl::unexpected(failure.error());
  std::int64_t position = 0;
  for (const PolicyResult& result : report.policies) {
    const std::string_view domain = result.policy.policy_domain;
    policy->bind(0, domain).bind(2, id).bind(3, position);
    bind_time(*policy, 1, report.date_range.end_datetime);
    if (auto done = write_policy(*policy, result); !done) return done;
    failure->bind(0, domain).bind(1, id).bind(2, position);
    bind_time(*failure, 12, report.date_range.end_datetime);
    std::int64_t detail = 0;
    for (const FailureDetails& details : result.failure_details) {
      if (auto done = write_failure(*failure, details, detail++); !done) return done;
    }
    ++position;
  }
  return {};
}

/// The parameters of the two statements below, in their order.
void bind_report(Statement& statement, const ReceivedReport& received, const ReportKeys& keys) {
  const Report& report = received.report;
  bind_provenance(statement, 0, received.provenance);
  int index = kProvenanceWidth;
  bind_text(statement, index++, report.organization_name);
  bind_text(statement, index++, report.contact_info);
  bind_text(statement, index++, report.report_id);
  bind_time(statement, index++, report.date_range.start_datetime);
  bind_time(statement, index++, report.date_range.end_datetime);
  bind_text(statement, index++, write_flags(received.flags));
  statement.bind(index++, std::int64_t{is_failing(report)});
  statement.bind_blob(index++, keys.packed);
  statement.bind_blob(index++, keys.identity);
  statement.bind_blob(index, keys.likeness);
}

std::string report_columns() {
  return fmt::format(
      "({}, organization_name, contact_info, report_id, start_datetime, end_datetime, flags, "
      "failing, json, identity, likeness)",
      kProvenanceColumns);
}
constexpr std::string_view kReportValues =
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

Result<void> replace_report(Sqlite& database, std::int64_t id, const ReceivedReport& received,
                            const ReportKeys& keys) {
  if (auto done = remove_policies(database, id); !done) return done;
  auto update = database.cached(
      fmt::format("UPDATE report SET {} = {} WHERE id = ?", report_columns(), kReportValues));
  if (!update) return tl::unexpected(update.error());
  bind_report(*update, received, keys);
  update->bind(kProvenanceWidth + 10, id);
  if (auto done = update->run(); !done) return done;
  return write_policies(database, id, received.report);
}

Result<std::int64_t> insert_report(Sqlite& database, const ReceivedReport& received,
                                   const ReportKeys& keys) {
  auto insert = database.cached(
      fmt::format("INSERT INTO report {} VALUES {}", report_columns(), kReportValues));
  if (!insert) return tl::unexpected(insert.error());
  bind_report(*insert, received, keys);
  if (auto done = insert->run(); !done) return tl::unexpected(done.error());
  const std::int64_t id = database.last_insert_rowid();
  if (auto done = write_policies(database, id, received.report); !done) {
    return tl::unexpected(done.error());
  }
  return id;
}

struct RefusedRoom {
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
};

Result<RefusedRoom> refused_room(Sqlite& database) {
  auto query = database.cached("SELECT count(*), coalesce(sum(kept), 0) FROM refused");
  if (!query) return tl::unexpected(query.error());
  if (auto row = query->step(); !row) return tl::unexpected(row.error());
  return RefusedRoom{query->integer(0), query->integer(1)};
}

/// The rows whose bytes must go, oldest first, until 'surplus' bytes are freed.
Result<std::vector<std::int64_t>> oldest_with_bytes(Sqlite& database, std::int64_t surplus) {
  auto query =
      database.cached("SELECT id, kept FROM refused WHERE kept > 0 ORDER BY received_at, id");
  if (!query) return tl::unexpected(query.error());
  std::vector<std::int64_t> ids;
  while (surplus > 0) {
    auto row = query->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) break;
    ids.push_back(query->integer(0));
    surplus -= query->integer(1);
  }
  return ids;
}

}  // namespace

Result<StoredReport> write_received_report(Sqlite& database, const ReceivedReport& received) {
  const auto keys = keys_of(received);
  if (!keys) return tl::unexpected(keys.error());
  const auto older = find_older_copy(database, received, *keys);
  if (!older) return tl::unexpected(older.error());
  if (!*older) {
    const auto id = insert_report(database, received, *keys);
    if (!id) return tl::unexpected(id.error());
    return StoredReport{*id, /*duplicate=*/false};
  }
  const std::int64_t id = (*older)->id;
  if ((*older)->gives_way) {
    if (auto done = replace_report(database, id, received, *keys); !done) {
      return tl::unexpected(done.error());
    }
  }
  return StoredReport{id, /*duplicate=*/true};
}

Result<std::optional<std::int64_t>> find_received_report(Sqlite& database,
                                                         const ReceivedReport& received) {
  const auto keys = keys_of(received);
  if (!keys) return tl::unexpected(keys.error());
  const auto older = find_older_copy(database, received, *keys);
  if (!older) return tl::unexpected(older.error());
  return *older ? std::optional((*older)->id) : std::nullopt;
}

Result<void> remove_policies(Sqlite& database, std::int64_t id) {
  for (const std::string_view sql : {"DELETE FROM failure WHERE report = ?1 AND policy_domain IN "
                                     "(SELECT policy_domain FROM policy WHERE report = ?1)",
                                     "DELETE FROM policy WHERE report = ?1"}) {
    auto remove = database.cached(sql);
    if (!remove) return tl::unexpected(remove.error());
    if (auto done = remove->bind(0, id).run(); !done) return done;
  }
  return {};
}

Result<void> write_refused(Sqlite& database, const RefusedInput& refused,
                           const StoreLimits& limits) {
  const auto fingerprint = refusal_fingerprint(refused);
  if (!fingerprint) return tl::unexpected(fingerprint.error());
  auto insert = database.cached(fmt::format(
      "INSERT INTO refused ({}, refusal, detail, subject, size, kept, bytes, fingerprint, times) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1) "
      "ON CONFLICT (fingerprint) DO UPDATE SET times = times + 1, "
      "received_at = excluded.received_at, kept = excluded.kept, bytes = excluded.bytes",
      kProvenanceColumns));
  if (!insert) return tl::unexpected(insert.error());
  const std::string_view bytes =
      std::string_view(refused.bytes).substr(0, std::min(limits.max_refused_bytes, kMaxKeptBytes));
  bind_provenance(*insert, 0, refused.provenance);
  int index = kProvenanceWidth;
  bind_text(*insert, index++, to_word(refused.refusal));
  bind_text(*insert, index++, std::string_view(refused.detail).substr(0, kMaxHeaderText));
  bind_text(*insert, index++, std::string_view(refused.subject).substr(0, kMaxHeaderText));
  insert->bind(index++, static_cast<std::int64_t>(std::max(refused.bytes.size(), refused.size)));
  insert->bind(index++, static_cast<std::int64_t>(bytes.size()));
  insert->bind_blob(index++, bytes);
  insert->bind_blob(index, *fingerprint);
  return insert->run();
}

Result<void> make_room_for_refused(Sqlite& database, Seconds now, const StoreLimits& limits) {
  const auto room = refused_room(database);
  if (!room) return tl::unexpected(room.error());
  const auto surplus_bytes = room->bytes - static_cast<std::int64_t>(limits.max_refused_bytes);
  const auto ids = oldest_with_bytes(database, surplus_bytes);
  if (!ids) return tl::unexpected(ids.error());
  auto drop = database.cached("UPDATE refused SET kept = 0, bytes = NULL WHERE id = ?");
  if (!drop) return tl::unexpected(drop.error());
  for (const std::int64_t id : *ids) {
    if (auto done = drop->bind(0, id).run(); !done) return done;
  }
  std::map<std::string, std::uint64_t> lost;
  if (!ids->empty()) lost["refused_bytes_dropped"] = ids->size();
  const auto surplus_rows = room->rows - static_cast<std::int64_t>(limits.max_refused_rows);
  if (surplus_rows > 0) {
    auto remove = database.cached(
        "DELETE FROM refused WHERE id IN "
        "(SELECT id FROM refused ORDER BY received_at, id LIMIT ?)");
    if (!remove) return tl::unexpected(remove.error());
    if (auto done = remove->bind(0, surplus_rows).run(); !done) return done;
    lost["refused_forgotten"] = static_cast<std::uint64_t>(surplus_rows);
  }
  return add_counters(database, std::chrono::floor<std::chrono::days>(now), lost);
}

Result<void> remove_refused(Sqlite& database, std::int64_t id) {
  auto remove = database.cached("DELETE FROM refused WHERE id = ?");
  if (!remove) return tl::unexpected(remove.error());
  return remove->bind(0, id).run();
}

Result<void> add_counters(Sqlite& database, Day day,
                          const std::map<std::string, std::uint64_t>& counters) {
  auto add = database.cached(
      "INSERT INTO counter (day, name, value) VALUES (?, ?, ?) "
      "ON CONFLICT (day, name) DO UPDATE SET value = value + excluded.value");
  if (!add) return tl::unexpected(add.error());
  for (const auto& [name, value] : counters) {
    add->bind(0, std::int64_t{day.time_since_epoch().count()}).bind(1, name);
    bind_count(*add, 2, value);
    if (auto done = add->run(); !done) return done;
  }
  return {};
}

}  // namespace tlsrpt::milter
