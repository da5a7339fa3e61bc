// SPDX-License-Identifier: BSD-2-Clause
#include "common/dkim_canonicalization.hpp"

#include <algorithm>

#include "common/dkim_text.hpp"

namespace tlsrpt::dkim {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

/// Takes the first line off the text, without its line end.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (end != std::string_view::npos && !line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

void append_simple_field(std::string_view field, std::string& out) {
  out += take_line(field);
  while (!field.empty()) {
    out += kLineEnd;
    out += take_line(field);
  }
}

void append_relaxed_field(std::string_view field, std::string& out) {
  const std::size_t colon = std::min(field.find(':'), field.size());
  out += lower_case(trim_folding(field.substr(0, colon)));
  out += ':';
  field.remove_prefix(std::min(colon + 1, field.size()));
  bool gap = false;
  bool begun = false;
  while (!field.empty()) {
    for (const char c : take_line(field)) {
      if (is_blank(c)) {
        gap = true;
        continue;
      }
      if (gap && begun) out += ' ';
      gap = false;
      begun = true;
      out += c;
    }
  }
}

/// Collects small pieces, so that the sink (a hash) is called for large ones.
class Blocks {
 public:
  explicit Blocks(const ByteSink& sink) : sink_(sink) { buffer_.reserve(kBlock); }

  void put(std::string_view bytes) {
    if (buffer_.size() + bytes.size() > kBlock) flush();
    if (bytes.size() >= kBlock) {
      sink_(bytes);
    } else {
      buffer_ += bytes;
    }
  }

  void put_line_ends(std::size_t count) {
    for (; count > 0; --count) put(kLineEnd);
  }

  void flush() {
    if (!buffer_.empty()) sink_(buffer_);
    buffer_.clear();
  }

 private:
  static constexpr std::size_t kBlock = 32u << 10;
  const ByteSink& sink_;
  std::string buffer_;
};

void put_relaxed_line(std::string_view line, Blocks& out) {
  // Most lines of a report are base64, without any blank; memchr sees that faster than the loop.
  if (line.find(' ') == std::string_view::npos && line.find('\t') == std::string_view::npos) {
    return out.put(line);
  }
  while (!line.empty()) {
    const auto blank = std::find_if(line.begin(), line.end(), is_blank);
    const auto next = std::find_if_not(blank, line.end(), is_blank);
    out.put(line.substr(0, static_cast<std::size_t>(blank - line.begin())));
    if (blank != line.end()) out.put(" ");
    line.remove_prefix(static_cast<std::size_t>(next - line.begin()));
  }
}

}  // namespace

void append_canonical_field(Canonicalization canonicalization, std::string_view field,
                            std::string& out) {
  switch (canonicalization) {
    case Canonicalization::simple:
      return append_simple_field(field, out);
    case Canonicalization::relaxed:
      return append_relaxed_field(field, out);
  }
}

void canonicalize_body(Canonicalization canonicalization, std::string_view body,
                       const ByteSink& sink) {
  const bool relaxed = canonicalization == Canonicalization::relaxed;
  Blocks out(sink);
  std::size_t empty_lines = 0;  // not yet known whether text follows them
  bool any_line = false;
  while (!body.empty()) {
    std::string_view line = take_line(body);
    if (relaxed) {
      while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
    }
    if (line.empty()) {
      ++empty_lines;
      continue;
    }
    out.put_line_ends(empty_lines);
    empty_lines = 0;
    any_line = true;
    if (relaxed) {
      put_relaxed_line(line, out);
    } else {
      out.put(line);
    }
    out.put(kLineEnd);
  }
  // Only 'simple' turns an empty body into one line end (RFC 6376 sections 3.4.3 and 3.4.4).
  if (!relaxed && !any_line) out.put(kLineEnd);
  out.flush();
}

}  // namespace tlsrpt::dkim
