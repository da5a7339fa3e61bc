// SPDX-License-Identifier: BSD-2-Clause
#include "milter/progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "milter/text_table.hpp"

namespace tlsrpt::milter {

namespace {

using namespace std::chrono_literals;

constexpr auto kBetween = 100ms;
constexpr std::size_t kBarWidth = 20;

/// By bytes where their number is known: one mailbox may be all there is.
double part_done(const ProgressFacts& facts) {
  const auto ratio = [](std::uint64_t done, std::uint64_t all) {
    return all == 0 ? 0.0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(all));
  };
  return facts.bytes > 0 ? ratio(facts.bytes_done, facts.bytes)
                         : ratio(facts.files_done, facts.files);
}

std::string duration(std::chrono::milliseconds time) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(time).count();
  if (seconds < 3600) return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
  return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

/// Nothing before there is something to judge by.
std::string time_left(const ProgressFacts& facts, double part) {
  if (part <= 0 || part >= 1 || facts.elapsed < 1s) return {};
  const double left = static_cast<double>(facts.elapsed.count()) * (1 - part) / part;
  constexpr double kLongest = 100.0 * 3600 * 1000;
  if (left > kLongest) return {};
  return "  " + duration(std::chrono::milliseconds(static_cast<std::int64_t>(left))) + " left";
}

std::size_t terminal_width() {
  constexpr std::size_t kUsual = 80;
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsual;
  return size.ws_col;
}

void write_all(const std::string& text) {
  // One write: a line that is built up piece by piece flickers.
  static_cast<void>(!::write(STDERR_FILENO, text.data(), text.size()));
}

}  // namespace

std::string progress_line(const ProgressFacts& facts, std::size_t width) {
  const double part = part_done(facts);
  std::string line =
      fmt::format("{:3.0f} %  {} of {} {}", part * 100, group_digits(facts.files_done),
                  group_digits(facts.files), facts.files == 1 ? "file" : "files");
  const auto append_if_it_fits = [&](const std::string& more) {
    if (line.size() + more.size() <= width) line += more;
  };
  append_if_it_fits(time_left(facts, part));
  append_if_it_fits(fmt::format("  {} new, {} duplicate, {} refused", group_digits(facts.fresh),
                                group_digits(facts.duplicates), group_digits(facts.refused)));
  const auto full = static_cast<std::size_t>(part * kBarWidth);
  append_if_it_fits("  [" + std::string(full, '#') + std::string(kBarWidth - full, '.') + "]");
  return line.substr(0, width);
}

std::string closing_line(const ProgressFacts& facts) {
  return fmt::format("{} {}: {} new, {} duplicate, {} refused, in {}",
                     group_digits(facts.files_done), facts.files_done == 1 ? "file" : "files",
                     group_digits(facts.fresh), group_digits(facts.duplicates),
                     group_digits(facts.refused), duration(facts.elapsed));
}

Progress::Progress()
    : watched_(::isatty(STDERR_FILENO) == 1),
      began_(std::chrono::steady_clock::now()),
      next_(began_ + kBetween) {}

std::chrono::milliseconds Progress::elapsed() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began_);
}

void Progress::show(ProgressFacts facts) {
  const auto now = std::chrono::steady_clock::now();
  if (!watched_ || now < next_) return;
  next_ = now + kBetween;
  facts.elapsed = elapsed();
  // The last column stays free: some terminals begin a new line there.
  write_all("\r" + progress_line(facts, terminal_width() - 1) + "\033[K");
  drawn_ = true;
}

void Progress::clear() {
  if (!drawn_) return;
  write_all("\r\033[K");
  drawn_ = false;
}

void Progress::close(ProgressFacts facts) {
  clear();
  if (!watched_) return;
  facts.elapsed = elapsed();
  write_all(closing_line(facts) + "\n");
}

}  // namespace tlsrpt::milter
