// SPDX-License-Identifier: BSD-2-Clause
#include "common/header_field.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "common/ascii.hpp"

namespace tlsrpt {
namespace {

constexpr std::size_t kMaxParameters = 100;

/// The name before the colon, or "" if the line is no field.
std::string_view field_name(std::string_view line) {
  // Names may begin with brackets, but only JSON without a header before it does.
  if (line.starts_with("--") || line.starts_with('{') || line.starts_with('[')) return {};
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return {};
  std::string_view name = line.substr(0, colon);
  while (!name.empty() && is_blank(name.back())) name.remove_suffix(1);
  const bool printable =
      std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
  return printable ? name : std::string_view{};
}

/// Behind the line that begins at 'at', which is looked for up to 'end'; nothing if it goes on.
std::optional<std::size_t> next_line(std::string_view text, std::size_t at, std::size_t end) {
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

/// Which characters end a plain piece of text: 'stops', and what begins a comment or a quoted
/// string.
class Stops {
 public:
  constexpr explicit Stops(std::string_view stops) {
    for (const char c : stops) ends_[static_cast<unsigned char>(c)] = true;
    ends_['"'] = ends_['('] = true;
  }
  [[nodiscard]] std::size_t find_in(std::string_view text) const {
    const auto ends = [this](char c) { return ends_[static_cast<unsigned char>(c)]; };
    return static_cast<std::size_t>(std::find_if(text.begin(), text.end(), ends) - text.begin());
  }

 private:
  std::array<bool, 256> ends_{};
};

constexpr Stops kValueStops{";"};
constexpr Stops kNameStops{"=;"};

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

  /// Everything up to one of 'stops', without comments and with quoted strings opened.
  std::string text_before(const Stops& stops) {
    skip_blanks_and_comments();
    const std::size_t plain = stops.find_in(rest_);
    const std::string_view first = rest_.substr(0, plain);
    rest_.remove_prefix(plain);
    const bool goes_on = rest_.starts_with('"') || rest_.starts_with('(');
    return goes_on ? mixed_text(first, stops) : std::string(trimmed(first));
  }

 private:
  /// text_before with comments or quoted strings behind 'text'.
  std::string mixed_text(std::string_view first, const Stops& stops) {
    std::string text(first);
    for (;;) {
      if (rest_.starts_with('"'))
        append_quoted(text);
      else if (rest_.starts_with('('))
        skip_blanks_and_comments();
      else
        return std::string(trimmed(text));
      const std::size_t plain = stops.find_in(rest_);
      text += rest_.substr(0, plain);
      rest_.remove_prefix(plain);
    }
  }

  void append_one(std::string& text) {
    text += rest_.front();
    rest_.remove_prefix(1);
  }

  void append_quoted(std::string& text) {
    rest_.remove_prefix(1);
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return;
      if (c == '\\' && !rest_.empty())
        append_one(text);
      else
        text += c;
    }
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
};

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
  result.name = lower_case(text);
  if (text.ends_with('*')) {
    result.encoded = result.extended = true;
    text.remove_suffix(1);
    result.name = lower_case(text);
  }
  const std::size_t star = text.rfind('*');
  if (star == std::string_view::npos) return result;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + star + 1, end, result.section);
  if (error != std::errc{} || stop != end) return result;
  result.extended = true;
  result.name = lower_case(text.substr(0, star));
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
  const auto is_dropped = [](char c) { return c == '\r' || c == '\n' || c == '\0'; };
  const auto is_blank_or_dropped = [&](char c) { return is_blank(c) || is_dropped(c); };
  while (!value.empty() && is_blank_or_dropped(value.front())) value.remove_prefix(1);
  while (!value.empty() && is_blank_or_dropped(value.back())) value.remove_suffix(1);
  std::string out(value);
  if (std::any_of(out.begin(), out.end(), is_dropped)) std::erase_if(out, is_dropped);
  return out;
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
  constexpr std::size_t kUsualFields = 16;
  section.fields.reserve(kUsualFields);
  std::size_t at = 0;
  while (at < text.size()) {
    const auto next = next_line(text, at, max_bytes);
    if (!next) {
      section.too_large = true;
      break;
    }
    std::string_view line = text.substr(at, *next - at);
    if (line == "\n" || line == "\r\n") {
      at = *next;
      break;
    }
    const bool continuation = is_blank(line.front());
    const std::string_view name = field_name(line);
    const bool mbox_line =
        section.fields.empty() && (line.starts_with("From ") || line.starts_with(">From "));
    if (continuation && !section.fields.empty()) {
      std::string_view& value = section.fields.back().value;
      value = {value.data(), static_cast<std::size_t>(line.data() + line.size() - value.data())};
    } else if (!continuation && !mbox_line) {
      if (!name.empty())
        section.fields.push_back({name, line.substr(line.find(':') + 1)});
      else if (!section.fields.empty() && !line.starts_with("--") &&
               goes_on(text, *next, max_bytes))
        section.damaged = true;
      else
        break;
    }
    at = *next;
  }
  section.size = at;
  return section;
}

std::string ParameterizedValue::parameter(std::string_view name) const {
  for (const auto& [known, text] : parameters) {
    if (known == name) return text;
  }
  return {};
}

ParameterizedValue parse_parameters(std::string_view unfolded) {
  ParameterizedValue result;
  ParameterScanner scanner(unfolded);
  result.value = lower_case(scanner.text_before(kValueStops));
  std::map<std::string, std::map<unsigned, Section>> extended;
  for (std::size_t count = 0; count < kMaxParameters && scanner.take(';'); ++count) {
    const ParameterName name = parse_parameter_name(scanner.text_before(kNameStops));
    if (!scanner.take('=')) continue;
    // A blank inside of an unquoted value belongs to it: senders forget the quotes.
    std::string value = scanner.text_before(kValueStops);
    if (name.name.empty()) continue;
    if (name.extended)
      extended[name.name].try_emplace(name.section, Section{std::move(value), name.encoded});
    else if (result.parameter(name.name).empty())
      result.parameters.emplace_back(name.name, std::move(value));
  }
  // The plain form may stand beside it for old readers; the extended one says more.
  for (const auto& [name, sections] : extended) {
    if (std::string value = joined(sections); !value.empty())
      result.parameters.insert(result.parameters.begin(), {name, std::move(value)});
  }
  return result;
}

}  // namespace tlsrpt
