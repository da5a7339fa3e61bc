// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// How far is it? For a person who watches a terminal.

#include <chrono>
#include <cstdint>
#include <string>

namespace tlsrpt::milter {

struct ProgressFacts {
  std::uint64_t files = 0;
  std::uint64_t files_done = 0;
  std::uint64_t bytes = 0;  ///< as far as they are known beforehand
  std::uint64_t bytes_done = 0;
  std::uint64_t fresh = 0;  ///< reports that were new; of parse: accepted
  std::uint64_t duplicates = 0;
  std::uint64_t refused = 0;
  std::chrono::milliseconds elapsed{};
};

/// One line of at most 'width' columns without its end: what matters most comes first.
std::string progress_line(const ProgressFacts& facts, std::size_t width);

/// "3 files: 2 new, 1 duplicate, 0 refused, in 2 s"
std::string closing_line(const ProgressFacts& facts);

/// The line on standard error, if that is a terminal; nothing at all otherwise.
class Progress {
 public:
  Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }

  /// Draws it anew, but not more than ten times a second.
  void show(ProgressFacts facts);
  /// Takes it away, so that something else can be printed.
  void clear();
  /// The closing line in its place.
  void close(ProgressFacts facts);

 private:
  [[nodiscard]] std::chrono::milliseconds elapsed() const;
  bool watched_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point began_;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace tlsrpt::milter
