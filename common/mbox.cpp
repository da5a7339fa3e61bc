// SPDX-License-Identifier: BSD-2-Clause
#include "common/mbox.hpp"

#include <algorithm>

namespace tlsrpt {
namespace {

constexpr std::string_view kFrom = "From ";
constexpr std::size_t kPieceBytes = 65536;

/// The separator ends in a date with a time; a sentence that begins with "From" does not have one.
bool has_time(std::string_view line) {
  const auto digit = [line](std::size_t at) { return line[at] >= '0' && line[at] <= '9'; };
  for (std::size_t at = kFrom.size(); at + 4 < line.size(); ++at) {
    if (digit(at) && digit(at + 1) && line[at + 2] == ':' && digit(at + 3) && digit(at + 4))
      return true;
  }
  return false;
}

bool is_empty_line(std::string_view line) { return line == "\n" || line == "\r\n"; }

/// Where the next separator begins, or the end.
std::size_t next_message(std::string_view bytes, std::size_t at) {
  bool after_empty_line = false;
  while (at < bytes.size()) {
    const std::size_t newline = bytes.find('\n', at);
    if (after_empty_line && bytes.compare(at, kFrom.size(), kFrom) == 0 &&
        has_time(bytes.substr(at, newline - at)))
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
        has_time(piece->text)) {
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
