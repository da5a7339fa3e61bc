// SPDX-License-Identifier: BSD-2-Clause
#include "common/header_field.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include "common/ascii.hpp"
#include "common/char_set.hpp"
#include "common/swar.hpp"

namespace tlsrpt {
namespace {

constexpr std::size_t kMaxParameters = 100;

/// What a name cannot have: blanks and controls, what is not ASCII, and the colon behind it.
constexpr CharSet kNameEnds =
    CharSet::where([](char c) { return c <= ' ' || c > '~' || c == ':'; });

constexpr CharSet kAroundValue{std::string_view(" \t\r\n\0", 5)};

/// Where the colon behind the name stands; nothing if the line is no field.
std::optional<std::size_t> colon_of_field(std::string_view line, std::size_t name_size) {
  // Names may begin with brackets, but only JSON without a header before it does.
  if (line.starts_with("--") || line.starts_with('{') || line.starts_with('[')) return std::nullopt;
  std::size_t colon = name_size;
  while (colon < line.size() && is_blank(line[colon])) ++colon;
  const bool is_field = name_size > 0 && colon < line.size() && line[colon] == ':';
  return is_field ? std::optional(colon) : std::nullopt;
}

/// Behind the line that begins at 'at', which is looked for up to 'end'; nothing if it goes on.
inline std::optional<std::size_t> next_line(std::string_view text, std::size_t at,
                                            std::size_t end) {
  const std::size_t newline = text.substr(0, end).find('\n', at);
  if (newline != std::string_view::npos) return newline + 1;
  return text.size() <= end ? std::optional(text.size()) : std::nullopt;
}

/// Does the header go on behind the line that ends at 'at', which is no field? Some programs break
/// long lines without a blank, and some add lines that are no fields.
bool goes_on(std::string_view text, std::size_t at, std::size_t end) {
  constexpr int kLinesSeen = 3;
  for (int line = 0; line < kLinesSeen && at < text.size(); ++line) {
    if (begins_with_field(text.substr(at))) return true;
    if (text[at] == '\n' || text[at] == '\r' || text.substr(at).starts_with("--")) return false;
    const auto next = next_line(text, at, end);
    if (!next) return false;
    at = *next;
  }
  return false;
}

/// Before the first field only.
bool is_mbox_line(std::string_view line) {
  return line.starts_with("From ") || line.starts_with(">From ");
}

/// Continues a value by the line behind it.
void extend(std::string_view& value, std::string_view line) {
  value = {value.data(), static_cast<std::size_t>(line.data() + line.size() - value.data())};
}

// What ends a plain piece of a value, of a parameter's name, and of a quoted string.
constexpr CharSet kValueStops{";\"("};
constexpr CharSet kNameStops{"=;\"("};
constexpr CharSet kQuotedStops{"\"\\"};

/// Reads the value behind ';' and '=' step by step.
class ParameterScanner {
 public:
  explicit ParameterScanner(std::string_view text) : rest_(text) {}

  bool take(char c) {
    skip_blanks_and_comments();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  /// Everything up to one of 'stops', without comments and with quoted strings opened. Valid until
  /// the next call.
  std::string_view text_before(const CharSet& stops) {
    skip_blanks_and_comments();
    const std::string_view begin = rest_;
    const std::string_view text = rest_.starts_with('"') ? take_quoted() : take_plain(stops);
    const bool whole = rest_.empty() || (stops.has(rest_.front()) && !goes_on());
    return trimmed(whole ? text : mixed_text(begin, stops));
  }

 private:
  std::string_view take_plain(const CharSet& stops) {
    const std::string_view plain = rest_.substr(0, stops.find_in(rest_));
    rest_.remove_prefix(plain.size());
    return plain;
  }

  /// Up to its end, or to what is escaped in it.
  std::string_view take_quoted() {
    rest_.remove_prefix(1);
    const std::string_view text = take_plain(kQuotedStops);
    if (rest_.starts_with('"')) rest_.remove_prefix(1);
    return text;
  }

  /// With a quoted string or a comment.
  [[nodiscard]] bool goes_on() const { return rest_.starts_with('"') || rest_.starts_with('('); }

  /// text_before() of a text that is not all plain or all quoted.
  std::string_view mixed_text(std::string_view begin, const CharSet& stops) {
    rest_ = begin;
    mixed_ = take_plain(stops);
    while (goes_on()) {
      if (rest_.front() == '"')
        append_quoted();
      else
        skip_blanks_and_comments();
      mixed_ += take_plain(stops);
    }
    return mixed_;
  }

  void append_quoted() {
    rest_.remove_prefix(1);
    for (;;) {
      mixed_ += take_plain(kQuotedStops);
      if (take_first() != '\\') return;
      mixed_ += rest_.empty() ? '\\' : take_first();
    }
  }

  /// 0 at the end.
  char take_first() {
    if (rest_.empty()) return '\0';
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  void skip_blanks_and_comments() {
    std::size_t depth = 0;
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (c == '(') ++depth;
      if (depth == 0 && !is_blank(c)) return;
      if (c == ')') --depth;
      rest_.remove_prefix(c == '\\' && rest_.size() > 1 ? 2 : 1);
    }
  }

  std::string_view rest_;
  std::string mixed_;
};

/// Where the first control character stands; the text's size if there is none.
std::size_t find_control(std::string_view text) {
  std::size_t at = 0;
  for (; text.size() - at >= 8; at += 8) {
    const std::uint64_t marks = mark_controls(load_word(text.data() + at));
    if (marks != 0) return at + first_mark(marks);
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) >= ' ') ++at;
  return at;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int octet = text[i] == '%' ? hex_octet(text, i + 1) : -1;
    out += octet >= 0 ? static_cast<char>(octet) : text[i];
    if (octet >= 0) i += 2;
  }
  return out;
}

std::string without_charset(const std::string& text) {
  const std::size_t first = text.find('\'');
  const std::size_t second = first == std::string::npos ? first : text.find('\'', first + 1);
  return second == std::string::npos ? text : text.substr(second + 1);
}

/// "name*1*" -> name, 1, encoded (RFC 2231 section 4.1).
struct ParameterName {
  std::string name;
  unsigned section = 0;
  bool encoded = false;
  bool extended = false;
};

ParameterName parse_parameter_name(std::string_view text) {
  ParameterName result;
  result.encoded = result.extended = text.ends_with('*');
  if (result.encoded) text.remove_suffix(1);
  if (const std::size_t star = text.rfind('*'); star != std::string_view::npos) {
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + star + 1, end, result.section);
    const bool numbered = error == std::errc{} && stop == end;
    if (numbered) text = text.substr(0, star);
    result.extended = result.extended || numbered;
  }
  result.name = lower_case(text);
  return result;
}

struct Section {
  std::string value;
  bool encoded = false;
};

/// Sections in order, as far as none is missing.
std::string joined(const std::map<unsigned, Section>& sections) {
  std::string out;
  unsigned expected = 0;
  for (const auto& [number, section] : sections) {
    if (number != expected++) break;
    if (!section.encoded)
      out += section.value;
    else
      out += percent_decoded(number == 0 ? without_charset(section.value) : section.value);
  }
  return out;
}

}  // namespace

bool begins_with_field(std::string_view text) {
  constexpr std::size_t kLongestName = 100;
  const std::size_t colon = text.substr(0, kLongestName).find(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(colon), [](char c) {
    const char lower = ascii_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

std::string unfold(std::string_view value) {
  while (!value.empty() && kAroundValue.has(value.front())) value.remove_prefix(1);
  while (!value.empty() && kAroundValue.has(value.back())) value.remove_suffix(1);
  std::string out;
  out.reserve(value.size());
  for (;;) {
    const std::size_t control = find_control(value);
    out += value.substr(0, control);
    if (control == value.size()) return out;
    const char c = value[control];
    if (c != '\r' && c != '\n' && c != '\0') out += c;
    value.remove_prefix(control + 1);
  }
}

std::optional<std::string> HeaderSection::value_of(std::string_view name) const {
  for (const HeaderField& field : fields) {
    if (equal_ignoring_case(field.name, name)) return unfold(field.value);
  }
  return std::nullopt;
}

std::size_t HeaderSection::count(std::string_view name) const {
  return static_cast<std::size_t>(std::count_if(
      fields.begin(), fields.end(),
      [name](const HeaderField& field) { return equal_ignoring_case(field.name, name); }));
}

HeaderSection split_header(std::string_view text, std::size_t max_bytes) {
  HeaderSection section;
  std::vector<HeaderField>& fields = section.fields;
  constexpr std::size_t kUsualFields = 32;
  fields.reserve(kUsualFields);
  std::size_t at = 0;
  while (at < text.size()) {
    const auto next = next_line(text, at, max_bytes);
    if (!next) {
      section.too_large = true;
      break;
    }
    const std::string_view line = text.substr(at, *next - at);
    if (line == "\n" || line == "\r\n") {
      at = *next;
      break;
    }
    if (is_blank(line.front())) {
      if (fields.empty())
        section.damaged = true;
      else
        extend(fields.back().value, line);
    } else if (!fields.empty() || !is_mbox_line(line)) {
      const std::size_t name_size = kNameEnds.find_in(line);
      if (const auto colon = colon_of_field(line, name_size)) {
        HeaderField& field = fields.emplace_back();
        field.name = line.substr(0, name_size);
        field.value = line.substr(*colon + 1);
      } else if (!fields.empty() && !line.starts_with("--") && goes_on(text, *next, max_bytes)) {
        section.damaged = true;
      } else {
        section.damaged = section.damaged || !fields.empty();
        break;
      }
    }
    at = *next;
  }
  section.size = at;
  return section;
}

std::string ParameterizedValue::parameter(std::string_view name) const& {
  for (const auto& [known, text] : parameters) {
    if (known == name) return text;
  }
  return {};
}

std::string ParameterizedValue::parameter(std::string_view name) && {
  for (auto& [known, text] : parameters) {
    if (known == name) return std::move(text);
  }
  return {};
}

std::string leading_value(std::string_view unfolded) {
  return lower_case(ParameterScanner(unfolded).text_before(kValueStops));
}

ParameterizedValue parse_parameters(std::string_view unfolded) {
  ParameterizedValue result;
  if (unfolded.empty()) return result;
  constexpr std::size_t kUsualParameters = 4;
  result.parameters.reserve(kUsualParameters);
  ParameterScanner scanner(unfolded);
  result.value = lower_case(scanner.text_before(kValueStops));
  std::map<std::string, std::map<unsigned, Section>> extended;
  for (std::size_t count = 0; count < kMaxParameters && scanner.take(';'); ++count) {
    ParameterName name = parse_parameter_name(scanner.text_before(kNameStops));
    if (!scanner.take('=')) continue;
    // A blank inside of an unquoted value belongs to it: senders forget the quotes.
    const std::string_view value = scanner.text_before(kValueStops);
    if (name.name.empty()) continue;
    if (name.extended)
      extended[name.name].try_emplace(name.section, Section{std::string(value), name.encoded});
    else if (result.parameter(name.name).empty())
      result.parameters.emplace_back(std::move(name.name), value);
  }
  // The plain form may stand beside it for old readers; the extended one says more.
  for (const auto& [name, sections] : extended) {
    if (std::string value = joined(sections); !value.empty())
      result.parameters.insert(result.parameters.begin(), {name, std::move(value)});
  }
  return result;
}

}  // namespace tlsrpt
