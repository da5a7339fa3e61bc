// SPDX-License-Identifier: BSD-2-Clause
#include "common/mime_walker.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/ascii.hpp"

namespace tlsrpt {
namespace {

constexpr std::string_view kPlain = "text/plain";
constexpr std::string_view kMessage = "message/rfc822";

std::string_view without_line_end(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

std::string_view without_blanks_behind(std::string_view text) {
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool is_message(std::string_view media_type) {
  return media_type == kMessage || media_type == "message/global";
}

/// What an entity inherits from where it stands.
struct Place {
  std::size_t depth = 0;
  bool forwarded = false;
  bool guessed = false;
  std::string_view default_type = kPlain;
};

/// A multipart that is open.
struct Level {
  std::string boundary;   ///< without "--"; empty: the first candidate is taken
  Place inside;           ///< for its parts
  MimePart whole;         ///< what it is if its delimiter never comes
  std::size_t begin = 0;  ///< of its body
  bool has_parts = false;
};

class Walker {
 public:
  Walker(std::string_view text, const MimeLimits& limits) : text_(text), limits_(limits) {}

  MimeMessage run() {
    open_entity(Place{});
    while (at_ < text_.size() && !result_.too_many_parts) {
      const std::size_t newline = text_.find('\n', at_);
      const std::size_t next = newline == std::string_view::npos ? text_.size() : newline + 1;
      const std::size_t begin = std::exchange(at_, next);
      if (text_.compare(begin, 2, "--") == 0 && !levels_.empty())
        look_at_delimiter(begin, without_line_end(text_.substr(begin + 2, next - begin - 2)));
    }
    close_down_to(0, text_.size(), /*closed=*/levels_.empty());
    return std::move(result_);
  }

 private:
  /// Reads the header at at_ and decides what its body is.
  void open_entity(Place place) {
    while (true) {
      HeaderSection header = split_header(text_.substr(at_), limits_.max_header_bytes);
      at_ += header.size;
      if (header.too_large) result_.headers_too_large = true;
      const bool skip = header.too_large;
      const ParameterizedValue type = content_type(header, place);
      MimePart part = describe(header, type, place);
      if (sections_++ == 0) {
        result_.header = std::move(header);
        result_.content_type = type;
      }
      if (skip) return;
      if (part.media_type.starts_with("multipart/"))
        return open_multipart(type, std::move(part), place);
      if (!is_message(part.media_type) || part.encoding != TransferEncoding::identity) {
        leaf_ = std::move(part);
        leaf_begin_ = at_;
        return;
      }
      // A forwarded message: its header follows at once, and is read by the next turn.
      if (!may_nest(place)) return;
      if (!may_have_another_part()) return;
      place = Place{place.depth + 1, /*forwarded=*/true, place.guessed, kPlain};
    }
  }

  void open_multipart(const ParameterizedValue& type, MimePart part, const Place& place) {
    if (!may_nest(place)) return;
    Level level;
    level.boundary = without_blanks_behind(type.parameter("boundary"));
    level.inside = {place.depth + 1, place.forwarded, place.guessed || level.boundary.empty(),
                    type.value == "multipart/digest" ? kMessage : kPlain};
    level.whole = std::move(part);
    level.begin = at_;
    levels_.push_back(std::move(level));
  }

  bool may_nest(const Place& place) {
    if (place.depth < limits_.max_depth) return true;
    result_.too_deep = true;
    return false;
  }

  bool may_have_another_part() {
    if (sections_ <= limits_.max_parts) return true;
    result_.too_many_parts = true;
    return false;
  }

  ParameterizedValue content_type(const HeaderSection& header, const Place& place) {
    // A gateway in wide use writes the name without its hyphen.
    std::optional<std::string> field = header.value_of("Content-Type");
    if (!field) field = header.value_of("ContentType");
    ParameterizedValue type = parse_parameters(field.value_or(""));
    if (type.value.find('/') == std::string::npos) type.value = place.default_type;
    if (type.value.find("/tlsrpt") != std::string::npos ||
        equal_ignoring_case(type.parameter("report-type"), "tlsrpt"))
      result_.mentions_tlsrpt = true;
    return type;
  }

  static MimePart describe(const HeaderSection& header, const ParameterizedValue& type,
                           const Place& place) {
    MimePart part;
    part.media_type = type.value;
    part.name =
        parse_parameters(header.value_of("Content-Disposition").value_or("")).parameter("filename");
    if (part.name.empty()) part.name = type.parameter("name");
    part.encoding = transfer_encoding(header.value_of("Content-Transfer-Encoding").value_or(""));
    part.forwarded = place.forwarded;
    part.guessed = place.guessed;
    return part;
  }

  /// rest: the line behind its "--".
  void look_at_delimiter(std::size_t begin, std::string_view rest) {
    rest = without_blanks_behind(rest);
    for (std::size_t i = levels_.size(); i-- > 0;) {
      const std::string& boundary = levels_[i].boundary;
      if (boundary.empty() || !rest.starts_with(boundary)) continue;
      const std::string_view behind = rest.substr(boundary.size());
      if (behind.empty()) return open_next_part(i, begin);
      if (behind == "--") return close_multipart(i, begin);
    }
    if (levels_.back().boundary.empty() && !rest.empty() && header_may_follow()) {
      levels_.back().boundary = rest;
      open_next_part(levels_.size() - 1, begin);
    }
  }

  /// For the guess at a boundary: is the next line the start of a part?
  [[nodiscard]] bool header_may_follow() const {
    constexpr std::string_view kContent = "content-";
    const std::string_view rest = text_.substr(at_);
    return rest.starts_with('\n') || rest.starts_with("\r\n") ||
           equal_ignoring_case(rest.substr(0, kContent.size()), kContent);
  }

  void note_preamble(std::size_t begin, std::size_t end) {
    const std::string_view text = text_.substr(begin, end - begin);
    result_.has_preamble = text.find_first_not_of(" \t\r\n") != std::string_view::npos;
  }

  void open_next_part(std::size_t level, std::size_t delimiter) {
    close_down_to(level + 1, delimiter, /*closed=*/level + 1 == levels_.size());
    if (!may_have_another_part()) return;
    if (level == 0 && !levels_[0].has_parts) note_preamble(levels_[0].begin, delimiter);
    levels_[level].has_parts = true;
    open_entity(levels_[level].inside);
  }

  void close_multipart(std::size_t level, std::size_t delimiter) {
    close_down_to(level + 1, delimiter, /*closed=*/level + 1 == levels_.size());
    levels_.resize(level);
  }

  /// Ends the open part and all multiparts from 'level' on before the delimiter at 'end'.
  void close_down_to(std::size_t level, std::size_t end, bool closed) {
    if (leaf_) emit(std::move(*leaf_), leaf_begin_, end, closed);
    leaf_.reset();
    for (std::size_t i = level; i < levels_.size(); ++i) {
      if (!levels_[i].has_parts)
        emit(std::move(levels_[i].whole), levels_[i].begin, end, /*closed=*/false);
    }
    if (levels_.size() > level) levels_.resize(level);
  }

  /// The line end before a delimiter belongs to the delimiter.
  void emit(MimePart part, std::size_t begin, std::size_t end, bool closed) {
    part.body = text_.substr(begin, end - begin);
    if (end < text_.size()) part.body = without_line_end(part.body);
    part.closed = closed;
    result_.parts.push_back(std::move(part));
  }

  std::string_view text_;
  MimeLimits limits_;
  MimeMessage result_;
  std::size_t at_ = 0;
  std::size_t sections_ = 0;
  std::vector<Level> levels_;
  std::optional<MimePart> leaf_;
  std::size_t leaf_begin_ = 0;
};

}  // namespace

MimeMessage walk_mime(std::string_view message, const MimeLimits& limits) {
  return Walker(message, limits).run();
}

}  // namespace tlsrpt
