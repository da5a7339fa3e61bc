// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The PolicyFinder that asks DNS and the policy hosts, and remembers what they say.

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "common/clock.hpp"
#include "common/dns.hpp"
#include "common/log.hpp"
#include "sender/policy_finder.hpp"
#include "sender/remembered.hpp"

namespace tlsrpt::sender {

struct LiveFinderSettings {
  std::set<std::string> dane_only;              ///< normalised domains
  Precedence precedence = Precedence::unknown;  ///< of the MTA
  std::chrono::milliseconds patience{60000};    ///< for a policy host
  std::size_t max_remembered = 50000;           ///< domains, and hosts
};

class LivePolicyFinder final : public PolicyFinder {
 public:
  /// All of them must outlive it.
  LivePolicyFinder(LiveFinderSettings settings, Dns& dns, StsPolicies& sts, const Clock& clock,
                   Log& log);

  Result<AppliedPolicies> find(const std::string& domain, const std::string& mx_host) override;
  /// Warns in the log if the resolver does not validate (R293); find() does so, too, now and then.
  void check_resolver() { resolver_validates(); }

 private:
  Result<std::string> record_of(const std::string& domain);
  Remembered<Result<std::string>>::Found look_up_record(const std::string& domain);
  DanePolicy dane_of(const std::string& mx_host);
  bool resolver_validates();

  LiveFinderSettings settings_;
  Dns& dns_;
  StsPolicies& sts_;
  const Clock& clock_;
  Log& log_;
  Remembered<Result<std::string>> records_;
  Remembered<DanePolicy> dane_;
  std::mutex mutex_;  ///< of what follows
  bool validates_ = false;
  Seconds ask_again_{};
};

}  // namespace tlsrpt::sender
