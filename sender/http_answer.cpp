// SPDX-License-Identifier: BSD-2-Clause
#include "sender/http_answer.hpp"

#include <algorithm>
#include <charconv>

#include "common/ascii.hpp"
#include "common/error.hpp"
#include "sender/retry_after.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kMaxShown = 200;  // of a text, in the detail

HandOver verdict_of(int status) {
  constexpr int kRequestTimeout = 408;
  constexpr int kTooEarly = 425;
  constexpr int kTooManyRequests = 429;
  if (status >= 200 && status <= 299) return HandOver::accepted;
  if (status == kRequestTimeout || status == kTooEarly || status == kTooManyRequests)
    return HandOver::temporary;
  return status >= 300 && status <= 499 ? HandOver::permanent : HandOver::temporary;
}

}  // namespace

bool HttpAnswer::take_header(std::string_view line) {
  if (complete_) return take_body(line.size());
  header_size_ += line.size();
  if (header_too_large()) return false;
  const std::string_view text = trim_blanks(line);
  if (text.starts_with("HTTP/")) {
    take_status_line(text);
  } else if (text.empty()) {
    complete_ = status_ >= 200;  // 1xx: the final answer follows
  } else {
    take_field(text);
  }
  return true;
}

bool HttpAnswer::take_body(std::size_t size) {
  body_size_ += size;
  return body_size_ <= kMaxBody;
}

void HttpAnswer::take_status_line(std::string_view line) {
  const std::string_view text = trimmed(line.substr(std::min(line.find(' '), line.size())));
  status_ = 0;
  std::from_chars(text.data(), text.data() + text.size(), status_);
  status_text_ = text.substr(0, kMaxShown);
  location_.clear();
  retry_after_.clear();
}

void HttpAnswer::take_field(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trimmed(line.substr(colon + 1)).substr(0, kMaxShown);
  if (equal_ignoring_case(name, "Location")) location_ = value;
  if (equal_ignoring_case(name, "Retry-After")) retry_after_ = value;
}

HandOverResult HttpAnswer::verdict(Seconds now) const {
  HandOverResult result{verdict_of(status_), status_text_};
  result.destination_refused = result.verdict == HandOver::permanent;
  if (result.verdict == HandOver::temporary)
    result.retry_after = read_retry_after(retry_after_, now);
  if (result.verdict == HandOver::permanent && !location_.empty())
    result.detail += fmt::format(" (not followed: {})", location_);
  return result;
}

}  // namespace tlsrpt::sender
