// SPDX-License-Identifier: BSD-2-Clause
#include "common/part_header.hpp"

#include <algorithm>

#include "common/ascii.hpp"
#include "common/payload_text.hpp"
#include "common/report_payload.hpp"

namespace tlsrpt {
namespace {

constexpr std::size_t kLongestJunk = 1000;

/// Behind the first line; the text's size if that is long or the only one.
std::size_t behind_line(std::string_view text) {
  const std::size_t newline = text.substr(0, kLongestJunk).find('\n');
  return newline == std::string_view::npos ? text.size() : newline + 1;
}

bool begins_with_content_field(std::string_view text) {
  constexpr std::string_view kContent = "Content-";
  return equal_ignoring_case(text.substr(0, kContent.size()), kContent) && begins_with_field(text);
}

/// The octets of an empty line at the front; 0 if there is none.
std::size_t empty_line(std::string_view text) {
  if (text.starts_with('\n')) return 1;
  return text.starts_with("\r\n") ? 2 : 0;
}

bool ends_in_empty_line(std::string_view header) {
  return header.ends_with("\n\n") || header.ends_with("\n\r\n");
}

/// Where the body begins, if a line that is no payload and an empty one stand before it.
std::size_t body_behind_junk(std::string_view text) {
  const std::size_t next = behind_line(text);
  const std::string_view line = text.substr(0, next);
  const bool payload = is_payload(payload_kind(line)) || looks_like_base64_payload(line);
  const std::size_t empty = empty_line(text.substr(next));
  if (payload || empty == 0 || line.starts_with("--")) return 0;
  const std::string_view body = text.substr(next + empty);
  return empty_line(body) > 0 || body.empty() || body.starts_with("--") ? 0 : next + empty;
}

}  // namespace

HeaderSection split_part_header(std::string_view text, std::size_t max_bytes) {
  HeaderSection section = split_header(text, max_bytes);
  if (section.too_large) return section;
  if (!section.fields.empty()) {
    const bool whole = ends_in_empty_line(text.substr(0, section.size));
    if (!whole) section.size += body_behind_junk(text.substr(section.size));
    return section;
  }
  const std::size_t second = behind_line(text);
  const std::string_view rest = text.substr(second);
  if (section.size > 0 || text.starts_with("--") || !begins_with_content_field(rest))
    return section;
  section = split_header(rest, max_bytes);
  section.size += second;
  section.damaged = true;
  return section;
}

}  // namespace tlsrpt
