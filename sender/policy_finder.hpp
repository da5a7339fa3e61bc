// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The policies that apply to a session with one MX of a domain, and whether the domain wants to
// hear about it; each remembered for as long as DNS allows.

#include <string>

#include "sender/evaluation.hpp"

namespace tlsrpt::sender {

/// Threads: any number at once.
class PolicyFinder {
 public:
  virtual ~PolicyFinder() = default;
  /// Both normalised; mx_host empty: not known, then without DANE. Error temporary: DNS failed for
  /// the TLSRPT record, so that nothing can be said yet.
  virtual Result<AppliedPolicies> find(const std::string& domain, const std::string& mx_host) = 0;
};

}  // namespace tlsrpt::sender
