// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Between those who receive outcomes and the thread that stores them. What is received is counted
// in the segment that is open, in memory and in a file. The storing thread closes the segment, gets
// it, and lets its file go once its counts are in the database.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/utc_time.hpp"
#include "sender/journal_file.hpp"
#include "sender/journal_folder.hpp"
#include "sender/segment.hpp"

namespace tlsrpt::sender {

struct JournalSettings {
  std::vector<std::string> folders;  ///< see JournalFolder::claim
  std::string database;              ///< whose outcomes these are
  std::size_t max_segment_bytes = 16u << 20;
  std::size_t max_closed = 4;                ///< segments that wait to be taken
  std::chrono::milliseconds patience{5000};  ///< of a receiver, for room
};

/// A segment that is closed.
struct ClosedSegment {
  std::unique_ptr<Segment> segment;
  std::uint64_t journal = 0;
  std::uint64_t number = 0;
  std::uint64_t from = 0;          ///< the first of those that it was made out of
  std::vector<std::string> files;  ///< that hold it, or parts of it
  bool on_disk = false;            ///< all of it is in the files
};

/// What happened since the last call, and how things stand.
struct JournalState {
  std::optional<Error> file_error;  ///< why a segment is in memory only
  std::uint64_t dropped = 0;        ///< datagrams for which there was no room
  std::size_t open_bytes = 0;       ///< of the segment that is open
};

/// Threads: any number may append; one calls the rest.
class Journal {
 public:
  /// Without a usable folder it works in memory; folder() says why.
  static std::unique_ptr<Journal> open(JournalSettings settings);
  ~Journal();

  /// Counts the texts of strangers for that day; a mark (sender/log_record.hpp) is taken off. One
  /// that is new waits for a while if the segment is full and
  /// nobody takes it; then it is dropped, as are further ones until somebody does.
  void append(Day day, std::span<const std::string_view> texts);

  /// Counts the texts of a log's follower for that day, all or none: they come into one segment,
  /// and into its file with one write, so that they are stored together or not at all. Their sizes
  /// may be kMaxWhole in sum. Waits for room for so long, and leaves the last places to the others.
  /// False: there was none, and nothing has been counted.
  bool append_whole(Day day, std::span<const Segment::Entry> texts,
                    std::chrono::milliseconds patience);
  static constexpr std::size_t kMaxWhole = std::size_t{4} << 20;

  /// What processes that are gone have left behind: to be read by read_journal_file, stored, and
  /// forgotten.
  [[nodiscard]] const JournalFolder& folder() const { return folder_; }

  /// Returns when the time has come, wake() was called, or a segment is full, if that matters.
  void wait_until(std::chrono::steady_clock::time_point time, bool until_full);
  void wake();

  /// The oldest segment that is closed, or the open one, which is closed then; nothing if there is
  /// nothing in it.
  std::optional<ClosedSegment> take();
  /// The oldest segment that is closed.
  std::optional<ClosedSegment> take_full();
  /// Its counts are in the database.
  void forget(ClosedSegment segment);
  /// Writes the whole segment to one file that stands for all of its own.
  Result<void> rewrite(ClosedSegment& segment);

  JournalState take_state();

 private:
  Journal(JournalSettings settings, JournalFolder folder);
  std::unique_ptr<Segment> fresh_segment();
  void open_segment(Day day);
  void close_segment();
  std::optional<ClosedSegment> take_closed();
  bool wait_for_room(std::unique_lock<std::mutex>& lock);
  void write_batch();
  bool append_one(std::unique_lock<std::mutex>& lock, Day day, std::string_view text,
                  bool may_wait);

  JournalSettings settings_;
  JournalFolder folder_;
  std::mutex mutex_;                ///< guards what follows
  std::condition_variable wanted_;  ///< there is something to take
  std::condition_variable taken_;   ///< there is room for one more
  bool woken_ = false;
  std::uint64_t next_number_ = 1;
  std::unique_ptr<Segment> open_;
  std::uint64_t open_number_ = 0;
  JournalFile file_;    ///< of the open segment
  JournalBatch batch_;  ///< what file_ does not have yet
  std::deque<ClosedSegment> closed_;
  bool impatient_ = false;  ///< somebody has waited for room in vain, and none was made since
  std::vector<std::unique_ptr<Segment>> spare_;
  JournalState state_;
};

}  // namespace tlsrpt::sender
