// SPDX-License-Identifier: BSD-2-Clause
#include "sender/outcome_scan.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/utf8.hpp"

namespace tlsrpt::sender {

namespace {

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// Takes the parser's events and keeps the members that datagrams have. The position in the
/// document is the stack of open containers; what is below an unknown member is only counted.
class Builder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Builder(const OutcomeLimits& limits) : limits_(limits) {}

  bool null() override { return true; }
  bool boolean(bool) override { return wrong_type(); }
  bool number_float(number_float_t, const string_t&) override { return wrong_type(); }
  bool binary(binary_t&) override { return wrong_type(); }

  bool number_integer(number_integer_t value) override { return number(value); }

  bool number_unsigned(number_unsigned_t value) override {
    constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
    return number(value > number_unsigned_t{kMax} ? kMax : static_cast<std::int64_t>(value));
  }

  bool string(string_t& value) override {
    switch (place()) {
      case Place::outcome:
        if (key_ == "dpv") {
          result.outcome.known_version = value == "1";
        } else if (key_ == "d") {
          result.outcome.d = std::move(value);
        } else if (key_ == "pr") {
          result.outcome.pr = std::move(value);
        } else {
          return wrong_type();
        }
        break;
      case Place::policy:
        if (key_ == "policy-domain") {
          policy().policy_domain = std::move(value);
        } else if (auto* const list = string_list()) {
          *list = {std::move(value)};  // a list of one, written without brackets
        } else {
          return wrong_type();
        }
        break;
      case Place::strings:
        if (strings_->size() < limits_.max_strings) strings_->push_back(std::move(value));
        break;
      case Place::detail:
        if (std::string* const text = detail_text()) *text = std::move(value);
        break;
      case Place::root:
      case Place::policies:
      case Place::details:
        return wrong_type();
      case Place::skipped:
        break;
    }
    return true;
  }

  bool start_object(std::size_t) override {
    switch (place()) {
      case Place::root:
        return open(Place::outcome);
      case Place::policies:
        if (result.outcome.policies.size() >= limits_.max_policies) {
          result.outcome.too_many_policies = true;
          return open(Place::skipped);
        }
        result.outcome.policies.emplace_back();
        return open(Place::policy);
      case Place::details:
        if (policy().failure_details.size() >= limits_.max_failure_details) {
          return open(Place::skipped);
        }
        policy().failure_details.emplace_back();
        return open(Place::detail);
      case Place::outcome:
      case Place::policy:
      case Place::strings:
      case Place::detail:
      case Place::skipped:
        break;
    }
    wrong_type();
    return open(Place::skipped);
  }

  bool start_array(std::size_t) override {
    if (place() == Place::outcome && key_ == "policies") {
      result.outcome.policies.clear();
      return open(Place::policies);
    }
    if (place() == Place::policy && key_ == "failure-details") {
      policy().failure_details.clear();
      return open(Place::details);
    }
    if (place() == Place::policy) {
      strings_ = string_list();
      if (strings_ != nullptr) {
        strings_->clear();
        return open(Place::strings);
      }
    }
    wrong_type();
    return open(Place::skipped);
  }

  bool key(string_t& name) override {
    key_ = std::move(name);
    return true;
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    result.bad = BadOutcome::not_json;
    result.detail = fmt::format("not JSON at byte {}", position);
    return false;
  }

  ScanResult result;

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
  RawPolicy& policy() { return result.outcome.policies.back(); }

  bool open(Place inner) {
    if (open_.size() >= limits_.max_depth) {
      result.bad = BadOutcome::wrong_type;
      result.detail = fmt::format("nested deeper than {}", limits_.max_depth);
      return false;
    }
    open_.push_back(inner);
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
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

  bool number(std::int64_t value) {
    if (place() == Place::outcome && key_ == "dpv") {
      result.outcome.known_version = value == 1;
    } else if (place() == Place::policy && key_ == "policy-type") {
      policy().policy_type = value;
    } else if (place() == Place::policy && key_ == "f") {
      policy().f = value;
    } else if (place() == Place::detail && key_ == "c") {
      policy().failure_details.back().c = value;
    } else {
      return wrong_type();
    }
    return true;
  }

  /// A value where another type belongs. It costs as little as it can: the datagram if it says
  /// whose outcome this is, the policy if it says which policy this is, else itself.
  bool wrong_type() {
    RawOutcome& outcome = result.outcome;
    switch (place()) {
      case Place::root:
        outcome.wrong_member = "(the whole)";
        break;
      case Place::outcome:
        if (key_ == "dpv") outcome.known_version = false;
        if (key_ == "d" || key_ == "policies") outcome.wrong_member = key_;
        break;
      case Place::policies:
        if (outcome.policies.size() < limits_.max_policies) {
          outcome.policies.emplace_back();
          policy().wrong_member = "policies";
        } else {
          outcome.too_many_policies = true;
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
    return true;
  }

  const OutcomeLimits& limits_;
  std::vector<Place> open_;
  std::string key_;
  std::vector<std::string>* strings_ = nullptr;  ///< the list that is open
};

}  // namespace

ScanResult scan_outcome(std::string_view datagram, const OutcomeLimits& limits) {
  std::string repaired;
  if (!is_ascii(datagram)) {
    repaired = to_valid_utf8(datagram);
    datagram = repaired;
  }
  Builder builder(limits);
  // The parser takes a NUL for the end of its input; here it is a byte like any other.
  if (datagram.find('\0') != std::string_view::npos) {
    builder.result.bad = BadOutcome::not_json;
    builder.result.detail = "a NUL byte";
    return std::move(builder.result);
  }
  const bool whole = nlohmann::json::sax_parse(datagram.begin(), datagram.end(), &builder);
  ScanResult result = std::move(builder.result);
  if (whole && !result.outcome.wrong_member.empty()) {
    result.bad = BadOutcome::wrong_type;
    result.detail = "wrong type: " + result.outcome.wrong_member;
  }
  return result;
}

}  // namespace tlsrpt::sender
