// SPDX-License-Identifier: BSD-2-Clause
#include "sender/sts_policy.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "common/ascii.hpp"
#include "common/domain_name.hpp"
#include "common/utf8.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::string_view kTooLarge = "too-large";
constexpr std::size_t kMaxKey = 32;           // RFC 8461 section 3.2, sts-policy-ext-name
constexpr std::size_t kMaxMaxAgeDigits = 10;  // the same, sts-policy-max-age

tl::unexpected<PolicyProblem> invalid(std::string_view reason_code, std::string detail) {
  return tl::unexpected<PolicyProblem>(
      PolicyProblem{"sts-policy-invalid", std::string(reason_code), std::move(detail)});
}

/// A stranger's text within a detail, of bounded length.
std::string_view shown(std::string_view text) { return cut_utf8(text, 100); }

/// The names of the grammars for extensions, which those of known fields follow as well.
bool is_key(std::string_view key) {
  const auto is_plain = [](char c) {
    return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
  };
  const auto may_follow = [&](char c) { return is_plain(c) || c == '_' || c == '-' || c == '.'; };
  return !key.empty() && key.size() <= kMaxKey && is_plain(key.front()) &&
         std::all_of(key.begin(), key.end(), may_follow);
}

bool has_controls(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

std::optional<StsMode> mode_of(std::string_view word) {
  for (const StsMode mode : {StsMode::enforce, StsMode::testing, StsMode::none}) {
    if (word == to_word(mode)) return mode;
  }
  return std::nullopt;
}

/// A larger number than the greatest allowed means that one (RFC 8461, erratum 7282; R268).
std::optional<std::chrono::seconds> max_age_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.size() > kMaxMaxAgeDigits || error != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return std::min(std::chrono::seconds{number}, kMaxStsAge);
}

/// Patterns are A-labels (RFC 8461 section 3.2); a final dot is forgiven.
std::optional<std::string> mx_of(std::string_view text) {
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (!std::all_of(text.begin(), text.end(), is_ascii)) return std::nullopt;
  auto pattern = normalize_mx_pattern(text);
  if (!pattern) return std::nullopt;
  return std::move(*pattern);
}

class PolicyReader {
 public:
  explicit PolicyReader(const StsLimits& limits) : limits_(limits) {}

  tl::expected<void, PolicyProblem> take_line(std::string_view line) {
    if (trimmed(line).empty()) return {};
    if (policy_.lines.size() == limits_.max_lines)
      return invalid(kTooLarge, fmt::format("more than {} lines", limits_.max_lines));
    policy_.lines.emplace_back(line);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_key(line.substr(0, colon)) || has_controls(line))
      return invalid("bad-line", fmt::format("no key and value: {}", shown(line)));
    return take_field(line.substr(0, colon), trimmed(line.substr(colon + 1)));
  }

  tl::expected<StsPolicy, PolicyProblem> finish() {
    if (!has_version_) return invalid("missing-version", "there is no version");
    if (!has_mode_) return invalid("missing-mode", "there is no mode");
    if (!has_max_age_) return invalid("missing-max-age", "there is no max_age");
    if (policy_.mx.empty() && policy_.mode != StsMode::none)  // R269
      return invalid("missing-mx", "there is no mx");
    return std::move(policy_);
  }

 private:
  tl::expected<void, PolicyProblem> take_field(std::string_view key, std::string_view value) {
    if (key == "mx") return take_mx(value);
    if (key == "version") return take_version(value);
    if (key == "mode") return take_mode(value);
    if (key == "max_age") return take_max_age(value);
    return {};  // R267
  }

  tl::expected<void, PolicyProblem> take_mx(std::string_view value) {
    if (policy_.mx.size() == limits_.max_mx)
      return invalid(kTooLarge, fmt::format("more than {} mx", limits_.max_mx));
    auto pattern = mx_of(value);
    if (!pattern) return invalid("bad-mx", fmt::format("mx: {}", shown(value)));
    policy_.mx.push_back(std::move(*pattern));
    return {};
  }

  tl::expected<void, PolicyProblem> take_version(std::string_view value) {
    if (has_version_) return {};
    if (value != "STSv1") return invalid("bad-version", fmt::format("version: {}", shown(value)));
    has_version_ = true;
    return {};
  }

  tl::expected<void, PolicyProblem> take_mode(std::string_view value) {
    if (has_mode_) return {};
    const auto mode = mode_of(value);
    if (!mode) return invalid("bad-mode", fmt::format("mode: {}", shown(value)));
    policy_.mode = *mode;
    has_mode_ = true;
    return {};
  }

  tl::expected<void, PolicyProblem> take_max_age(std::string_view value) {
    if (has_max_age_) return {};
    const auto max_age = max_age_of(value);
    if (!max_age) return invalid("bad-max-age", fmt::format("max_age: {}", shown(value)));
    policy_.max_age = *max_age;
    has_max_age_ = true;
    return {};
  }

  const StsLimits& limits_;
  StsPolicy policy_;
  bool has_version_ = false;
  bool has_mode_ = false;
  bool has_max_age_ = false;
};

/// Takes the text up to the separator away, and the separator.
std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return taken;
}

constexpr std::string_view kRecordVersion = "v=STSv1;";

bool is_sts_id(std::string_view id) {
  const auto is_alphanumeric = [](char c) {
    return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
  };
  return !id.empty() && id.size() <= 32 && std::all_of(id.begin(), id.end(), is_alphanumeric);
}

/// sts-ext-value of RFC 8461 section 3.1.
bool is_extension_value(std::string_view value) {
  return !value.empty() && std::all_of(value.begin(), value.end(),
                                       [](char c) { return c > ' ' && c <= '~' && c != '='; });
}

/// Of the fields behind the version; repeated ids: the first counts.
Result<std::string> id_of_record(std::string_view record) {
  std::string id;
  std::string_view rest = record.substr(kRecordVersion.size());
  while (!trimmed(rest).empty()) {
    std::string_view value = trimmed(take_until(rest, ';'));
    const std::string_view name = take_until(value, '=');
    const bool is_id = name == "id";
    if (!is_key(name) || !(is_id ? is_sts_id(value) : is_extension_value(value)))
      return fail(ErrorCode::malformed, "the MTA-STS record has a field that is none: {}",
                  shown(record));
    if (is_id && id.empty()) id = value;
  }
  if (id.empty()) return fail(ErrorCode::malformed, "the MTA-STS record has no id");
  return id;
}

}  // namespace

std::string_view to_word(StsMode mode) {
  switch (mode) {
    case StsMode::enforce:
      return "enforce";
    case StsMode::testing:
      return "testing";
    case StsMode::none:
      return "none";
  }
  return "";
}

tl::expected<StsPolicy, PolicyProblem> read_sts_policy(std::string_view body,
                                                       const StsLimits& limits) {
  if (body.size() > limits.max_bytes)
    return invalid(kTooLarge, fmt::format("more than {} octets", limits.max_bytes));
  if (!is_valid_utf8(body)) return invalid("not-utf8", "the policy is not UTF-8");
  PolicyReader reader(limits);
  while (!body.empty()) {
    std::string_view line = take_until(body, '\n');
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (auto taken = reader.take_line(line); !taken) return tl::unexpected(taken.error());
  }
  return reader.finish();
}

Result<StsPolicy> parse_sts_policy(std::string_view body, const StsLimits& limits) {
  auto policy = read_sts_policy(body, limits);
  if (policy) return std::move(*policy);
  const bool too_large = policy.error().reason_code == kTooLarge;
  return fail(too_large ? ErrorCode::limit_exceeded : ErrorCode::malformed, "{}",
              policy.error().detail);
}

Result<StsPolicy> parse_sts_policy(const std::vector<std::string>& lines) {
  return parse_sts_policy(fmt::format("{}\n", fmt::join(lines, "\n")));
}

Result<std::string> select_sts_id(const std::vector<std::string>& texts) {
  const std::string* record = nullptr;
  for (const std::string& text : texts) {
    if (!text.starts_with(kRecordVersion)) continue;
    if (record != nullptr) return fail(ErrorCode::not_found, "there are several MTA-STS records");
    record = &text;
  }
  if (record == nullptr) return fail(ErrorCode::not_found, "there is no MTA-STS record");
  return id_of_record(*record);
}

bool matches_mx(const StsPolicy& policy, std::string_view host) {
  const std::size_t dot = host.find('.');
  const std::string_view parent =
      dot == std::string_view::npos || dot == 0 ? std::string_view() : host.substr(dot);
  return std::any_of(policy.mx.begin(), policy.mx.end(), [&](const std::string& pattern) {
    if (!pattern.starts_with("*.")) return pattern == host;
    return !parent.empty() && std::string_view(pattern).substr(1) == parent;
  });
}

Policy report_policy(const StsPolicy& policy, std::string_view domain) {
  return {"sts", policy.lines, std::string(domain), policy.mx};
}

std::string sts_record_name(std::string_view domain) { return fmt::format("_mta-sts.{}", domain); }

std::string sts_host(std::string_view domain) { return fmt::format("mta-sts.{}", domain); }

}  // namespace tlsrpt::sender
