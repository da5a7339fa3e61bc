// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// policies.db: what is remembered about the MTA-STS of domains, over restarts and between the
// programs that share it.

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "common/log.hpp"
#include "common/sqlite.hpp"
#include "sender/sts_entry.hpp"

namespace tlsrpt::sender {

/// A database that cannot be used is no reason to stop: nothing is found and nothing is kept then,
/// which is logged once, and it is tried again every minute. Threads: any number at once; who loads
/// does not wait for who saves.
class StsCache {
 public:
  /// What nobody has asked about for so long is dropped.
  static constexpr std::chrono::days kMaxUnused{180};

  /// An empty path: no database, and that is no failure. max_rows: the least used ones over that
  /// are dropped by purge().
  StsCache(std::string path, std::size_t max_rows, const Clock& clock, Log& log);

  std::optional<StsEntry> load(const std::string& domain);
  /// Of what another program wrote meanwhile the newer part stays: the policy that was fetched
  /// later, the problem that was met later.
  /// False: it could not be written.
  bool save(const std::string& domain, const StsEntry& entry);
  /// Did the last load() look into the database, if there is to be one?
  [[nodiscard]] bool can_read();
  /// Domains whose policy is in force and to be fetched again now, and failed to be for an hour at
  /// least, if at all; the oldest first. Nothing if there is no database.
  std::optional<std::vector<std::string>> due(Seconds now, std::size_t limit);
  void purge(Seconds now);

 private:
  struct Connection {
    std::mutex mutex;  ///< of the rest
    Sqlite database;
    Seconds retry_at{};
  };

  template <typename Work>
  bool with(Connection& connection, SqliteMode mode, Work work);
  Result<void> make_ready(Connection& connection, SqliteMode mode);
  void note(const Result<void>& result);

  const std::string path_;
  const std::size_t max_rows_;
  const Clock& clock_;
  Log& log_;
  Connection writer_;
  Connection reader_;
  std::mutex state_mutex_;
  bool failing_ = false;  ///< of the two it is told once
};

}  // namespace tlsrpt::sender
