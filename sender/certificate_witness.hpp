// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Our own word about the certificate of an MX host, where the log of an MTA does not tell whether
// it fits the MTA-STS policy of a domain. In mode testing that is always so.

#include <optional>
#include <string>

#include "sender/evaluation.hpp"
#include "sender/observed_session.hpp"

namespace tlsrpt::sender {

/// Threads: any number at once.
class CertificateWitness {
 public:
  virtual ~CertificateWitness() = default;
  /// What is wrong by the trust store, and for its name, with the certificate of this host at this
  /// IP address; both normalised. Nothing: it could not be seen. May take the time of a session
  /// with each of those who wait for the address.
  virtual std::optional<Verification> look_at(const std::string& mx_host,
                                              const std::string& address) = 0;
};

/// Could a witness tell more than the session does? TLS came about, and of the certificate is known
/// nothing by the trust store, or only that something is wrong with it. Not where the MTA gave a
/// verdict: that holds, even if it is not known by which policy.
bool is_open_to_witness(const ObservedSession& session);

/// Is there a report to be made on an MTA-STS policy in force that names the host?
bool wants_witness(const AppliedPolicies& applied, const std::string& mx_host);

/// Adds what was seen to a session that is open to it. If the MTA found the certificate bad, and it
/// looks good from here, the MTA's word stands.
void add_witness(const Verification& seen, ObservedSession& session);

}  // namespace tlsrpt::sender
