// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Gets one segment of the journal into outbound.db, in one transaction, once.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "common/clock.hpp"
#include "sender/bad_outcomes.hpp"
#include "sender/booked_texts.hpp"
#include "sender/journal.hpp"
#include "sender/outbound_store.hpp"
#include "sender/outcome.hpp"

namespace tlsrpt::sender {

/// Bad texts of one kind in one segment.
struct BadTexts {
  std::uint64_t times = 0;
  std::string_view text;  ///< the last one; in the segment
  std::string detail;
};

struct SegmentResult {
  bool counted_before = false;  ///< nothing was done: an earlier process had counted it
  std::uint64_t read = 0;
  std::uint64_t counted = 0;
  std::uint64_t bad = 0;
  std::uint64_t left_to_log = 0;  ///< datagrams of testing policies, which the log tells better
  std::uint64_t superseded = 0;   ///< out of a log that somebody has read again since
  std::map<BadOutcome, BadTexts> bad_texts;
  FlushResult flush;
};

struct SegmentStoreSettings {
  std::string path;  ///< of outbound.db
  StoreBounds bounds;
  OutcomeLimits limits;
  int busy_timeout_ms = 1000;
  /// Datagrams about an MTA-STS policy in mode testing are not counted: LogSessions sts-testing.
  bool testing_left_to_log = false;
};

/// Numbers that are written along with a segment.
struct Extras {
  std::map<std::string, std::uint64_t> counters;  ///< increments
  std::map<std::string, std::uint64_t> gauges;
};

/// Threads: one at a time.
class SegmentStore {
 public:
  SegmentStore(SegmentStoreSettings settings, const Clock& clock);

  /// Opens the database, if it is not open; makes it if it is not there.
  Result<void> open();

  /// All of it is on disk afterwards, or nothing is. A database that failed is opened anew the next
  /// time.
  Result<SegmentResult> add(const ClosedSegment& segment, const Extras& extras);
  /// Counters and gauges alone.
  Result<void> add(const Extras& extras);

  /// Has the segment been counted?
  Result<bool> has(std::uint64_t journal, std::uint64_t number);

 private:
  struct Pass;
  Result<SegmentResult> add_within(const ClosedSegment& segment, const Extras& extras);
  Result<void> add_entries(Pass& pass);
  Result<void> add_text(Pass& pass, std::size_t index, Day day, std::string_view datagram);
  Result<void> add_new(Pass& pass);
  Result<bool> repeat(Pass& pass, const std::vector<Booking>& rows, std::uint64_t count);
  Result<void> write_samples(const SegmentResult& result);

  SegmentStoreSettings settings_;
  const Clock& clock_;
  std::unique_ptr<OutboundStore> store_;
  BookedTexts booked_;
};

}  // namespace tlsrpt::sender
