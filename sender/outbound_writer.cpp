// SPDX-License-Identifier: BSD-2-Clause
#include "sender/outbound_writer.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <utility>

namespace tlsrpt::sender {

namespace {

/// Counts saturate at what a report may say (R50); increments are cut alike, so that the sum of two
/// fits 64 bits.
constexpr auto kMax = static_cast<std::int64_t>(kMaxCount);
static_assert(kMaxCount == 9007199254740991, "the number stands in the statements below");

std::int64_t to_increment(std::uint64_t sessions) {
  return static_cast<std::int64_t>(std::min(sessions, kMaxCount));
}

std::int64_t add_saturating(std::uint64_t& total, std::int64_t increment) {
  total = std::min(kMaxCount, total + static_cast<std::uint64_t>(increment));
  return static_cast<std::int64_t>(total);
}

/// Lengths before the texts keep ("ab", "c") and ("a", "bc") apart.
void append_field(std::string& out, std::string_view text) {
  out += fmt::format("{}:", text.size());
  out += text;
}

std::int64_t hash_key(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::uint64_t key = 0;
  for (std::size_t i = 0; i < 8; ++i) key = (key << 8) | digest[i];
  return static_cast<std::int64_t>(key);
}

std::string join_lines(const std::vector<std::string>& list) {
  std::string out;
  for (const std::string& line : list) {
    if (&line != &list.front()) out += '\n';
    out += line;
  }
  return out;
}

/// The first row's only number, or nothing if there is no row.
Result<std::optional<std::int64_t>> read_number(Statement& query) {
  auto row = query.step();
  if (!row) return tl::unexpected(row.error());
  if (!*row) return std::optional<std::int64_t>();
  const std::int64_t value = query.integer(0);
  query.reset();
  return std::optional<std::int64_t>(value);
}

}  // namespace

std::int64_t policy_key(const Policy& policy) {
  std::string text;
  append_field(text, policy.policy_type);
  append_field(text, policy.policy_domain);
  append_field(text, fmt::format("{}", policy.policy_string.size()));
  for (const std::string& line : policy.policy_string) append_field(text, line);
  for (const std::string& pattern : policy.mx_host) append_field(text, pattern);
  return hash_key(text);
}

std::int64_t detail_key(const FailureDetails& details) {
  std::string text;
  for (const std::string* field :
       {&details.result_type, &details.sending_mta_ip, &details.receiving_mx_hostname,
        &details.receiving_mx_helo, &details.receiving_ip, &details.additional_information,
        &details.failure_reason_code}) {
    append_field(text, *field);
  }
  return hash_key(text);
}

Result<OutboundWriter> OutboundWriter::prepare(Sqlite& database, const StoreBounds& bounds) {
  OutboundWriter writer(database, bounds);
  struct Entry {
    Statement* statement;
    std::string_view sql;
  };
  const std::array entries = {
      Entry{&writer.find_domain_, "SELECT 1 FROM outcome_domain WHERE domain=? AND day=?"},
      Entry{&writer.update_record_,
            "UPDATE outcome_domain SET tlsrpt_record=?3 "
            "WHERE domain=?1 AND day=?2 AND tlsrpt_record<>?3"},
      Entry{&writer.insert_domain_, "INSERT INTO outcome_domain VALUES (?,?,?)"},
      Entry{&writer.domains_of_day_, "SELECT domains FROM outcome_day WHERE day=?"},
      Entry{&writer.count_domain_,
            "INSERT INTO outcome_day VALUES (?,1) ON CONFLICT DO UPDATE SET domains=domains+1"},
      Entry{&writer.update_count_,
            "UPDATE outcome_count SET successes=min(successes+?4,9007199254740991),"
            "failures=min(failures+?5,9007199254740991) "
            "WHERE domain=?1 AND day=?2 AND policy_key=?3"},
      Entry{&writer.insert_policy_,
            "INSERT INTO outcome_policy VALUES (?,?,?,?,?,?,?) "
            "ON CONFLICT DO UPDATE SET last_day=max(last_day,excluded.last_day)"},
      Entry{&writer.insert_count_, "INSERT INTO outcome_count VALUES (?,?,?,?,?,0)"},
      Entry{&writer.details_of_policy_,
            "SELECT details FROM outcome_count WHERE domain=? AND day=? AND policy_key=?"},
      Entry{&writer.count_detail_,
            "UPDATE outcome_count SET details=details+1 "
            "WHERE domain=? AND day=? AND policy_key=?"},
      Entry{&writer.update_detail_,
            "UPDATE outcome_detail_count SET sessions=min(sessions+?5,9007199254740991) "
            "WHERE domain=?1 AND day=?2 AND policy_key=?3 AND detail_key=?4"},
      Entry{&writer.insert_detail_,
            "INSERT INTO outcome_detail VALUES (?,?,?,?,?,?,?,?,?,?) "
            "ON CONFLICT DO UPDATE SET last_day=max(last_day,excluded.last_day)"},
      Entry{&writer.insert_detail_count_, "INSERT INTO outcome_detail_count VALUES (?,?,?,?,?)"},
      Entry{&writer.counter_,
            "INSERT INTO collector_counter VALUES (?,?) ON CONFLICT DO UPDATE SET "
            "value=min(value+excluded.value,9007199254740991)"}};
  for (const Entry& entry : entries) {
    auto statement = database.prepare(entry.sql);
    if (!statement) return tl::unexpected(statement.error());
    *entry.statement = std::move(*statement);
  }
  return writer;
}

Result<void> OutboundWriter::add(const CountedOutcome& counted) {
  const Outcome& outcome = counted.outcome;
  if (outcome.policies.empty() || counted.sessions == 0) return {};
  const std::int64_t day = counted.day.time_since_epoch().count();
  const auto counted_in = add_domain(counted, day);
  if (!counted_in) return tl::unexpected(counted_in.error());
  const std::int64_t sessions = to_increment(counted.sessions);
  if (!*counted_in) {
    add_saturating(result_.dropped_sessions, sessions);
    return {};
  }
  for (const PolicyOutcome& policy : outcome.policies) {
    if (auto done = add_policy(outcome.domain, day, policy, sessions); !done) return done;
  }
  return {};
}

Result<bool> OutboundWriter::add_domain(const CountedOutcome& counted, std::int64_t day) {
  find_domain_.bind(0, counted.outcome.domain).bind(1, day);
  const auto found = read_number(find_domain_);
  if (!found) return tl::unexpected(found.error());
  if (found->has_value()) {
    if (counted.outcome.tlsrpt_record.empty()) return true;
    update_record_.bind(0, counted.outcome.domain).bind(1, day);
    update_record_.bind(2, counted.outcome.tlsrpt_record);
    if (auto done = update_record_.run(); !done) return tl::unexpected(done.error());
    return true;
  }
  const auto room = has_room_for_domain(day);
  if (!room || !*room) return room;
  if (auto done = insert_domain(counted, day); !done) return tl::unexpected(done.error());
  return true;
}

Result<bool> OutboundWriter::has_room_for_domain(std::int64_t day) {
  domains_of_day_.bind(0, day);
  const auto domains = read_number(domains_of_day_);
  if (!domains) return tl::unexpected(domains.error());
  return static_cast<std::uint64_t>(domains->value_or(0)) < bounds_.max_domains;
}

Result<void> OutboundWriter::insert_domain(const CountedOutcome& counted, std::int64_t day) {
  insert_domain_.bind(0, counted.outcome.domain).bind(1, day);
  insert_domain_.bind(2, counted.outcome.tlsrpt_record);
  if (auto done = insert_domain_.run(); !done) return done;
  count_domain_.bind(0, day);
  return count_domain_.run();
}

Result<void> OutboundWriter::add_policy(const std::string& domain, std::int64_t day,
                                        const PolicyOutcome& policy, std::int64_t sessions) {
  const std::int64_t key = policy_key(policy.policy);
  const std::int64_t successes = policy.failed ? 0 : sessions;
  const std::int64_t failures = policy.failed ? sessions : 0;
  update_count_.bind(0, domain).bind(1, day).bind(2, key).bind(3, successes).bind(4, failures);
  if (auto done = update_count_.run(); !done) return done;
  if (database_->changes() == 0) {
    const Policy& text = policy.policy;
    insert_policy_.bind(0, domain).bind(1, key).bind(2, text.policy_type);
    insert_policy_.bind(3, text.policy_domain).bind(4, join_lines(text.policy_string));
    insert_policy_.bind(5, join_lines(text.mx_host)).bind(6, day);
    if (auto done = insert_policy_.run(); !done) return done;
    insert_count_.bind(0, domain).bind(1, day).bind(2, key).bind(3, successes).bind(4, failures);
    if (auto done = insert_count_.run(); !done) return done;
  }
  for (const FailureDetails& details : policy.failure_details) {
    if (auto done = add_detail(domain, day, key, details, sessions); !done) return done;
  }
  return {};
}

Result<void> OutboundWriter::add_detail(const std::string& domain, std::int64_t day,
                                        std::int64_t policy, const FailureDetails& details,
                                        std::int64_t sessions) {
  const auto updated = update_detail(domain, day, policy, detail_key(details), sessions);
  if (!updated) return tl::unexpected(updated.error());
  if (*updated) return {};
  const auto room = has_room_for_detail(domain, day, policy);
  if (!room) return tl::unexpected(room.error());
  if (*room) {
    count_detail_.bind(0, domain).bind(1, day).bind(2, policy);
    if (auto done = count_detail_.run(); !done) return done;
    return insert_detail(domain, day, policy, details, sessions);
  }
  // No room: only the result type and the count are kept, so that the sums stay right.
  FailureDetails folded;
  folded.result_type = details.result_type;
  add_saturating(result_.folded_details, sessions);
  const auto added = update_detail(domain, day, policy, detail_key(folded), sessions);
  if (!added) return tl::unexpected(added.error());
  if (*added) return {};
  return insert_detail(domain, day, policy, folded, sessions);
}

Result<bool> OutboundWriter::update_detail(const std::string& domain, std::int64_t day,
                                           std::int64_t policy, std::int64_t detail,
                                           std::int64_t sessions) {
  update_detail_.bind(0, domain).bind(1, day).bind(2, policy).bind(3, detail).bind(4, sessions);
  if (auto done = update_detail_.run(); !done) return tl::unexpected(done.error());
  return database_->changes() > 0;
}

Result<bool> OutboundWriter::has_room_for_detail(const std::string& domain, std::int64_t day,
                                                 std::int64_t policy) {
  details_of_policy_.bind(0, domain).bind(1, day).bind(2, policy);
  const auto details = read_number(details_of_policy_);
  if (!details) return tl::unexpected(details.error());
  return static_cast<std::uint64_t>(details->value_or(0)) < bounds_.max_failure_details;
}

Result<void> OutboundWriter::insert_detail(const std::string& domain, std::int64_t day,
                                           std::int64_t policy, const FailureDetails& details,
                                           std::int64_t sessions) {
  const std::int64_t key = detail_key(details);
  insert_detail_.bind(0, domain).bind(1, key).bind(2, details.result_type);
  insert_detail_.bind(3, details.sending_mta_ip).bind(4, details.receiving_mx_hostname);
  insert_detail_.bind(5, details.receiving_mx_helo).bind(6, details.receiving_ip);
  insert_detail_.bind(7, details.additional_information);
  insert_detail_.bind(8, details.failure_reason_code).bind(9, day);
  if (auto done = insert_detail_.run(); !done) return done;
  insert_detail_count_.bind(0, domain).bind(1, day).bind(2, policy).bind(3, key);
  insert_detail_count_.bind(4, sessions);
  return insert_detail_count_.run();
}

Result<void> OutboundWriter::add_counter(std::string_view name, std::uint64_t increment) {
  if (increment == 0) return {};
  counter_.bind(0, name).bind(1, to_increment(increment));
  return counter_.run();
}

}  // namespace tlsrpt::sender
