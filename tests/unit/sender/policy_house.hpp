// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Policies that a test sets, and that count how often they were asked.

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>

#include "common/utc_time.hpp"
#include "sender/sts_policies.hpp"

namespace tlsrpt::sender {

class FakeStsPolicies final : public StsPolicies {
 public:
  StsStanding find(const std::string& domain, std::chrono::milliseconds patience) override {
    std::unique_lock lock(mutex_);
    ++asked_;
    if (held_ == domain && patience.count() > 0) {
      changed_.wait(lock, [&] { return held_ != domain; });
    }
    const auto found = standings_.find(domain);
    return found == standings_.end() ? StsStanding{} : found->second;
  }
  void set(const std::string& domain, StsStanding standing) {
    const std::lock_guard lock(mutex_);
    standings_[domain] = std::move(standing);
  }
  /// Whoever asks for this domain waits until it is another one.
  void hold(const std::string& domain) {
    const std::lock_guard lock(mutex_);
    held_ = domain;
    changed_.notify_all();
  }
  int asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, StsStanding> standings_;
  std::string held_;
  int asked_ = 0;
};

inline StsStanding enforced_standing(const std::string& domain) {
  StsStanding standing;
  standing.policy =
      StsPolicy{StsMode::enforce,
                std::chrono::seconds(86400),
                {"mx." + domain},
                {"version: STSv1", "mode: enforce", "mx: mx." + domain, "max_age: 86400"}};
  standing.expires_at = Seconds{Day{std::chrono::year{9999} / 1 / 1}};
  return standing;
}

}  // namespace tlsrpt::sender
