// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// One segment as a file, so that what was received outlives the process. Written with one write(2)
// for each batch of datagrams and never synced: it is about kill -9, not about power.
//
// The file: a header, then batches, each with its length and a checksum in front. A batch that was
// torn by the end of the process is the last thing in its file, and is left out. Byte order is the
// machine's: nobody else reads it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"
#include "common/utc_time.hpp"
#include "sender/segment.hpp"

namespace tlsrpt::sender {

struct JournalHeader {
  std::uint64_t journal = 0;  ///< whose it is
  std::uint64_t number = 0;   ///< of the segment, in the journal
  std::uint64_t from = 0;     ///< the first of the segments that are in this one; mostly itself
  Day day{};
};

/// What one batch adds to a segment.
class JournalBatch {
 public:
  void add(const Segment::Added& added, std::string_view text, std::uint64_t count = 1);
  [[nodiscard]] bool empty() const { return bytes_.size() <= kFrame; }
  /// With its frame; the batch can be filled anew after clear().
  std::string_view finish();
  void clear() { bytes_.assign(kFrame, '\0'); }

 private:
  static constexpr std::size_t kFrame = 16;
  void put(std::uint32_t word);
  void put(std::uint64_t word);
  std::string bytes_ = std::string(kFrame, '\0');
};

/// Threads: one at a time.
class JournalFile {
 public:
  JournalFile() = default;
  /// Must not be there yet.
  static Result<JournalFile> create(const std::string& path, const JournalHeader& header);
  /// After an error the rest of the file means nothing, and nothing more is written to it.
  Result<void> append(std::string_view batch);
  [[nodiscard]] bool usable() const { return static_cast<bool>(fd_); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  UniqueFd fd_;
  std::string path_;
  std::size_t bytes_ = 0;
};

struct ReadJournal {
  JournalHeader header;
  bool torn = false;       ///< the last batch was not whole
  std::uint64_t lost = 0;  ///< texts for which the segment had no room
};

/// Adds what is in the file to an empty segment, which gets the file's day. malformed: this is no
/// such file, or its header is torn.
Result<ReadJournal> read_journal_file(const std::string& path, Segment& segment);

/// The header only.
Result<JournalHeader> read_journal_header(const std::string& path);

/// The whole segment in a file of its own, which is there completely or not at all.
Result<void> write_journal_file(const std::string& path, const JournalHeader& header,
                                const Segment& segment);

}  // namespace tlsrpt::sender
