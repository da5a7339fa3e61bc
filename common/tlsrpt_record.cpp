// SPDX-License-Identifier: BSD-2-Clause
#include "common/tlsrpt_record.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace tlsrpt {
namespace {

constexpr std::string_view kVersion = "v=TLSRPTv1";
constexpr std::string_view kBlanks = " \t";
constexpr std::size_t kMaxWarnings = 16;

std::string_view trim_left(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(kBlanks), text.size()));
}

std::string_view trim_right(std::string_view text) {
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);  // npos + 1 is 0
}

std::string_view trim(std::string_view text) { return trim_right(trim_left(text)); }

/// Cuts the text before the next separator off its front, and says whether there was one.
std::pair<std::string_view, bool> take_until(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view part = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return {part, end != std::string_view::npos};
}

bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_extension_name(std::string_view name) {  // R26
  return !name.empty() && name.size() <= 32 && is_alnum(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return is_alnum(c) || c == '_' || c == '-' || c == '.'; });
}

bool is_extension_value(std::string_view value) {  // R27
  return !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
    return c > ' ' && c <= '~' && c != ';' && c != '=';
  });
}

bool has_forbidden_byte(std::string_view text) {  // R32
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return (c < ' ' || c > '~') && c != '\t'; });
}

/// Reads the fields behind the version. Each deviation from the grammar ends the work in strict
/// mode and becomes a warning in lenient mode.
class FieldReader {
 public:
  FieldReader(RecordMode mode, const RecordLimits& limits) : mode_(mode), limits_(limits) {}

  Result<TlsrptRecord> read(std::string_view fields) {
    bool more = true;
    while (more) {
      const auto [text, delimited] = take_until(fields, ';');
      more = delimited;
      if (!delimited && trim(text).empty()) break;  // the optional delimiter at the end (R15)
      if (!delimited && trim_right(text) != text) deviate("blanks at the end of the record");
      read_field(trim(text));
      if (error_) return fail(ErrorCode::malformed, "{}", *error_);
    }
    if (!has_uri_)
      return fail(ErrorCode::malformed, "no rua field{}",
                  has_upper_case_rua_ ? kUpperCaseHint : "");
    finish_warnings();
    return std::move(record_);
  }

 private:
  static constexpr std::string_view kUpperCaseHint = " (its name must be in lower case)";

  void warn(std::string text) {
    if (record_.warnings.size() < kMaxWarnings) {
      record_.warnings.push_back(std::move(text));
    } else {
      ++unsaid_warnings_;
    }
  }

  void deviate(std::string text) {
    if (mode_ == RecordMode::lenient) return warn(std::move(text));
    if (!error_) error_ = std::move(text);
  }

  void read_field(std::string_view field) {
    if (field.empty()) return deviate("empty field");
    std::string_view value = field;
    const auto [raw_name, has_value] = take_until(value, '=');
    const std::string_view name = trim(raw_name);
    if (!has_value) return deviate(fmt::format("field \"{}\" without '='", field));
    if (name == "rua") {
      if (name != raw_name || trim_left(value) != value) deviate("blanks around '=' of rua");
      return read_rua(trim(value));
    }
    if (name == "RUA" || name == "Rua") has_upper_case_rua_ = true;
    if (!is_extension_name(raw_name))
      return deviate(fmt::format("\"{}\" is no name of a field", raw_name));
    if (!is_extension_value(value))
      deviate(fmt::format("value of the unknown field {} has a forbidden form", raw_name));
  }

  void read_rua(std::string_view uris) {
    bool more = true;
    while (more) {
      const auto [text, delimited] = take_until(uris, ',');
      more = delimited;
      const std::string_view uri = trim(text);
      if (uri.empty()) {
        deviate("empty URI in rua");
      } else {
        has_uri_ = true;
        read_uri(uri);
      }
    }
  }

  void read_uri(std::string_view uri) {
    auto rua = parse_rua(uri);
    if (!rua) {
      std::string text = fmt::format("URI \"{}\" skipped: {}", uri, rua.error().detail);
      // A well-formed URI that is no destination is within the grammar (R22).
      if (rua.error().code == ErrorCode::unsupported) return warn(std::move(text));
      return deviate(std::move(text));
    }
    const bool known = std::any_of(record_.rua.begin(), record_.rua.end(),
                                   [&](const Rua& other) { return same_destination(other, *rua); });
    if (known) return;
    if (record_.rua.size() < limits_.max_rua) {
      record_.rua.push_back(std::move(*rua));
    } else {
      ++dropped_uris_;
    }
  }

  void finish_warnings() {
    if (unsaid_warnings_ > 0)
      record_.warnings.push_back(fmt::format("{} further warnings", unsaid_warnings_));
    if (dropped_uris_ > 0) {
      record_.warnings.push_back(
          fmt::format("{} URIs dropped, at most {} are used", dropped_uris_, limits_.max_rua));
    }
  }

  RecordMode mode_;
  RecordLimits limits_;
  TlsrptRecord record_;
  std::optional<std::string> error_;
  bool has_uri_ = false;
  bool has_upper_case_rua_ = false;
  std::size_t unsaid_warnings_ = 0;
  std::size_t dropped_uris_ = 0;
};

}  // namespace

bool is_tlsrpt_record(std::string_view text, RecordMode mode) {
  if (!text.starts_with(kVersion)) return false;
  const std::string_view rest = text.substr(kVersion.size());
  switch (mode) {
    case RecordMode::lenient:
      return trim_left(rest).starts_with(';');
    case RecordMode::strict:
      return rest.starts_with(';');
  }
  return false;
}

Result<TlsrptRecord> parse_tlsrpt_record(std::string_view text, RecordMode mode,
                                         const RecordLimits& limits) {
  if (!is_tlsrpt_record(text, mode))
    return fail(ErrorCode::malformed, "the record does not begin with \"{};\"", kVersion);
  if (text.size() > limits.max_bytes) {
    return fail(ErrorCode::limit_exceeded, "record of {} bytes, at most {}", text.size(),
                limits.max_bytes);
  }
  if (has_forbidden_byte(text))
    return fail(ErrorCode::malformed, "control character or 8-bit byte in the record");
  const std::size_t delimiter = text.find(';');
  auto record = FieldReader(mode, limits).read(text.substr(delimiter + 1));
  if (record && delimiter != kVersion.size())
    record->warnings.insert(record->warnings.begin(), "blanks between the version and ';'");
  return record;
}

Result<TlsrptRecord> select_tlsrpt_record(const std::vector<std::string>& texts, RecordMode mode,
                                          const RecordLimits& limits) {
  const std::string* only = nullptr;
  for (const std::string& text : texts) {
    if (!is_tlsrpt_record(text, mode)) continue;
    if (only != nullptr) return fail(ErrorCode::not_found, "more than one TLSRPT record");
    only = &text;
  }
  if (only == nullptr) return fail(ErrorCode::not_found, "no TLSRPT record");
  return parse_tlsrpt_record(*only, mode, limits);
}

std::string tlsrpt_name(std::string_view policy_domain) {
  return "_smtp._tls." + std::string(policy_domain);
}

}  // namespace tlsrpt
