// SPDX-License-Identifier: BSD-2-Clause
#include "sender/sts_answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/ascii.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kMaxShown = 200;  // of a field, in the detail
constexpr int kOk = 200;

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// "HTTP/1.1 404 Not Found"; 0 if there is no number.
int status_of(std::string_view line) {
  const std::string_view text = trimmed(line.substr(std::min(line.find(' '), line.size())));
  int status = 0;
  std::from_chars(text.data(), text.data() + text.size(), status);
  return status;
}

}  // namespace

bool is_plain_text(std::string_view content_type) {
  return equal_ignoring_case(trimmed(content_type.substr(0, content_type.find(';'))), "text/plain");
}

bool StsAnswer::take_header(std::string_view line) {
  header_size_ += line.size();
  if (header_size_ > kMaxHeader) return refuse("too-large", "the header is too large");
  if (complete_) return true;  // trailers
  const std::string_view text = trim_blanks(line);
  if (text.starts_with("HTTP/")) {
    status_ = status_of(text);
    media_type_.clear();
    location_.clear();
    return true;
  }
  if (text.empty()) return judge_header();
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return true;
  const std::string_view name = text.substr(0, colon);
  const std::string_view value = trimmed(text.substr(colon + 1)).substr(0, kMaxShown);
  if (equal_ignoring_case(name, "Content-Type")) media_type_ = value;
  if (equal_ignoring_case(name, "Location")) location_ = value;
  return true;
}

bool StsAnswer::take_body(std::string_view octets) {
  if (octets.size() > max_body_ - body_.size())
    return refuse("too-large", fmt::format("more than {} octets", max_body_));
  body_ += octets;
  return true;
}

bool StsAnswer::judge_header() {
  if (status_ >= 100 && status_ < 200) return true;  // the final answer follows
  complete_ = true;
  if (is_redirect(status_)) return refuse("redirect", fmt::format("{} to {}", status_, location_));
  if (status_ < 100 || status_ > 999) return refuse("bad-http-answer", "the answer has no status");
  if (status_ != kOk)
    return refuse(fmt::format("http-status-{}", status_), fmt::format("HTTP status {}", status_));
  if (!is_plain_text(media_type_))
    return refuse("wrong-media-type", fmt::format("Content-Type: {}", media_type_));
  return true;
}

bool StsAnswer::refuse(std::string reason_code, std::string detail) {
  if (!problem_) {
    problem_ = PolicyProblem{"sts-policy-fetch-error", std::move(reason_code), std::move(detail)};
  }
  return false;
}

}  // namespace tlsrpt::sender
