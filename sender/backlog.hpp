// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Segments that wait for the database.

#include <cstddef>
#include <deque>

#include "sender/journal.hpp"

namespace tlsrpt::sender {

/// Threads: one at a time.
class Backlog {
 public:
  /// Takes no more once it holds that many bytes of texts.
  explicit Backlog(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  [[nodiscard]] bool has_room() const { return bytes_ < max_bytes_; }
  [[nodiscard]] bool empty() const { return segments_.empty(); }
  [[nodiscard]] std::size_t size() const { return segments_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  void push(ClosedSegment segment);
  [[nodiscard]] const ClosedSegment& front() const { return segments_.front(); }
  ClosedSegment pop();

  /// Makes one segment out of neighbours of the same day, in memory and in the journal's files: a
  /// long wait then costs what its different texts need. Those that could not be written stay in
  /// memory.
  void compact(Journal& journal);

  /// Writes to the journal's files what is in none. False: some of it is in memory only.
  bool save(Journal& journal);

 private:
  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::deque<ClosedSegment> segments_;
};

}  // namespace tlsrpt::sender
