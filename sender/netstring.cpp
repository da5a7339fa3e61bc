// SPDX-License-Identifier: BSD-2-Clause
#include "sender/netstring.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kMaxDigits = 9;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::string write_netstring(std::string_view text) {
  return fmt::format("{}:{},", text.size(), text);
}

Result<std::optional<std::string>> NetstringReader::take() {
  const std::string_view text = std::string_view(buffer_).substr(begin_);
  std::size_t size = 0;
  std::size_t digits = 0;
  while (digits < text.size() && is_digit(text[digits])) {
    size = size * 10 + static_cast<std::size_t>(text[digits++] - '0');
    if (digits > 1 && text[0] == '0') {
      return fail(ErrorCode::malformed, "the length of a netstring begins with 0");
    }
    if (digits > kMaxDigits || size > max_bytes_) {
      return fail(ErrorCode::limit_exceeded, "a netstring of more than {} bytes", max_bytes_);
    }
  }
  if (digits == text.size()) return std::optional<std::string>();
  if (digits == 0 || text[digits] != ':') {
    return fail(ErrorCode::malformed, "a netstring does not begin with a length");
  }
  const std::size_t end = digits + 1 + size;
  if (text.size() <= end) return std::optional<std::string>();
  if (text[end] != ',') return fail(ErrorCode::malformed, "a netstring does not end with a comma");
  std::optional<std::string> taken(text.substr(digits + 1, size));
  begin_ += end + 1;
  if (begin_ == buffer_.size()) {
    buffer_.clear();
    begin_ = 0;
  } else if (begin_ > buffer_.size() / 2) {
    buffer_.erase(0, begin_);
    begin_ = 0;
  }
  return taken;
}

}  // namespace tlsrpt::sender
