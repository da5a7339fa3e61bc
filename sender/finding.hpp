// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What a check at start found.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tlsrpt::sender {

struct Finding {
  enum class Severity : std::uint8_t {
    problem,  ///< as things stand, no report will be counted, built, accepted or read
    warning,  ///< something will not work as it should, or it cannot be told
  };
  Severity severity = Severity::problem;
  /// What is wrong, with what, and what to do: one sentence without full stop, for a terminal or a
  /// log. May hold text of a DNS or mail server, not escaped.
  std::string text;
  bool operator==(const Finding&) const = default;
};
using Findings = std::vector<Finding>;

inline Finding problem(std::string text) { return {Finding::Severity::problem, std::move(text)}; }
inline Finding warning(std::string text) { return {Finding::Severity::warning, std::move(text)}; }

}  // namespace tlsrpt::sender
