// SPDX-License-Identifier: BSD-2-Clause
#include "common/mbox.hpp"

#include <algorithm>

namespace tlsrpt {
namespace {

constexpr std::string_view kFrom = "From ";

/// The separator ends in a date with a time; a sentence that begins with "From" does not have one.
bool has_time(std::string_view line) {
  const auto digit = [line](std::size_t at) { return line[at] >= '0' && line[at] <= '9'; };
  for (std::size_t at = kFrom.size(); at + 4 < line.size(); ++at) {
    if (digit(at) && digit(at + 1) && line[at + 2] == ':' && digit(at + 3) && digit(at + 4))
      return true;
  }
  return false;
}

/// Where the next separator begins, or the end.
std::size_t next_message(std::string_view bytes, std::size_t at) {
  bool after_empty_line = false;
  while (at < bytes.size()) {
    const std::size_t newline = bytes.find('\n', at);
    if (after_empty_line && bytes.compare(at, kFrom.size(), kFrom) == 0 &&
        has_time(bytes.substr(at, newline - at)))
      return at;
    if (newline == std::string_view::npos) return bytes.size();
    after_empty_line = newline == at || (newline == at + 1 && bytes[at] == '\r');
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

}  // namespace tlsrpt
