// SPDX-License-Identifier: BSD-2-Clause
#include "common/mime_walker.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "common/ascii.hpp"
#include "common/part_header.hpp"

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

bool is_report_type(const ParameterizedValue& type) {
  return type.value == "multipart/report" &&
         equal_ignoring_case(type.parameter("report-type"), "tlsrpt");
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
  std::optional<std::size_t> candidate = {};  ///< the first line that looks like a delimiter
  bool went_back = false;                     ///< to the candidate
};

/// A field of the content, by any spelling of its name that gateways use; of several the one that
/// says most.
struct ContentField {
  std::string_view value;  ///< still folded
  bool damaged = false;
};

/// Names of other fields, which are most, are told by their first letter.
bool may_be_spelling_of(std::string_view name, std::string_view wanted) {
  const char first = name.front();
  return ascii_lower(first) == ascii_lower(wanted.front()) || first == '-' || first == '_';
}

bool is_spelling_of(std::string_view name, std::string_view wanted) {
  // Most names differ late, behind "Content-".
  const auto different =
      std::mismatch(name.begin(), name.end(), wanted.begin(), wanted.end()).first;
  auto at = static_cast<std::size_t>(different - name.begin());
  for (const char c : name.substr(at)) {
    if (c == '-' || c == '_') continue;
    while (at < wanted.size() && wanted[at] == '-') ++at;
    if (at == wanted.size() || ascii_lower(c) != ascii_lower(wanted[at])) return false;
    ++at;
  }
  return at == wanted.size();
}

/// How much a value says, which begins with one of 'telling': the more, the earlier. 0: nothing.
std::size_t weight(std::string_view value, std::span<const std::string_view> telling) {
  for (std::size_t i = 0; i < telling.size(); ++i) {
    if (equal_ignoring_case(value.substr(0, telling[i].size()), telling[i]))
      return telling.size() - i;
  }
  return 0;
}

ContentField content_field(const HeaderSection& header, std::string_view name,
                           std::span<const std::string_view> telling) {
  ContentField best;
  bool found = false;
  for (const HeaderField& field : header.fields) {
    if (!may_be_spelling_of(field.name, name)) continue;
    const bool exact = equal_ignoring_case(field.name, name);
    if (!exact && !is_spelling_of(field.name, name)) continue;
    best.damaged = best.damaged || found || !exact;
    if (!found || weight(unfold(field.value), telling) > weight(unfold(best.value), telling))
      best.value = field.value;
    found = true;
  }
  return best;
}

constexpr std::array<std::string_view, 4> kTellingTypes = {"multipart/", "application/tlsrpt",
                                                           "message/", "application/"};
constexpr std::array<std::string_view, 2> kTellingEncodings = {"base64", "quoted-printable"};

class Walker {
 public:
  Walker(std::string_view text, const MimeLimits& limits) : text_(text), limits_(limits) {
    constexpr std::size_t kUsualParts = 4;
    result_.parts.reserve(kUsualParts);
  }

  MimeMessage run() {
    open_entity(Place{});
    do {
      walk_lines();
    } while (!close_down_to(0, text_.size(), /*closed=*/levels_.empty()));
    return std::move(result_);
  }

 private:
  void walk_lines() {
    while (at_ < text_.size() && !result_.too_many_parts) {
      const std::size_t newline = text_.find('\n', at_);
      const std::size_t next = newline == std::string_view::npos ? text_.size() : newline + 1;
      const std::size_t begin = std::exchange(at_, next);
      if (text_.compare(begin, 2, "--") == 0 && !levels_.empty())
        look_at_delimiter(begin, without_line_end(text_.substr(begin + 2, next - begin - 2)));
    }
  }

  /// Reads the header at at_ and decides what its body is.
  void open_entity(Place place) {
    while (true) {
      const std::string_view rest = text_.substr(at_);
      HeaderSection header = sections_ == 0 ? split_header(rest, limits_.max_header_bytes)
                                            : split_part_header(rest, limits_.max_header_bytes);
      at_ += header.size;
      if (header.too_large) result_.headers_too_large = true;
      const bool skip = header.too_large;
      const ContentField type_field = content_field(header, "Content-Type", kTellingTypes);
      ParameterizedValue type = content_type(unfold(type_field.value), place);
      std::string boundary = type.parameter("boundary");
      if (sections_ == 0) result_.is_report = is_report_type(type);
      MimePart part = describe(header, std::move(type), place);
      part.damaged = part.damaged || type_field.damaged;
      damaged_ = damaged_ || part.damaged;
      if (sections_++ == 0) result_.header = std::move(header);
      if (skip) return;
      if (!place.guessed && sections_ == 1 && is_unlabelled_multipart(part)) {
        place.guessed = true;
        part.media_type = "multipart/mixed";
      }
      if (part.media_type.starts_with("multipart/"))
        return open_multipart(std::move(boundary), std::move(part), place);
      const bool opens = is_message(part.media_type) && limits_.open_messages &&
                         part.encoding == TransferEncoding::identity;
      if (!opens) {
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

  /// Does the body begin with a delimiter and a part's header, though no type says so?
  [[nodiscard]] bool is_unlabelled_multipart(const MimePart& part) const {
    constexpr std::string_view kContent = "Content-";
    const bool says_little = part.media_type.starts_with("text/") ||
                             part.media_type == "application/octet-stream" ||
                             part.media_type.find('/') == std::string::npos;
    if (!says_little || part.encoding != TransferEncoding::identity) return false;
    const std::size_t begin = text_.find_first_not_of("\r\n", at_);
    if (begin == std::string_view::npos || text_.compare(begin, 2, "--") != 0) return false;
    const std::size_t newline = text_.find('\n', begin);
    if (newline == std::string_view::npos) return false;
    const std::string_view header = text_.substr(newline + 1);
    return equal_ignoring_case(header.substr(0, kContent.size()), kContent) &&
           begins_with_field(header);
  }

  void open_multipart(std::string boundary, MimePart part, const Place& place) {
    if (!may_nest(place)) return;
    Level level;
    level.boundary = std::move(boundary);
    level.boundary.resize(without_blanks_behind(level.boundary).size());
    level.inside = {place.depth + 1, place.forwarded, place.guessed || level.boundary.empty(),
                    part.media_type == "multipart/digest" ? kMessage : kPlain};
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

  ParameterizedValue content_type(std::string_view field, const Place& place) {
    ParameterizedValue type = parse_parameters(field);
    if (type.value.find('/') == std::string::npos) type.value = place.default_type;
    if (type.value.find("/tlsrpt") != std::string::npos ||
        equal_ignoring_case(type.parameter("report-type"), "tlsrpt"))
      result_.mentions_tlsrpt = true;
    return type;
  }

  static MimePart describe(const HeaderSection& header, ParameterizedValue type,
                           const Place& place) {
    MimePart part;
    part.media_type = std::move(type.value);
    part.name =
        parse_parameters(header.value_of("Content-Disposition").value_or("")).parameter("filename");
    if (part.name.empty()) part.name = std::move(type).parameter("name");
    // Where Microsoft puts it.
    if (part.name.empty()) part.name = header.value_of("Content-Description").value_or("");
    const ContentField encoding =
        content_field(header, "Content-Transfer-Encoding", kTellingEncodings);
    const NamedEncoding named = transfer_encoding(unfold(encoding.value));
    part.encoding = named.encoding;
    part.damaged = header.damaged || encoding.damaged || !named.known;
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
    Level& last = levels_.back();
    if (last.has_parts || last.candidate || rest.empty() || !header_may_follow()) return;
    last.candidate = begin;
    if (!last.boundary.empty()) return;
    last.boundary = rest;
    open_next_part(levels_.size() - 1, begin);
  }

  /// The delimiter of the innermost multipart never came, but a line that looks like one did: goes
  /// back to it. Each multipart can do so once.
  bool go_back_to_candidate() {
    Level& last = levels_.back();
    if (last.has_parts || !last.candidate || last.went_back) return false;
    last.went_back = true;
    at_ = *last.candidate;
    const std::size_t newline = std::min(text_.find('\n', at_), text_.size());
    last.boundary = without_blanks_behind(without_line_end(text_.substr(at_, newline + 1 - at_)));
    last.boundary.erase(0, 2);
    last.inside.guessed = true;
    return true;
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
    if (!close_down_to(level + 1, delimiter, /*closed=*/level + 1 == levels_.size())) return;
    if (!may_have_another_part()) return;
    if (level == 0 && !levels_[0].has_parts) note_preamble(levels_[0].begin, delimiter);
    levels_[level].has_parts = true;
    open_entity(levels_[level].inside);
  }

  void close_multipart(std::size_t level, std::size_t delimiter) {
    if (close_down_to(level + 1, delimiter, /*closed=*/level + 1 == levels_.size()))
      levels_.resize(level);
  }

  /// Ends the open part and all multiparts from 'level' on before the delimiter at 'end'. False if
  /// it went back instead.
  bool close_down_to(std::size_t level, std::size_t end, bool closed) {
    if (levels_.size() > level && !result_.too_many_parts && go_back_to_candidate()) return false;
    if (leaf_) emit(std::move(*leaf_), leaf_begin_, end, closed);
    leaf_.reset();
    for (std::size_t i = level; i < levels_.size(); ++i) {
      if (!levels_[i].has_parts)
        emit(std::move(levels_[i].whole), levels_[i].begin, end, /*closed=*/false);
    }
    if (levels_.size() > level) levels_.resize(level);
    return true;
  }

  /// The line end before a delimiter belongs to the delimiter.
  void emit(MimePart part, std::size_t begin, std::size_t end, bool closed) {
    part.body = text_.substr(begin, end - begin);
    if (end < text_.size()) part.body = without_line_end(part.body);
    part.closed = closed;
    part.damaged = damaged_;
    result_.parts.push_back(std::move(part));
  }

  std::string_view text_;
  MimeLimits limits_;
  MimeMessage result_;
  std::size_t at_ = 0;
  std::size_t sections_ = 0;
  bool damaged_ = false;  ///< one of the headers so far
  std::vector<Level> levels_;
  std::optional<MimePart> leaf_;
  std::size_t leaf_begin_ = 0;
};

}  // namespace

MimeMessage walk_mime(std::string_view message, const MimeLimits& limits) {
  return Walker(message, limits).run();
}

}  // namespace tlsrpt
