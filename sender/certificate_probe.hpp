// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The CertificateWitness that has TLS sessions of its own with MX hosts: few, and without mail.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "common/clock.hpp"
#include "common/log.hpp"
#include "sender/certificate_witness.hpp"
#include "sender/remembered.hpp"
#include "sender/starttls_probe.hpp"

namespace tlsrpt::sender {

struct CertificateProbeSettings {
  std::chrono::seconds keep_seen{std::chrono::hours(6)};
  std::chrono::seconds keep_unseen{std::chrono::minutes(30)};  ///< then it is tried again
  std::size_t max_remembered = 50000;  ///< hosts with their addresses, and silent addresses
};

/// The logger and the clock must outlive the probe. The functions are called by any thread.
struct CertificateProbeParts {
  /// Has one session; its patience is up to it.
  std::function<ProbeResult(const ProbeTarget& target)> probe;
  std::function<void()> count;  ///< called for each session
  const Clock& clock;
  Log& log;
};

/// With one address there is one session at a time. An address that does not answer is left alone
/// for a while, whatever hosts it has, as it would take all the time of those who wait.
class CertificateProbe final : public CertificateWitness {
 public:
  CertificateProbe(CertificateProbeSettings settings, CertificateProbeParts parts);

  std::optional<Verification> look_at(const std::string& mx_host,
                                      const std::string& address) override;

 private:
  using Seen = Remembered<std::optional<Verification>>;

  Seen::Found look_up(const std::string& mx_host, const std::string& address);
  void log_result(const ProbeResult& result);
  bool begin(const std::string& address);
  void end(const std::string& address, bool silent);

  const CertificateProbeSettings settings_;
  const CertificateProbeParts parts_;
  Seen seen_;
  std::mutex mutex_;  ///< of what follows
  std::condition_variable ended_;
  std::unordered_set<std::string> busy_;
  std::unordered_map<std::string, Seconds> silent_;  ///< addresses, and until when
};

}  // namespace tlsrpt::sender
