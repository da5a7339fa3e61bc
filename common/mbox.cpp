// SPDX-License-Identifier: BSD-2-Clause
#include "common/mbox.hpp"

#include <algorithm>

#include "common/ascii.hpp"

namespace tlsrpt {
namespace {

constexpr std::string_view kFrom = "From ";
constexpr std::size_t kPieceBytes = 65536;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_month(std::string_view word) {
  constexpr std::string_view kMonths = "jan feb mar apr may jun jul aug sep oct nov dec";
  return word.size() == 3 && kMonths.find(lower_case(word)) % 4 == 0;
}

/// 10:30 or 10:30:00.
bool is_time(std::string_view word) {
  return word.size() >= 5 && is_digit(word[0]) && is_digit(word[1]) && word[2] == ':' &&
         is_digit(word[3]) && is_digit(word[4]);
}

bool is_year(std::string_view word) {
  return word.size() == 4 && std::all_of(word.begin(), word.end(), is_digit);
}

/// The separator has a sender, and ends in a date with month, time and year; a sentence that begins
/// with "From" does not have all of that.
bool is_separator(std::string_view line) {
  constexpr std::size_t kSeen = 1000;
  bool month = false;
  bool time = false;
  bool year = false;
  line = line.substr(0, kSeen);
  while (!line.empty()) {
    const std::size_t begin = std::min(line.find_first_not_of(" \t\r\n,"), line.size());
    const std::size_t end = std::min(line.find_first_of(" \t\r\n,", begin), line.size());
    const std::string_view word = line.substr(begin, end - begin);
    month = month || is_month(word);
    time = time || is_time(word);
    year = year || is_year(word);
    line.remove_prefix(end);
  }
  return month && time && year;
}

bool is_empty_line(std::string_view line) { return line == "\n" || line == "\r\n"; }

/// Where the next separator begins, or the end.
std::size_t next_message(std::string_view bytes, std::size_t at) {
  bool after_empty_line = false;
  while (at < bytes.size()) {
    const std::size_t newline = bytes.find('\n', at);
    if (after_empty_line && bytes.compare(at, kFrom.size(), kFrom) == 0 &&
        is_separator(bytes.substr(at, newline - at)))
      return at;
    if (newline == std::string_view::npos) return bytes.size();
    after_empty_line = is_empty_line(bytes.substr(at, newline + 1 - at));
    at = newline + 1;
  }
  return bytes.size();
}

}  // namespace

bool looks_like_mbox(std::string_view bytes) { return bytes.starts_with(kFrom); }

Mailbox split_mbox(std::string_view bytes, std::size_t max_messages) {
  Mailbox mailbox;
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (mailbox.messages.size() == max_messages) {
      mailbox.complete = false;
      break;
    }
    const std::size_t line_end = bytes.find('\n', at);
    const std::size_t begin = line_end == std::string_view::npos ? bytes.size() : line_end + 1;
    const std::size_t end = std::max(begin, next_message(bytes, begin));
    mailbox.messages.push_back(bytes.substr(begin, end - begin));
    at = end;
  }
  return mailbox;
}

Result<MboxReader::Piece> MboxReader::next_piece() {
  for (;;) {
    const std::size_t newline = buffer_.find('\n', at_);
    const bool whole = newline != std::string::npos;
    const std::size_t there = buffer_.size() - at_;
    if (whole || there >= kPieceBytes || source_ended_) {
      const std::size_t size = whole ? newline + 1 - at_ : there;
      const Piece piece{std::string_view(buffer_).substr(at_, size), begins_line_, whole};
      at_ += size;
      begins_line_ = whole;
      return piece;
    }
    buffer_.erase(0, at_);
    at_ = 0;
    buffer_.resize(there + kPieceBytes);
    const auto got = source_(buffer_.data() + there, kPieceBytes);
    buffer_.resize(there + got.value_or(0));
    if (!got) return tl::unexpected(got.error());
    source_ended_ = *got == 0;
  }
}

Result<void> MboxReader::skip_line() {
  for (;;) {
    const auto piece = next_piece();
    if (!piece) return tl::unexpected(piece.error());
    if (piece->ends_line || piece->text.empty()) return {};
  }
}

Result<std::optional<MboxMessage>> MboxReader::next() {
  if (!begun_) {
    if (auto skipped = skip_line(); !skipped) return tl::unexpected(skipped.error());
    begun_ = at_message_ = true;
  }
  if (!at_message_) return std::optional<MboxMessage>{};
  at_message_ = false;
  MboxMessage message;
  bool after_empty_line = false;
  for (;;) {
    const auto piece = next_piece();
    if (!piece) return tl::unexpected(piece.error());
    if (piece->text.empty()) break;
    if (after_empty_line && piece->begins_line && piece->text.starts_with(kFrom) &&
        is_separator(piece->text)) {
      at_message_ = true;
      if (piece->ends_line) break;
      if (auto skipped = skip_line(); !skipped) return tl::unexpected(skipped.error());
      break;
    }
    after_empty_line = piece->begins_line && is_empty_line(piece->text);
    message.size += piece->text.size();
    message.bytes += piece->text.substr(0, max_message_bytes_ - message.bytes.size());
  }
  return std::optional<MboxMessage>(std::move(message));
}

}  // namespace tlsrpt
