// SPDX-License-Identifier: BSD-2-Clause
#include "sender/outcome_scan.hpp"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <utility>

#include "common/json_scanner.hpp"

namespace tlsrpt::sender {

namespace {

using Token = JsonScanner::Token;

template <typename Number>
std::optional<Number> parse_whole(std::string_view text) {
  Number value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

/// A whole number; nothing if it is none. What has no place is cut.
std::optional<std::int64_t> parse_integer(std::string_view text) {
  if (const auto value = parse_whole<std::int64_t>(text)) return value;
  if (!parse_whole<std::uint64_t>(text)) return std::nullopt;
  return std::numeric_limits<std::int64_t>::max();
}

/// Takes the tokens and keeps the members that datagrams have. The position in the document is the
/// stack of open containers; what is below an unknown member is only counted.
class Builder {
 public:
  Builder(std::string_view datagram, const OutcomeLimits& limits)
      : datagram_(datagram), scanner_(datagram), limits_(limits) {}

  ScanResult build() {
    while (take(scanner_.next())) {
    }
    return std::move(result_);
  }

 private:
  enum class Place : std::uint8_t {
    root,
    outcome,
    policies,
    policy,
    strings,
    details,
    detail,
    skipped
  };

  [[nodiscard]] Place place() const { return open_.empty() ? Place::root : open_.back(); }
  RawOutcome& outcome() { return result_.outcome; }
  RawPolicy& policy() { return outcome().policies.back(); }

  /// False: nothing more is to be read.
  bool take(Token token) {
    switch (token) {
      case Token::begin_object:
        return open(start_object());
      case Token::begin_array:
        return open(start_array());
      case Token::end_object:
      case Token::end_array:
        open_.pop_back();
        return true;
      case Token::name:
        key_ = scanner_.value();
        return true;
      case Token::text:
        take_text(scanner_.value());
        return true;
      case Token::number:
        take_number(scanner_.value());
        return true;
      case Token::boolean:
        wrong_type();
        return true;
      case Token::null:
        return true;
      case Token::end:
        finish();
        return false;
      case Token::malformed:
        break;
    }
    not_json();
    return false;
  }

  void not_json() {
    result_.bad = BadOutcome::not_json;
    result_.detail = fmt::format("not JSON at byte {}", scanner_.position());
  }

  /// Behind the value.
  void finish() {
    const std::string_view rest = datagram_.substr(scanner_.position());
    if (rest.find_first_not_of(" \t\r\n") != std::string_view::npos) return not_json();
    if (outcome().wrong_member.empty()) return;
    result_.bad = BadOutcome::wrong_type;
    result_.detail = "wrong type: " + outcome().wrong_member;
  }

  bool open(Place inner) {
    if (open_.size() >= limits_.max_depth) {
      result_.bad = BadOutcome::wrong_type;
      result_.detail = fmt::format("nested deeper than {}", limits_.max_depth);
      return false;
    }
    open_.push_back(inner);
    return true;
  }

  Place start_object() {
    switch (place()) {
      case Place::root:
        return Place::outcome;
      case Place::policies:
        if (outcome().policies.size() >= limits_.max_policies) {
          outcome().too_many_policies = true;
          return Place::skipped;
        }
        outcome().policies.emplace_back();
        return Place::policy;
      case Place::details:
        if (policy().failure_details.size() >= limits_.max_failure_details) return Place::skipped;
        policy().failure_details.emplace_back();
        return Place::detail;
      case Place::outcome:
      case Place::policy:
      case Place::strings:
      case Place::detail:
      case Place::skipped:
        break;
    }
    wrong_type();
    return Place::skipped;
  }

  Place start_array() {
    if (place() == Place::outcome && key_ == "policies") {
      outcome().policies.clear();
      return Place::policies;
    }
    if (place() == Place::policy && key_ == "failure-details") {
      policy().failure_details.clear();
      return Place::details;
    }
    if (place() == Place::policy) {
      strings_ = string_list();
      if (strings_ != nullptr) {
        strings_->clear();
        return Place::strings;
      }
    }
    wrong_type();
    return Place::skipped;
  }

  void take_text(std::string_view value) {
    switch (place()) {
      case Place::outcome:
        if (key_ == "dpv") {
          outcome().known_version = value == "1";
        } else if (key_ == "d") {
          outcome().d = value;
        } else if (key_ == "pr") {
          outcome().pr = value;
        } else {
          wrong_type();
        }
        break;
      case Place::policy:
        if (key_ == "policy-domain") {
          policy().policy_domain = value;
        } else if (auto* const list = string_list()) {
          list->assign(1, std::string(value));  // a list of one, written without brackets
        } else {
          wrong_type();
        }
        break;
      case Place::strings:
        if (strings_->size() < limits_.max_strings) strings_->emplace_back(value);
        break;
      case Place::detail:
        if (std::string* const text = detail_text()) *text = value;
        break;
      case Place::root:
      case Place::policies:
      case Place::details:
        wrong_type();
        break;
      case Place::skipped:
        break;
    }
  }

  void take_number(std::string_view text) {
    const auto value = parse_integer(text);
    if (value && place() == Place::outcome && key_ == "dpv") {
      outcome().known_version = *value == 1;
    } else if (value && place() == Place::policy && key_ == "policy-type") {
      policy().policy_type = value;
    } else if (value && place() == Place::policy && key_ == "f") {
      policy().f = value;
    } else if (value && place() == Place::detail && key_ == "c") {
      policy().failure_details.back().c = value;
    } else {
      wrong_type();
    }
  }

  std::vector<std::string>* string_list() {
    if (key_ == "policy-string") return &policy().policy_string;
    if (key_ == "mx-host") return &policy().mx_host;
    return nullptr;
  }

  std::string* detail_text() {
    RawDetail& detail = policy().failure_details.back();
    if (key_ == "s") return &detail.s;
    if (key_ == "n") return &detail.n;
    if (key_ == "h") return &detail.h;
    if (key_ == "r") return &detail.r;
    if (key_ == "a") return &detail.a;
    if (key_ == "f") return &detail.f;
    return nullptr;
  }

  /// A value where another type belongs. It costs as little as it can: the datagram if it says
  /// whose outcome this is, the policy if it says which policy this is, else itself.
  void wrong_type() {
    switch (place()) {
      case Place::root:
        outcome().wrong_member = "(the whole)";
        break;
      case Place::outcome:
        if (key_ == "dpv") outcome().known_version = false;
        if (key_ == "d" || key_ == "policies") outcome().wrong_member = key_;
        break;
      case Place::policies:
        if (outcome().policies.size() < limits_.max_policies) {
          outcome().policies.emplace_back();
          policy().wrong_member = "policies";
        } else {
          outcome().too_many_policies = true;
        }
        break;
      case Place::policy:
        if (key_ == "policy-domain" || key_ == "policy-type" || string_list() != nullptr) {
          policy().wrong_member = key_;
        }
        break;
      case Place::strings:
        policy().wrong_member = strings_ == &policy().mx_host ? "mx-host" : "policy-string";
        break;
      case Place::details:
      case Place::detail:
      case Place::skipped:
        break;
    }
  }

  std::string_view datagram_;
  JsonScanner scanner_;
  const OutcomeLimits& limits_;
  ScanResult result_;
  std::vector<Place> open_;
  std::string key_;                              ///< the member whose value comes
  std::vector<std::string>* strings_ = nullptr;  ///< the list that is open
};

}  // namespace

ScanResult scan_outcome(std::string_view datagram, const OutcomeLimits& limits) {
  // In a string, too: whoever reads on would take it for the end.
  if (datagram.find('\0') != std::string_view::npos) {
    ScanResult result;
    result.bad = BadOutcome::not_json;
    result.detail = "a NUL byte";
    return result;
  }
  return Builder(datagram, limits).build();
}

}  // namespace tlsrpt::sender
