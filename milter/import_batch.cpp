// SPDX-License-Identifier: BSD-2-Clause
#include "milter/import_batch.hpp"

#include <unistd.h>

#include "milter/ndjson.hpp"
#include "milter/received_identity.hpp"
#include "milter/received_schema.hpp"
#include "milter/received_writer.hpp"

namespace tlsrpt::milter {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxInputs = 200;
constexpr std::size_t kMaxBytes = 16u << 20;
constexpr auto kMaxAge = 1s;

std::size_t size_of(const StoreItem& item) {
  std::size_t bytes = 0;
  for (const ReceivedReport& report : item.reports) bytes += report.json.size();
  for (const RefusedInput& refused : item.refused) bytes += refused.bytes.size();
  return bytes;
}

}  // namespace

std::string lines_about(const DoneInput& input, const StoredReports& stored, bool dry_run,
                        ImportTotals& totals) {
  std::string lines;
  std::size_t accepted = 0;
  for (const InputOutcome& one : input.examined.outcomes) {
    std::optional<ImportFacts> facts;
    if (!one.outcome.accepted()) {
      ++totals.refused;
    } else if (accepted < stored.size()) {
      facts = ImportFacts{stored[accepted++], one.provenance, dry_run};
      ++(facts->stored.duplicate ? totals.duplicates : totals.fresh);
    } else {
      ++totals.fresh;
    }
    lines += outcome_line(input.name.path, one.outcome, facts, input.name.message);
  }
  return lines;
}

void ImportBatch::add(DoneInput input) {
  if (inputs_.empty()) due_ = std::chrono::steady_clock::now() + kMaxAge;
  bytes_ += size_of(input.item);
  inputs_.push_back(std::move(input));
}

bool ImportBatch::full() const { return inputs_.size() >= kMaxInputs || bytes_ >= kMaxBytes; }

ImportBatch::Committed ImportBatch::commit(ImportTotals& totals) {
  std::vector<const StoreItem*> items;
  for (const DoneInput& input : inputs_) items.push_back(&input.item);
  const auto results = store_.store_all(items, limits_);
  Committed committed;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (results[i]) {
      committed.lines += lines_about(inputs_[i], *results[i], /*dry_run=*/false, totals);
    } else {
      if (results[i].error().code == ErrorCode::limit_exceeded) {
        // The mail stays where it is, and its error is told whether or not it is counted.
        static_cast<void>(store_.count({{"put_off_over_limit", 1}}, inputs_[i].item.at));
      }
      committed.failed.push_back(
          results[i].error().context(inputs_[i].name.in_words() + " was not stored"));
    }
  }
  inputs_.clear();
  bytes_ = 0;
  return committed;
}

Result<DryRun> DryRun::start(const std::string& path) {
  DryRun run;
  if (::access(path.c_str(), F_OK) != 0) return run;
  auto database = Sqlite::open(path, SqliteMode::read_only, received_migrations());
  if (!database) return tl::unexpected(database.error());
  run.database_ = std::move(*database);
  return run;
}

Result<StoredReports> DryRun::look_up(const StoreItem& item) {
  StoredReports found;
  for (const ReceivedReport& report : item.reports) {
    auto identity = report_identity(report);
    if (!identity) return tl::unexpected(identity.error());
    StoredReport& one = found.emplace_back();
    if (database_) {
      const auto older = find_received_report(*database_, report);
      if (!older) return tl::unexpected(older.error());
      if (*older) one = {**older, /*duplicate=*/true};
    }
    if (!seen_.insert(std::move(*identity)).second) one.duplicate = true;
  }
  return found;
}

}  // namespace tlsrpt::milter
