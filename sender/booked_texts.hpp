// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Which rows the texts of a day have been counted in. Most datagrams repeat one that came before;
// those need neither be read again nor looked for in the database.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "common/utc_time.hpp"
#include "sender/outbound_writer.hpp"

namespace tlsrpt::sender {

/// Texts are remembered by 128 bits of two hashes with seeds of the process; that two of a day have
/// the same is out of anybody's reach. Threads: one at a time.
class BookedTexts {
 public:
  /// 'max_texts' are remembered at most (some 48 bytes each); when full, all are forgotten.
  explicit BookedTexts(std::size_t max_texts = std::size_t{1} << 20);

  struct Key {
    std::uint64_t first = 0;
    std::uint64_t second = 0;
  };
  [[nodiscard]] Key key_of(std::string_view text) const;

  /// The rows, or nothing. Valid until the next call that changes something.
  [[nodiscard]] const std::vector<Booking>* find(Day day, const Key& key);
  void remember(Day day, const Key& key, std::vector<Booking> rows);
  void forget_all();

  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  /// One row without details, as nearly all are, stands in the slot itself.
  struct Slot {
    Key key;
    std::int64_t value = 0;  ///< 0: free; > 0: 2 * row + failed; < 0: -1 - the place in rows_
  };

  [[nodiscard]] std::size_t place_of(const Key& key) const;
  void grow();

  std::size_t max_texts_;
  Key seeds_;
  Day day_{};
  std::vector<Slot> slots_;  ///< a power of two; at most half full
  std::size_t size_ = 0;
  std::vector<std::vector<Booking>> rows_;
  std::vector<Booking> found_;  ///< what find() made out of a slot
};

}  // namespace tlsrpt::sender
