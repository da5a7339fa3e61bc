// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What was received between two flushes: each different text once, and how often it came. Most
// datagrams of a second repeat byte for byte, so that this is small, and nothing is parsed here.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "common/utc_time.hpp"

namespace tlsrpt::sender {

/// Threads: one at a time.
class Segment {
 public:
  struct Entry {
    std::string_view text;  ///< in the segment's memory
    std::uint64_t count = 0;
  };

  /// Room for that many bytes of texts, with what tells them apart; little more is ever taken.
  explicit Segment(std::size_t max_bytes);

  /// Empty, for that day. Memory of the usual size is kept for the next texts.
  void begin(Day day);

  struct Added {
    std::uint32_t id = 0;  ///< of the text: the how many-th it was
    bool fresh = false;    ///< it was not there before
  };
  /// Counts the text; nothing if it is a new one and there is no room for it.
  std::optional<Added> add(std::string_view text, std::uint64_t count = 1);

  /// What a new text takes of the room, at most.
  static std::size_t bytes_for(std::string_view text) { return text.size() + kEntryBytes; }

  /// Counts one more of a text that is there.
  void repeat(std::uint32_t id, std::uint64_t count);

  [[nodiscard]] Day day() const { return day_; }
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }  ///< of texts, and of what tells them
  [[nodiscard]] std::size_t max_bytes() const { return max_bytes_; }

 private:
  /// A place in the table of texts.
  struct Slot {
    std::uint32_t tag = 0;      ///< of the hash
    std::uint32_t id_plus = 0;  ///< 0: free
  };
  static constexpr std::size_t kEntryBytes = sizeof(Entry) + 2 * sizeof(Slot);

  std::string_view keep(std::string_view text);
  void make_room();
  void grow_table();
  void put(std::uint64_t hash, std::uint32_t id);

  std::size_t max_bytes_;
  std::uint64_t seed_;
  Day day_{};
  std::vector<Entry> entries_;
  std::vector<std::uint64_t> hashes_;  ///< of the entries, for a larger table
  std::vector<Slot> table_;            ///< a power of two; at most half full
  std::vector<std::unique_ptr<char[]>> chunks_;
  std::size_t chunk_ = 0;  ///< the one that is being filled
  std::size_t used_ = 0;   ///< of it
  std::size_t bytes_ = 0;
};

}  // namespace tlsrpt::sender
