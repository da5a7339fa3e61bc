// SPDX-License-Identifier: BSD-2-Clause
#include "sender/log_record.hpp"

#include <fmt/format.h>

#include <charconv>
#include <tuple>

#include "sender/seeded_hash.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::string_view kMark = "\x01opentlsrpt-log ";
constexpr std::string_view kPosition = "\x01opentlsrpt-log P ";
constexpr std::string_view kOutcome = "\x01opentlsrpt-log O ";
constexpr std::uint64_t kSourceSeed = 8460;

/// Takes a number and the one byte behind it off the front.
template <typename Number>
std::optional<Number> take_number(std::string_view& text, char behind) {
  Number value{};
  const char* const end = text.data() + text.size();
  const auto [next, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || next == end || *next != behind) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(next - text.data()) + 1);
  return value;
}

std::optional<std::string> take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  std::string line(text.substr(0, end));
  text.remove_prefix(end + 1);
  return line;
}

}  // namespace

bool is_later(const LogPosition& a, const LogPosition& b) {
  return std::tie(a.generation, a.sequence) > std::tie(b.generation, b.sequence);
}

std::uint64_t log_source_id(std::string_view name) { return seeded_hash(name, kSourceSeed); }

bool is_marked(std::string_view text) { return text.starts_with(kMark); }

std::string_view unmarked(std::string_view text) { return is_marked(text) ? text.substr(1) : text; }

std::string write_log_position(const LogPosition& position) {
  return fmt::format("{}{} {} {}\n{}\n{}\n{}", kPosition, position.generation, position.sequence,
                     position.items, position.checkpoint, position.end, position.source);
}

std::optional<LogPosition> read_log_position(std::string_view text) {
  if (!text.starts_with(kPosition)) return std::nullopt;
  text.remove_prefix(kPosition.size());
  const auto generation = take_number<std::uint64_t>(text, ' ');
  const auto sequence = generation ? take_number<std::uint64_t>(text, ' ') : std::nullopt;
  const auto items = sequence ? take_number<std::uint64_t>(text, '\n') : std::nullopt;
  if (!items) return std::nullopt;
  auto checkpoint = take_line(text);
  auto end = checkpoint ? take_line(text) : std::nullopt;
  if (!end) return std::nullopt;
  return LogPosition{std::string(text),      *generation, *sequence,
                     std::move(*checkpoint), *items,      std::move(*end)};
}

std::string write_log_outcome(const LogOutcome& outcome) {
  return fmt::format("{}{} {} {} {}", kOutcome, outcome.source, outcome.generation,
                     outcome.day.time_since_epoch().count(), outcome.datagram);
}

std::optional<LogOutcome> read_log_outcome(std::string_view text) {
  if (!text.starts_with(kOutcome)) return std::nullopt;
  text.remove_prefix(kOutcome.size());
  const auto source = take_number<std::uint64_t>(text, ' ');
  const auto generation = source ? take_number<std::uint64_t>(text, ' ') : std::nullopt;
  const auto day = generation ? take_number<int>(text, ' ') : std::nullopt;
  if (!day) return std::nullopt;
  return LogOutcome{*source, *generation, Day(std::chrono::days(*day)), text};
}

}  // namespace tlsrpt::sender
