// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Why the policy of a domain could not be had.

#include <string>

namespace tlsrpt::sender {

struct PolicyProblem {
  std::string result_type;  ///< sts-policy-fetch-error, sts-policy-invalid, sts-webpki-invalid,
                            ///< dnssec-invalid
  /// A stable token for failure-reason-code: "http-status-404", "redirect", "timeout",
  /// "X509_V_ERR_CERT_HAS_EXPIRED", "servfail"; no text of strangers (R328).
  std::string reason_code;
  std::string detail;  ///< for people; may hold text of strangers, not escaped
  bool operator==(const PolicyProblem&) const = default;
};

}  // namespace tlsrpt::sender
