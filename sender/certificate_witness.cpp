// SPDX-License-Identifier: BSD-2-Clause
#include "sender/certificate_witness.hpp"

#include <openssl/x509_vfy.h>

#include <algorithm>

namespace tlsrpt::sender {

bool is_open_to_witness(const ObservedSession& session) {
  const std::vector<int>& errors = session.pkix.errors;
  const bool unexplained = std::all_of(errors.begin(), errors.end(),
                                       [](int error) { return error == X509_V_ERR_UNSPECIFIED; });
  return session.starttls == StarttlsState::established && !session.demanded_only &&
         !session.pkix.complete && unexplained && !session.mx_host.empty() &&
         !session.receiving_ip.empty();
}

bool wants_witness(const AppliedPolicies& applied, const std::string& mx_host) {
  const std::optional<StsPolicy>& policy = applied.sts.policy;
  return !applied.tlsrpt_record.empty() && policy && policy->mode != StsMode::none &&
         matches_mx(*policy, mx_host);
}

void add_witness(const Verification& seen, ObservedSession& session) {
  if (session.pkix.errors.empty() || !seen.errors.empty()) session.pkix = seen;
}

}  // namespace tlsrpt::sender
