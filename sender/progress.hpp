// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// One line on a terminal that says how far a long command is.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace tlsrpt::sender {

/// "sending: 1200 of 5000  24%  [#####...............]  310/s  0:12 left", at most 'width' columns;
/// what there is no room for is left out from the right, the bar first.
std::string progress_line(std::string_view what, std::uint64_t done, std::uint64_t total,
                          std::chrono::milliseconds elapsed, std::size_t width);

/// Threads: one.
class Progress {
 public:
  using Time = std::chrono::steady_clock::time_point;
  /// Where it is drawn.
  struct Screen {
    std::function<void(std::string_view)> write;  ///< unset: nowhere
    std::function<std::size_t()> width;
    std::function<Time()> now;
  };

  explicit Progress(Screen screen);
  /// Draws on standard error; on nothing if that is no terminal.
  static Progress on_terminal();
  Progress(Progress&& other) noexcept;
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  Progress& operator=(Progress&&) = delete;
  ~Progress() { finish(); }

  /// Cheap: draws at most ten times a second. Rate and time left begin anew with another 'what'.
  void update(std::string_view what, std::uint64_t done, std::uint64_t total);
  /// Erases the line, so that another one can be printed; the next update draws it again.
  void hide();
  /// Erases the line for good.
  void finish();

 private:
  Screen screen_;
  std::string what_;
  Time begin_;
  Time next_;
  bool visible_ = false;
};

}  // namespace tlsrpt::sender
