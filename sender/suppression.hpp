// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Destinations that do not take reports, and are left alone for a while (R152).

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/rua.hpp"
#include "common/sqlite.hpp"
#include "common/utc_time.hpp"
#include "sender/reporter_settings.hpp"

namespace tlsrpt::sender {

/// Under this name a destination is suppressed: the address of mailto:, the URI of https:.
std::string suppression_name(const Rua& rua);
/// The same for what a person types: an address, or a mailto: or https: URI.
Result<std::string> suppression_name(std::string_view text);

struct Suppression {
  std::string name;
  int bounces = 0;               ///< since the first that still counts
  Seconds last_bounce{};         ///< meaningless if bounces is 0
  std::optional<Seconds> until;  ///< suppressed until then; nothing: only counted so far
  bool by_hand = false;          ///< bounces do not end or extend it
  std::string detail;            ///< what the last bounce or the operator said; not escaped
};

/// Threads and processes as for Ledger.
class Suppressions {
 public:
  explicit Suppressions(Sqlite& database) : database_(&database) {}

  /// One report could not be delivered. Gives the entry; 'until' is set from the bounce_limit-th
  /// on. If the last one lies further back than settings.time, counting begins
  /// anew.
  Result<Suppression> count_bounce(const std::string& name, Seconds now, std::string_view detail,
                                   const SuppressionSettings& settings);
  /// A report was taken: nothing that was counted before matters.
  Result<void> clear_bounces(const std::string& name);

  Result<void> add(const std::string& name, Seconds until, std::string_view detail);
  Result<bool> remove(const std::string& name);  ///< false: it was not there
  Result<std::vector<Suppression>> list();       ///< by name
  /// Names that are suppressed at 'now' -> until when.
  Result<std::map<std::string, Seconds, std::less<>>> active(Seconds now);
  /// Forgets what has run out and does not count any more.
  Result<void> prune(Seconds now, const SuppressionSettings& settings);

 private:
  Sqlite* database_;
};

/// What is suppressed now, asked of the database every now and then only. Threads: one.
class ActiveSuppressions {
 public:
  explicit ActiveSuppressions(Suppressions& suppressions) : suppressions_(suppressions) {}

  /// Reads them again if they were read more than half a minute ago.
  Result<void> refresh(Seconds now);
  /// Until when reports to the destination are left out; nothing if they are not.
  [[nodiscard]] std::optional<Seconds> until(const Rua& rua, Seconds now) const;
  void add(const std::string& name, Seconds until) { active_.insert_or_assign(name, until); }

 private:
  Suppressions& suppressions_;
  std::map<std::string, Seconds, std::less<>> active_;
  Seconds read_{};  ///< long ago: at once
};

}  // namespace tlsrpt::sender
