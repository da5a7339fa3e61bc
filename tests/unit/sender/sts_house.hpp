// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// MTA-STS with everything outside replaced: a clock that stands still, a log, policy hosts that
// serve what the test says.

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/log.hpp"
#include "sender/sts_discovery.hpp"
#include "sender/sts_fetcher.hpp"

namespace tlsrpt::sender {

inline constexpr Seconds kStsStart{Day{std::chrono::year{2026} / 3 / 1}};

/// For threads.
class SteadyHand final : public Clock {
 public:
  [[nodiscard]] Seconds now() const override { return kStsStart + std::chrono::seconds{passed_}; }
  void pass(std::chrono::seconds time) { passed_ += time.count(); }

 private:
  std::atomic<std::int64_t> passed_ = 0;
};

/// For threads; without what is for debugging.
class SharedLog final : public Log {
 public:
  void write(LogLevel level, std::string_view line) override {
    if (level == LogLevel::debug) return;
    const std::lock_guard lock(mutex_);
    lines_.emplace_back(line);
  }
  [[nodiscard]] int count(std::string_view part) const {
    const std::lock_guard lock(mutex_);
    int found = 0;
    for (const std::string& line : lines_) found += line.find(part) != std::string::npos ? 1 : 0;
    return found;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

inline StsPolicy sts_policy(std::string_view mode = "enforce", std::string_view mx = "mx.example",
                            int max_age = 604800) {
  return parse_sts_policy(
             fmt::format("version: STSv1\nmode: {}\nmx: {}\nmax_age: {}\n", mode, mx, max_age))
      .value();
}

inline PolicyProblem http_404() {
  return {"sts-policy-fetch-error", "http-status-404", "HTTP status 404"};
}

inline StsRecord announced(std::string id) {
  StsRecord record;
  record.verdict = StsRecord::Verdict::announced;
  record.id = std::move(id);
  record.ttl = 300;
  return record;
}

inline StsRecord no_record(std::uint32_t ttl = 300) {
  StsRecord record;
  record.verdict = StsRecord::Verdict::none;
  record.ttl = ttl;
  record.problem = {"sts-policy-fetch-error", "no-sts-record", "there is none"};
  return record;
}

inline StsRecord dns_failed() {
  StsRecord record;
  record.problem = {"sts-policy-fetch-error", "dns-failure", "SERVFAIL"};
  return record;
}

/// Threads: any. What no answer is set for is a 404.
class FakeFetcher final : public StsFetcher {
 public:
  using Answer = tl::expected<StsPolicy, PolicyProblem>;

  void serve(const std::string& domain, Answer answer) {
    const std::lock_guard lock(mutex_);
    answers_.insert_or_assign(domain, std::move(answer));
  }
  /// Fetches hang until they are let go on.
  void hold(bool held) {
    const std::lock_guard lock(mutex_);
    held_ = held;
    changed_.notify_all();
  }
  [[nodiscard]] int fetches(const std::string& domain) const {
    const std::lock_guard lock(mutex_);
    const auto found = fetches_.find(domain);
    return found == fetches_.end() ? 0 : found->second;
  }
  Answer fetch(const std::string& domain) override {
    std::unique_lock lock(mutex_);
    ++fetches_[domain];
    changed_.wait(lock, [this] { return !held_; });
    const auto found = answers_.find(domain);
    return found == answers_.end() ? tl::unexpected(http_404()) : found->second;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Answer> answers_;
  std::map<std::string, int> fetches_;
  bool held_ = false;
};

}  // namespace tlsrpt::sender
