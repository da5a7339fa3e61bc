// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// How counts get into outbound.db: statements and bounds, within a transaction of the caller.

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "common/sqlite.hpp"
#include "sender/outbound_store.hpp"

namespace tlsrpt::sender {

/// The rows that one policy of an outcome has been counted in. Who kept them can count the same
/// outcome again without looking for them.
struct Booking {
  std::int64_t outcome = 0;
  bool failed = false;
  std::vector<std::int64_t> detail_keys;
};

/// What add() did.
struct Booked {
  std::vector<Booking> rows;
  bool plain = true;  ///< nothing was folded or had no room: repeat() may be used the next time
};

/// For one transaction. Threads: that of the connection.
class OutboundWriter {
 public:
  /// 'now' stands beside records that are seen for the first time.
  static Result<OutboundWriter> prepare(Sqlite& database, const StoreBounds& bounds, Seconds now);

  /// 'outcomes' in the order of their domains is fastest.
  Result<Booked> add(Day day, const Outcome& outcome, std::uint64_t sessions);
  /// False: the row is gone. All rows of an outcome are, then, or none.
  Result<bool> repeat(const Booking& booking, std::uint64_t sessions);
  Result<void> add_counter(std::string_view name, std::uint64_t increment);
  Result<void> set_gauge(std::string_view name, std::uint64_t value);

  /// Writes what was counted beside; before the commit.
  Result<FlushResult> finish();

 private:
  explicit OutboundWriter(const StoreBounds& bounds, Seconds now) : bounds_(bounds), now_(now) {}

  Result<std::int64_t*> keys_of(Day day);
  Result<std::int64_t> find_or_insert(Day day, const Outcome& outcome, const PolicyOutcome& policy,
                                      std::int64_t sessions, Booked& booked);
  Result<std::int64_t> insert(std::int64_t day, std::string_view domain, const Policy& policy,
                              std::string_view record, bool failed, std::int64_t sessions);
  Result<std::int64_t> update(std::int64_t day, const Outcome& outcome, const PolicyOutcome& policy,
                              std::int64_t sessions);
  Result<bool> count_details(std::int64_t outcome, const FailureDetails& details,
                             std::int64_t sessions, Booking& booking);
  Result<bool> update_detail(std::int64_t outcome, std::int64_t key, std::int64_t sessions);
  Result<void> insert_detail(std::int64_t outcome, std::int64_t key, const FailureDetails& details,
                             std::int64_t sessions);

  StoreBounds bounds_;
  Seconds now_;
  FlushResult result_;
  std::map<Day, std::int64_t> keys_;
  std::int64_t last_id_ = 0;  ///< rows with higher numbers were not there before
  Statement insert_, update_, repeat_, update_detail_, room_for_detail_, insert_detail_;
  Statement counter_, gauge_, read_keys_, write_keys_;
};

}  // namespace tlsrpt::sender
