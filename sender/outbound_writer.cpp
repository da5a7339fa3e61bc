// SPDX-License-Identifier: BSD-2-Clause
#include "sender/outbound_writer.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "sender/outcome_keys.hpp"

namespace tlsrpt::sender {

namespace {

/// Counts saturate at what a report may say (R50); increments are cut alike, so that the sum of two
/// fits 64 bits.
static_assert(kMaxCount == 9007199254740991, "the number stands in the statements below");

std::int64_t to_increment(std::uint64_t sessions) {
  return static_cast<std::int64_t>(std::min(sessions, kMaxCount));
}

void add_saturating(std::uint64_t& total, std::int64_t increment) {
  total = std::min(kMaxCount, total + static_cast<std::uint64_t>(increment));
}

std::int64_t day_number(Day day) { return day.time_since_epoch().count(); }

/// The first row's only number; 0 if there is no row.
Result<std::int64_t> read_number(Statement& query) {
  auto row = query.step();
  if (!row) return tl::unexpected(row.error());
  if (!*row) return std::int64_t{0};
  const std::int64_t value = query.integer(0);
  query.reset();
  return value;
}

constexpr std::string_view kInsert =
    "INSERT INTO outcome (day,domain,policy_key,successes,failures,details,recorded_at,"
    "policy_type,policy_domain,policy_string,mx_host,tlsrpt_record) "
    "VALUES (?,?,?,?,?,0,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET "
    "successes=min(successes+excluded.successes,9007199254740991),"
    "failures=min(failures+excluded.failures,9007199254740991),"
    "recorded_at=iif(excluded.tlsrpt_record='',recorded_at,excluded.recorded_at),"
    "tlsrpt_record=iif(excluded.tlsrpt_record='',tlsrpt_record,excluded.tlsrpt_record) "
    "RETURNING id";

constexpr std::string_view kUpdate =
    "UPDATE outcome SET successes=min(successes+?4,9007199254740991),"
    "failures=min(failures+?5,9007199254740991),"
    "recorded_at=iif(?7='',recorded_at,?6),tlsrpt_record=iif(?7='',tlsrpt_record,?7) "
    "WHERE day=?1 AND domain=?2 AND policy_key=?3 RETURNING id";

constexpr std::string_view kRepeat =
    "UPDATE outcome SET successes=min(successes+?2,9007199254740991),"
    "failures=min(failures+?3,9007199254740991) WHERE id=?1 RETURNING 1";

}  // namespace

Result<OutboundWriter> OutboundWriter::prepare(Sqlite& database, const StoreBounds& bounds,
                                               Seconds now) {
  OutboundWriter writer(bounds, now);
  struct Entry {
    Statement* statement;
    std::string_view sql;
  };
  Statement last_id;
  const std::array entries = {
      Entry{&last_id, "SELECT seq FROM sqlite_sequence WHERE name='outcome'"},
      Entry{&writer.insert_, kInsert},
      Entry{&writer.update_, kUpdate},
      Entry{&writer.repeat_, kRepeat},
      Entry{&writer.update_detail_,
            "UPDATE outcome_detail SET sessions=min(sessions+?3,9007199254740991) "
            "WHERE outcome=?1 AND detail_key=?2 RETURNING 1"},
      Entry{&writer.room_for_detail_,
            "UPDATE outcome SET details=details+1 WHERE id=?1 AND details<?2 RETURNING 1"},
      Entry{&writer.insert_detail_, "INSERT INTO outcome_detail VALUES (?,?,?,?,?,?,?,?,?,?)"},
      Entry{&writer.counter_,
            "INSERT INTO collector_counter VALUES (?,?) ON CONFLICT DO UPDATE SET "
            "value=min(value+excluded.value,9007199254740991)"},
      Entry{&writer.gauge_,
            "INSERT INTO collector_gauge VALUES (?,?) ON CONFLICT DO UPDATE SET "
            "value=excluded.value"},
      Entry{&writer.read_keys_, "SELECT keys FROM outcome_day WHERE day=?"},
      Entry{&writer.write_keys_,
            "INSERT INTO outcome_day VALUES (?,?) ON CONFLICT DO UPDATE SET keys=excluded.keys"}};
  for (const Entry& entry : entries) {
    auto statement = database.prepare(entry.sql);
    if (!statement) return tl::unexpected(statement.error());
    *entry.statement = std::move(*statement);
  }
  const auto last = read_number(last_id);
  if (!last) return tl::unexpected(last.error());
  writer.last_id_ = *last;
  return writer;
}

Result<Booked> OutboundWriter::add(Day day, const Outcome& outcome, std::uint64_t sessions) {
  Booked booked;
  const std::int64_t increment = to_increment(sessions);
  if (increment == 0) return booked;
  for (const PolicyOutcome& policy : outcome.policies) {
    const auto id = find_or_insert(day, outcome, policy, increment, booked);
    if (!id) return tl::unexpected(id.error());
    if (*id == 0) continue;
    Booking booking{*id, policy.failed, {}};
    for (const FailureDetails& details : policy.failure_details) {
      const auto counted = count_details(*id, details, increment, booking);
      if (!counted) return tl::unexpected(counted.error());
      booked.plain = booked.plain && *counted;
    }
    booked.rows.push_back(std::move(booking));
  }
  return booked;
}

Result<std::int64_t*> OutboundWriter::keys_of(Day day) {
  const auto found = keys_.find(day);
  if (found != keys_.end()) return &found->second;
  read_keys_.bind(0, day_number(day));
  const auto keys = read_number(read_keys_);
  if (!keys) return tl::unexpected(keys.error());
  return &keys_.emplace(day, *keys).first->second;
}

/// The number of the policy's row, in which the sessions have been counted; 0: there was no room,
/// and they are in the row for such.
Result<std::int64_t> OutboundWriter::find_or_insert(Day day, const Outcome& outcome,
                                                    const PolicyOutcome& policy,
                                                    std::int64_t sessions, Booked& booked) {
  const auto keys = keys_of(day);
  if (!keys) return tl::unexpected(keys.error());
  const bool full = static_cast<std::uint64_t>(**keys) >= bounds_.max_keys;
  const std::int64_t number = day_number(day);
  const auto id = full ? update(number, outcome, policy, sessions)
                       : insert(number, outcome.domain, policy.policy, outcome.tlsrpt_record,
                                policy.failed, sessions);
  if (!id) return id;
  if (*id > last_id_) {
    last_id_ = *id;
    ++**keys;
  }
  if (*id != 0) return id;
  booked.plain = false;
  add_saturating(result_.overflow_sessions, sessions);
  // Not counted as a key, so that one is always there.
  const auto overflow = insert(number, {}, {}, {}, policy.failed, sessions);
  if (!overflow) return overflow;
  last_id_ = std::max(last_id_, *overflow);
  return std::int64_t{0};
}

Result<std::int64_t> OutboundWriter::insert(std::int64_t day, std::string_view domain,
                                            const Policy& policy, std::string_view record,
                                            bool failed, std::int64_t sessions) {
  insert_.bind(0, day).bind(1, domain).bind(2, policy_key(policy));
  insert_.bind(3, failed ? 0 : sessions).bind(4, failed ? sessions : 0);
  insert_.bind(5, std::int64_t{now_.time_since_epoch().count()}).bind(6, policy.policy_type);
  insert_.bind(7, policy.policy_domain).bind(8, join_lines(policy.policy_string));
  insert_.bind(9, join_lines(policy.mx_host)).bind(10, record);
  return read_number(insert_);
}

Result<std::int64_t> OutboundWriter::update(std::int64_t day, const Outcome& outcome,
                                            const PolicyOutcome& policy, std::int64_t sessions) {
  update_.bind(0, day).bind(1, outcome.domain).bind(2, policy_key(policy.policy));
  update_.bind(3, policy.failed ? 0 : sessions).bind(4, policy.failed ? sessions : 0);
  update_.bind(5, std::int64_t{now_.time_since_epoch().count()}).bind(6, outcome.tlsrpt_record);
  return read_number(update_);
}

Result<bool> OutboundWriter::repeat(const Booking& booking, std::uint64_t sessions) {
  const std::int64_t increment = to_increment(sessions);
  repeat_.bind(0, booking.outcome);
  repeat_.bind(1, booking.failed ? 0 : increment).bind(2, booking.failed ? increment : 0);
  const auto there = read_number(repeat_);
  if (!there) return tl::unexpected(there.error());
  if (*there == 0) return false;
  for (const std::int64_t key : booking.detail_keys) {
    if (auto done = update_detail(booking.outcome, key, increment); !done) return done;
  }
  return true;
}

Result<bool> OutboundWriter::update_detail(std::int64_t outcome, std::int64_t key,
                                           std::int64_t sessions) {
  update_detail_.bind(0, outcome).bind(1, key).bind(2, sessions);
  const auto there = read_number(update_detail_);
  if (!there) return tl::unexpected(there.error());
  return *there != 0;
}

/// False: there was no room, and only the result type and the count have been kept, so that the
/// sums stay right.
Result<bool> OutboundWriter::count_details(std::int64_t outcome, const FailureDetails& details,
                                           std::int64_t sessions, Booking& booking) {
  const std::int64_t key = detail_key(details);
  const auto updated = update_detail(outcome, key, sessions);
  if (!updated) return updated;
  booking.detail_keys.push_back(key);
  if (*updated) return true;
  room_for_detail_.bind(0, outcome).bind(1, to_increment(bounds_.max_failure_details));
  const auto room = read_number(room_for_detail_);
  if (!room) return tl::unexpected(room.error());
  if (*room != 0) {
    if (auto done = insert_detail(outcome, key, details, sessions); !done) {
      return tl::unexpected(done.error());
    }
    return true;
  }
  FailureDetails folded;
  folded.result_type = details.result_type;
  add_saturating(result_.folded_details, sessions);
  const std::int64_t folded_key = detail_key(folded);
  const auto added = update_detail(outcome, folded_key, sessions);
  if (!added) return added;
  if (*added) return false;
  if (auto done = insert_detail(outcome, folded_key, folded, sessions); !done) {
    return tl::unexpected(done.error());
  }
  return false;
}

Result<void> OutboundWriter::insert_detail(std::int64_t outcome, std::int64_t key,
                                           const FailureDetails& details, std::int64_t sessions) {
  insert_detail_.bind(0, outcome).bind(1, key).bind(2, sessions).bind(3, details.result_type);
  insert_detail_.bind(4, details.sending_mta_ip).bind(5, details.receiving_mx_hostname);
  insert_detail_.bind(6, details.receiving_mx_helo).bind(7, details.receiving_ip);
  insert_detail_.bind(8, details.additional_information).bind(9, details.failure_reason_code);
  return insert_detail_.run();
}

Result<void> OutboundWriter::add_counter(std::string_view name, std::uint64_t increment) {
  if (increment == 0) return {};
  counter_.bind(0, name).bind(1, to_increment(increment));
  return counter_.run();
}

Result<void> OutboundWriter::set_gauge(std::string_view name, std::uint64_t value) {
  gauge_.bind(0, name).bind(1, to_increment(value));
  return gauge_.run();
}

Result<FlushResult> OutboundWriter::finish() {
  for (const auto& [day, keys] : keys_) {
    write_keys_.bind(0, day_number(day)).bind(1, keys);
    if (auto done = write_keys_.run(); !done) return tl::unexpected(done.error());
    result_.keys = static_cast<std::uint64_t>(keys);
    if (auto done = set_gauge("keys", result_.keys); !done) return tl::unexpected(done.error());
  }
  if (auto done = add_counter("overflow-sessions", result_.overflow_sessions); !done) {
    return tl::unexpected(done.error());
  }
  if (auto done = add_counter("folded-details", result_.folded_details); !done) {
    return tl::unexpected(done.error());
  }
  return result_;
}

}  // namespace tlsrpt::sender
