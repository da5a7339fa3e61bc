// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Is this envelope recipient one of our report mailboxes? (RCV-01, receiving.md 5.16)

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"

namespace tlsrpt::milter {

/// The addresses of ReportAddress. Local parts are compared without case, as mailbox owners expect.
/// However many there are, a recipient costs some look-ups only.
class ReportAddresses {
 public:
  /// Each address as local@domain, angle brackets allowed; or "*" for reports to any address, known
  /// by their header. The error names the first bad one.
  static Result<ReportAddresses> parse(const std::vector<std::string>& addresses);

  /// 'recipient' as RCPT TO has it: "<tls@example.org>", "<tls+x@example.org>",
  /// "<\"tls\"@example.org>", with a source route, or without brackets. Anything that is no address
  /// is none of ours.
  [[nodiscard]] bool contain(std::string_view recipient) const;

  /// "*" is one of them.
  [[nodiscard]] bool by_header() const { return by_header_; }

 private:
  using Locals = std::set<std::string, std::less<>>;    ///< unquoted, ASCII in lower case
  std::map<std::string, Locals, std::less<>> domains_;  ///< normalised
  bool by_header_ = false;
};

}  // namespace tlsrpt::milter
