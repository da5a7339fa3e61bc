// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Is this envelope recipient one of our report mailboxes? (RCV-01, receiving.md 5.16)

#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"

namespace tlsrpt::milter {

/// The addresses of ReportAddress. Local parts are compared without case, as mailbox owners expect.
class ReportAddresses {
 public:
  /// Each address as local@domain, angle brackets allowed. The error names the first bad one.
  static Result<ReportAddresses> parse(const std::vector<std::string>& addresses);

  /// 'recipient' as RCPT TO has it: "<tls@example.org>", "<tls+x@example.org>",
  /// "<\"tls\"@example.org>", with a source route, or without brackets. Anything that is no address
  /// is none of ours.
  [[nodiscard]] bool contain(std::string_view recipient) const;

  [[nodiscard]] bool empty() const { return addresses_.empty(); }

 private:
  struct Address {
    std::string local;   ///< unquoted, ASCII in lower case
    std::string domain;  ///< normalised
  };
  static Result<Address> split(std::string_view text);
  std::vector<Address> addresses_;
};

}  // namespace tlsrpt::milter
