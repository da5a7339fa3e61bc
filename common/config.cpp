// SPDX-License-Identifier: BSD-2-Clause
#include "common/config.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "common/ascii.hpp"
#include "common/domain_name.hpp"
#include "common/escape.hpp"
#include "common/file.hpp"

namespace tlsrpt {

namespace {

constexpr std::size_t kMaxFileBytes = 1u << 20;
constexpr std::size_t kMaxListEntries = 100000;
constexpr int kMaxIncludeDepth = 5;

/// A line may end in CR.
std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.back() == '\r' || is_blank(text.back()))) text.remove_suffix(1);
  return trimmed(text);
}

std::optional<std::int64_t> to_number(std::string_view text, int base) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

Result<std::int64_t> read_boolean(std::string_view value) {
  const std::string word = lower_case(value);
  for (std::string_view yes : {"yes", "true", "on", "1", "y", "t"}) {
    if (word == yes) return 1;
  }
  for (std::string_view no : {"no", "false", "off", "0", "n", "f"}) {
    if (word == no) return 0;
  }
  return fail(ErrorCode::invalid_argument, "\"{}\" is neither yes nor no", value);
}

/// A number with one of the units behind it; 'units' pairs letters and factors.
Result<std::int64_t> read_scaled(std::string_view value,
                                 std::initializer_list<std::pair<char, std::int64_t>> units,
                                 std::string_view expected) {
  std::int64_t factor = 1;
  std::string_view digits = value;
  if (!digits.empty()) {
    for (const auto& [letter, scale] : units) {
      if (ascii_lower(digits.back()) == letter) {
        factor = scale;
        digits.remove_suffix(1);
        break;
      }
    }
  }
  const auto number = to_number(digits, 10);
  if (!number || *number < 0 || *number > std::numeric_limits<std::int64_t>::max() / factor) {
    return fail(ErrorCode::invalid_argument, "\"{}\" is not {}", value, expected);
  }
  return *number * factor;
}

Result<std::int64_t> read_number(const KeyInfo& info, std::string_view value) {
  switch (info.type) {
    case ValueType::boolean:
      return read_boolean(value);
    case ValueType::integer:
      if (const auto number = to_number(value, 10)) return *number;
      return fail(ErrorCode::invalid_argument, "\"{}\" is not a whole number", value);
    case ValueType::octal:
      if (const auto number = to_number(value, 8)) return *number;
      return fail(ErrorCode::invalid_argument, "\"{}\" is not an octal number such as 0660", value);
    case ValueType::bytes:
      return read_scaled(value, {{'k', 1 << 10}, {'m', 1 << 20}, {'g', 1 << 30}},
                         "a size such as 4096, 64K, 10M or 1G");
    case ValueType::duration:
      return read_scaled(value, {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}},
                         "a time such as 30, 90s, 15m, 4h or 7d");
    case ValueType::text:
    case ValueType::path:
    case ValueType::list:
    case ValueType::domains:
    case ValueType::choice:
      break;
  }
  return fail(ErrorCode::internal, "{} is not a number", info.name);
}

bool is_choice(const KeyInfo& info, std::string_view word) {
  std::string_view rest = info.choices;
  while (!rest.empty()) {
    const std::size_t blank = rest.find(' ');
    if (rest.substr(0, blank) == word) return true;
    rest = blank == std::string_view::npos ? "" : rest.substr(blank + 1);
  }
  return false;
}

Result<void> add_entries(std::string_view value, std::vector<std::string>& list) {
  constexpr std::string_view kFile = "file:";
  if (value.substr(0, kFile.size()) == kFile) {
    const std::string path(value.substr(kFile.size()));
    const auto text = read_file(path, kMaxFileBytes);
    if (!text) return tl::unexpected(text.error());
    std::string_view rest = *text;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      const std::string_view line = trim(rest.substr(0, end));
      if (!line.empty() && line.front() != '#') list.emplace_back(line);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  } else {
    while (!value.empty()) {
      const std::size_t end = std::min(value.find(','), value.size());
      const std::string_view entry = trim(value.substr(0, end));
      if (!entry.empty()) list.emplace_back(entry);
      value.remove_prefix(std::min(end + 1, value.size()));
    }
  }
  if (list.size() > kMaxListEntries) {
    return fail(ErrorCode::limit_exceeded, "more than {} entries", kMaxListEntries);
  }
  return {};
}

/// The entries from 'first' on, as domains are written; the error names all that are none.
Result<void> normalize_domains(std::vector<std::string>& list, std::size_t first) {
  std::string wrong;
  for (std::size_t i = first; i < list.size(); ++i) {
    auto domain = normalize_domain(list[i]);
    if (domain) {
      list[i] = std::move(*domain);
    } else {
      wrong += fmt::format("{}\"{}\" is no domain: {}", wrong.empty() ? "" : "; ", list[i],
                           domain.error().detail);
    }
  }
  if (wrong.empty()) return {};
  return fail(ErrorCode::invalid_argument, "{}", wrong);
}

struct Line {
  std::string_view name;
  std::string value;
  bool unbalanced_quote = false;
};

/// Splits "Name value # comment"; the name is empty for a blank or comment line.
Line split_line(std::string_view text) {
  Line line;
  text = trim(text);
  if (text.empty() || text.front() == '#') return line;
  const auto blank = std::find_if(text.begin(), text.end(), is_blank);
  line.name = text.substr(0, static_cast<std::size_t>(blank - text.begin()));
  std::string_view rest = trim(text.substr(line.name.size()));
  if (!rest.empty() && rest.front() == '"') {
    const std::size_t end = rest.find('"', 1);
    line.unbalanced_quote = end == std::string_view::npos;
    if (!line.unbalanced_quote) {
      const std::string_view behind = trim(rest.substr(end + 1));
      line.value = rest.substr(1, end - 1);
      line.unbalanced_quote = !behind.empty() && behind.front() != '#';
    }
    return line;
  }
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '#' && (i == 0 || is_blank(rest[i - 1]))) {
      rest = trim(rest.substr(0, i));
      break;
    }
  }
  line.value = rest;
  return line;
}

}  // namespace

const KeyInfo* find_key(std::string_view name) {
  for (const KeyInfo& info : config_table()) {
    if (equal_ignoring_case(info.name, name)) return &info;
  }
  return nullptr;
}

std::string ConfigProblem::to_string() const {
  if (file.empty()) return text;  // a default, or a key that is missing
  return line > 0 ? fmt::format("{}:{}: {}", file, line, text) : fmt::format("{}: {}", file, text);
}

Config::Config() : values_(config_table().size()) {
  for (const KeyInfo& info : config_table()) {
    // Defaults are constants of ours; config_test.cpp proves that each can be read.
    if (!info.default_value.empty()) static_cast<void>(set(info.key, info.default_value));
    values_[static_cast<std::size_t>(info.key)].set = false;
  }
}

Result<void> Config::set(Key key, std::string_view value, const ConfigPlace& place) {
  const KeyInfo& info = key_info(key);
  Value& target = values_.at(static_cast<std::size_t>(key));
  switch (info.type) {
    case ValueType::boolean:
    case ValueType::integer:
    case ValueType::octal:
    case ValueType::bytes:
    case ValueType::duration: {
      const auto number = read_number(info, value);
      if (!number) return tl::unexpected(number.error());
      if (info.type != ValueType::boolean && (*number < info.minimum || *number > info.maximum)) {
        return fail(ErrorCode::invalid_argument, "{} is outside of {} to {}", value,
                    info.type == ValueType::octal ? fmt::format("{:04o}", info.minimum)
                                                  : std::to_string(info.minimum),
                    info.type == ValueType::octal ? fmt::format("{:04o}", info.maximum)
                                                  : std::to_string(info.maximum));
      }
      target.number = *number;
      break;
    }
    case ValueType::choice: {
      const std::string word = lower_case(value);
      if (!is_choice(info, word)) {
        return fail(ErrorCode::invalid_argument, "\"{}\" is none of: {}", value, info.choices);
      }
      target.text = word;
      break;
    }
    case ValueType::path:
      if (value.empty() || value.front() != '/') {
        return fail(ErrorCode::invalid_argument, "\"{}\" is not an absolute path", value);
      }
      target.text = value;
      break;
    case ValueType::text:
      target.text = value;
      break;
    case ValueType::list:
    case ValueType::domains: {
      if (!target.set) {
        target.list.clear();
        target.places.clear();
      }
      const std::size_t before = target.list.size();
      if (auto added = add_entries(value, target.list); !added) return added;
      if (info.type != ValueType::domains) break;
      if (auto done = normalize_domains(target.list, before); !done) return done;
      break;
    }
  }
  target.set = true;
  target.places.resize(is_list(info.type) ? target.list.size() : 1, place);
  if (!is_list(info.type)) target.places.front() = place;
  return {};
}

void Config::clear(Key key) { copy(key, Config()); }

ConfigProblem Config::problem(Key key, std::string_view text, std::size_t entry) const {
  const Value& value = values_.at(static_cast<std::size_t>(key));
  const std::string whole = fmt::format("{}: {}", key_info(key).name, escape_terminal(text));
  if (entry >= value.places.size() || value.places[entry].file.empty()) return {"", 0, whole};
  return {value.places[entry].file, value.places[entry].line, whole};
}

bool Config::boolean(Key key) const { return integer(key) != 0; }
std::int64_t Config::integer(Key key) const {
  return values_.at(static_cast<std::size_t>(key)).number;
}
std::size_t Config::bytes(Key key) const { return static_cast<std::size_t>(integer(key)); }
std::chrono::seconds Config::duration(Key key) const { return std::chrono::seconds(integer(key)); }
const std::string& Config::text(Key key) const {
  return values_.at(static_cast<std::size_t>(key)).text;
}
const std::vector<std::string>& Config::list(Key key) const {
  return values_.at(static_cast<std::size_t>(key)).list;
}
std::string Config::value_text(Key key) const {
  const Value& value = values_.at(static_cast<std::size_t>(key));
  switch (key_info(key).type) {
    case ValueType::boolean:
      return value.number != 0 ? "yes" : "no";
    case ValueType::octal:
      return fmt::format("{:04o}", value.number);
    case ValueType::integer:
    case ValueType::bytes:
    case ValueType::duration:
      return std::to_string(value.number);
    case ValueType::list:
    case ValueType::domains:
      return fmt::format("{}", fmt::join(value.list, ","));
    case ValueType::text:
    case ValueType::path:
    case ValueType::choice:
      break;
  }
  return value.text;
}
void Config::copy(Key key, const Config& from) {
  const auto index = static_cast<std::size_t>(key);
  values_.at(index) = from.values_.at(index);
}
bool Config::is_set(Key key) const { return values_.at(static_cast<std::size_t>(key)).set; }

struct ConfigReader {
  ReadConfig result;
  std::vector<std::string> first_place = std::vector<std::string>(config_table().size());

  void problem(const std::string& file, int line, std::string text) {
    result.problems.push_back({file, line, std::move(text)});
  }

  void read(std::string_view text, const std::string& file, int depth, bool may_include) {
    int number = 0;
    while (!text.empty()) {
      ++number;
      const std::size_t end = std::min(text.find('\n'), text.size());
      read_line(text.substr(0, end), file, number, depth, may_include);
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  void read_line(std::string_view text, const std::string& file, int number, int depth,
                 bool may_include) {
    const Line line = split_line(text);
    if (line.name.empty()) return;
    const std::string shown = escape_terminal(line.name);
    const KeyInfo* info = find_key(line.name);
    if (info == nullptr) {
      problem(file, number,
              fmt::format("unknown key \"{}\"; opentlsrpt.conf(5) lists the keys", shown));
      return;
    }
    if (line.unbalanced_quote) {
      problem(file, number, fmt::format("{}: the value's quotes do not match", info->name));
      return;
    }
    if (info->key == Key::include) {
      include(line.value, file, number, depth, may_include);
      return;
    }
    std::string& first = first_place[static_cast<std::size_t>(info->key)];
    if (!first.empty() && !is_list(info->type)) {
      problem(file, number,
              fmt::format("{} is given again; the first one is at {}", info->name, first));
      return;
    }
    if (first.empty()) first = fmt::format("{}:{}", file, number);
    if (line.value.empty() && info->type != ValueType::text && !is_list(info->type)) {
      problem(file, number, fmt::format("{} needs a value", info->name));
      return;
    }
    if (auto set = result.config.set(info->key, line.value, {file, number}); !set) {
      problem(file, number, fmt::format("{}: {}", info->name, escape_terminal(set.error().detail)));
    }
  }

  void include(const std::string& path, const std::string& file, int number, int depth,
               bool may_include) {
    if (!may_include) {
      problem(file, number, "Include is not possible here");
    } else if (depth >= kMaxIncludeDepth) {
      problem(file, number, fmt::format("Include nests more than {} deep", kMaxIncludeDepth));
    } else if (const auto text = read_file(path, kMaxFileBytes); !text) {
      problem(file, number, "Include: " + escape_terminal(text.error().detail));
    } else {
      read(*text, path, depth + 1, may_include);
    }
  }
};

ReadConfig read_config_file(const std::string& path) {
  ConfigReader reader;
  const auto text = read_file(path, kMaxFileBytes);
  if (!text) {
    reader.problem(path, 0, text.error().detail);
  } else {
    reader.read(*text, path, 0, /*may_include=*/true);
  }
  return std::move(reader.result);
}

ReadConfig read_config_text(std::string_view text, const std::string& name) {
  ConfigReader reader;
  reader.read(text, name, 0, /*may_include=*/false);
  return std::move(reader.result);
}

std::string sample_config() {
  std::string out =
      "# /etc/opentlsrpt.conf - see opentlsrpt.conf(5)\n"
      "# Each key is shown with its default; remove the '#' in front of it to change it.\n";
  for (const KeyInfo& info : config_table()) {
    out += fmt::format("\n# {}\n# Read by: {}\n#{} {}\n", info.help, info.programs, info.name,
                       info.default_value.empty() ? "(none)" : info.default_value);
  }
  return out;
}

}  // namespace tlsrpt
