// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// How one flush gets into outbound.db: statements and bounds. Used by OutboundStore only.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "common/sqlite.hpp"
#include "sender/outbound_store.hpp"

namespace tlsrpt::sender {

/// The key of a policy or of failure details within its domain: the first 64 bits of a SHA-256
/// over its texts. Two that collide would be counted as one; nothing else would break.
std::int64_t policy_key(const Policy& policy);
std::int64_t detail_key(const FailureDetails& details);

/// Adds within the caller's transaction. Every update is tried first and the texts are written
/// only when there was nothing to update, since nearly every session repeats an earlier one.
class OutboundWriter {
 public:
  static Result<OutboundWriter> prepare(Sqlite& database, const StoreBounds& bounds);

  /// 'outcomes' in the order of their domains is fastest.
  Result<void> add(const CountedOutcome& counted);
  Result<void> add_counter(std::string_view name, std::uint64_t increment);
  [[nodiscard]] const FlushResult& result() const { return result_; }

 private:
  explicit OutboundWriter(Sqlite& database, const StoreBounds& bounds)
      : database_(&database), bounds_(bounds) {}
  /// False: there are too many domains on that day.
  Result<bool> add_domain(const CountedOutcome& counted, std::int64_t day);
  Result<void> add_policy(const std::string& domain, std::int64_t day, const PolicyOutcome& policy,
                          std::int64_t sessions);
  Result<void> add_detail(const std::string& domain, std::int64_t day, std::int64_t policy,
                          const FailureDetails& details, std::int64_t sessions);
  Result<bool> update_detail(const std::string& domain, std::int64_t day, std::int64_t policy,
                             std::int64_t detail, std::int64_t sessions);
  Result<void> insert_detail(const std::string& domain, std::int64_t day, std::int64_t policy,
                             const FailureDetails& details, std::int64_t sessions);
  Result<bool> has_room_for_detail(const std::string& domain, std::int64_t day,
                                   std::int64_t policy);
  Result<bool> has_room_for_domain(std::int64_t day);
  Result<void> insert_domain(const CountedOutcome& counted, std::int64_t day);

  Sqlite* database_;
  StoreBounds bounds_;
  FlushResult result_;
  Statement find_domain_, update_record_, insert_domain_, count_domain_, domains_of_day_;
  Statement update_count_, insert_policy_, insert_count_;
  Statement details_of_policy_, count_detail_, update_detail_, insert_detail_, insert_detail_count_;
  Statement counter_;
};

}  // namespace tlsrpt::sender
