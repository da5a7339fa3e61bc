// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// From examined inputs to the lines about them: what is printed as stored is on disk.

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/sqlite.hpp"
#include "milter/received_store.hpp"
#include "milter/reports_import.hpp"

namespace tlsrpt::milter {

/// One input whose outcomes are known.
struct DoneInput {
  InputName name;
  ExaminedInput examined;
  StoreItem item;  ///< of import: what is to be stored of it
};

struct ImportTotals {
  std::uint64_t fresh = 0;  ///< of parse: accepted
  std::uint64_t duplicates = 0;
  std::uint64_t refused = 0;
};

/// The lines about one input. 'stored': of its accepted reports in their order; empty for parse.
std::string lines_about(const DoneInput& input, const StoredReports& stored, bool dry_run,
                        ImportTotals& totals);

/// Inputs that go into the store with one commit: waiting for the disk takes longer than writing a
/// report, and the disk takes many as quickly as one.
class ImportBatch {
 public:
  ImportBatch(ReceivedStore store, const StoreLimits& limits)
      : store_(std::move(store)), limits_(limits) {}

  void add(DoneInput input);
  [[nodiscard]] bool empty() const { return inputs_.empty(); }
  /// It should be committed now: there are 200 inputs or 16 MB in it.
  [[nodiscard]] bool full() const;
  /// By when it should be, because a second is over since its first one came.
  [[nodiscard]] std::chrono::steady_clock::time_point due() const { return due_; }

  struct Committed {
    std::string lines;          ///< about what was stored
    std::vector<Error> failed;  ///< about the other inputs
  };
  Committed commit(ImportTotals& totals);

  ReceivedStore& store() { return store_; }

 private:
  ReceivedStore store_;
  StoreLimits limits_;
  std::vector<DoneInput> inputs_;
  std::size_t bytes_ = 0;
  std::chrono::steady_clock::time_point due_{};
};

/// What a commit would say, without one. Without a database everything is new.
class DryRun {
 public:
  /// A database that is not there is none; one that cannot be read is an error.
  static Result<DryRun> start(const std::string& path);

  /// One for each accepted report of the input.
  Result<StoredReports> look_up(const StoreItem& item);

 private:
  std::optional<Sqlite> database_;
  std::set<std::string> seen_;  ///< identities of this run
};

}  // namespace tlsrpt::milter
