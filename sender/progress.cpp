// SPDX-License-Identifier: BSD-2-Clause
#include "sender/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "sender/terminal.hpp"

namespace tlsrpt::sender {

namespace {

using namespace std::chrono_literals;

constexpr auto kPause = 100ms;  // between two drawings
constexpr std::size_t kBar = 30;
constexpr std::string_view kErase = "\r\x1b[K";

std::string bar(std::uint64_t done, std::uint64_t total) {
  const auto full = static_cast<std::size_t>(done * kBar / total);
  return fmt::format("  [{}{}]", std::string(full, '#'), std::string(kBar - full, '.'));
}

/// "0:05", "12:30", "3:07:00"
std::string duration_text(std::uint64_t seconds) {
  const std::uint64_t hours = seconds / 3600;
  const std::uint64_t minutes = seconds / 60 % 60;
  if (hours == 0) return fmt::format("{}:{:02}", minutes, seconds % 60);
  return fmt::format("{}:{:02}:{:02}", hours, minutes, seconds % 60);
}

/// Nothing as long as there is nothing to go by.
std::string pace(std::uint64_t done, std::uint64_t total, std::chrono::milliseconds elapsed) {
  if (done == 0 || elapsed < 1s) return "";
  const double rate = static_cast<double>(done) * 1000 / static_cast<double>(elapsed.count());
  const auto left = static_cast<std::uint64_t>(static_cast<double>(total - done) / rate);
  return fmt::format("  {:.{}f}/s  {} left", rate, rate < 10 ? 1 : 0, duration_text(left));
}

}  // namespace

std::string progress_line(std::string_view what, std::uint64_t done, std::uint64_t total,
                          std::chrono::milliseconds elapsed, std::size_t width) {
  total = std::max<std::uint64_t>(total, 1);
  done = std::min(done, total);
  const std::string count = fmt::format("{}: {} of {}", what, done, total);
  const std::string percent = fmt::format("  {}%", done * 100 / total);
  const std::string rate = pace(done, total, elapsed);
  for (const std::string& line :
       {count + percent + bar(done, total) + rate, count + percent + rate, count + percent}) {
    if (line.size() <= width) return line;
  }
  return count.substr(0, width);
}

Progress::Progress(Screen screen) : screen_(std::move(screen)) {}

Progress Progress::on_terminal() {
  if (!is_terminal(STDERR_FILENO)) return Progress(Screen{});
  return Progress({[](std::string_view text) {
                     // What cannot be drawn is no reason to stop.
                     static_cast<void>(!::write(STDERR_FILENO, text.data(), text.size()));
                   },
                   [] { return terminal_width(STDERR_FILENO); },
                   [] { return std::chrono::steady_clock::now(); }});
}

Progress::Progress(Progress&& other) noexcept
    : screen_(std::exchange(other.screen_, {})),
      what_(std::move(other.what_)),
      begin_(other.begin_),
      next_(other.next_),
      visible_(std::exchange(other.visible_, false)) {}

void Progress::update(std::string_view what, std::uint64_t done, std::uint64_t total) {
  if (!screen_.write) return;
  const Time now = screen_.now();
  if (what != what_) {
    what_ = what;
    begin_ = now;
    next_ = now;
  }
  if (now < next_) return;
  next_ = now + kPause;
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - begin_);
  // One column is left free: many terminals wrap a line that fills the last one.
  const std::size_t width = std::max<std::size_t>(screen_.width(), 2) - 1;
  screen_.write(std::string(kErase) + progress_line(what, done, total, elapsed, width));
  visible_ = true;
}

void Progress::hide() {
  if (!visible_) return;
  screen_.write(kErase);
  visible_ = false;
  next_ = {};
}

void Progress::finish() {
  hide();
  screen_.write = nullptr;
}

}  // namespace tlsrpt::sender
