// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What a datagram says, member by member, before anything in it is judged or normalised.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sender/outcome.hpp"

namespace tlsrpt::sender {

/// An absent member, null and a member of a type that it cannot have all read as nothing here.
struct RawDetail {
  std::optional<std::int64_t> c;
  std::string s, n, h, r, a, f;
};

struct RawPolicy {
  std::optional<std::int64_t> policy_type;
  std::optional<std::int64_t> f;
  std::string policy_domain;
  std::vector<std::string> policy_string;
  std::vector<std::string> mx_host;
  std::vector<RawDetail> failure_details;
  std::string wrong_member;  ///< a member that tells which policy this is has the wrong type
};

struct RawOutcome {
  std::string d;
  std::string pr;
  std::vector<RawPolicy> policies;
  bool known_version = true;
  bool too_many_policies = false;
  std::string wrong_member;
};

struct ScanResult {
  RawOutcome outcome;
  std::optional<BadOutcome> bad;  ///< not_json or wrong_type: nothing of the datagram can be used
  std::string detail;
};

/// Reads the JSON of one datagram without building a document. Of a repeated member the last one
/// counts; unknown members are skipped; nesting and lists are bounded by the limits. What
/// JsonScanner puts right is taken as it is then; invalid UTF-8 is read as U+FFFD.
ScanResult scan_outcome(std::string_view datagram, const OutcomeLimits& limits);

}  // namespace tlsrpt::sender
