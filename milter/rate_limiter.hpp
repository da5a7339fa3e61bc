// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// How often may one source do something? A bucket of tokens for each source, in bounded memory.

#include <chrono>
#include <mutex>
#include <string>
#include <unordered_map>

#include "common/utc_time.hpp"

namespace tlsrpt::milter {

/// Threads: any. A clock that is set back costs nobody tokens.
class RateLimiter {
 public:
  /// per_minute: also what may come at once; 0: no limit. max_sources: how many are told apart;
  /// while that many are short of tokens, newcomers share one bucket.
  explicit RateLimiter(unsigned per_minute, std::size_t max_sources = 20'000)
      : per_minute_(per_minute), max_sources_(max_sources) {}

  /// 0 s: go on. Else: how long until it may be tried again.
  std::chrono::seconds take(const std::string& source, Seconds now);

  [[nodiscard]] std::size_t sources() const;

 private:
  struct Bucket {
    double tokens = 0;
    Seconds filled{};
  };
  void fill(Bucket& bucket, Seconds now) const;
  Bucket& bucket_of(const std::string& source, Seconds now);
  void forget_full(Seconds now);

  unsigned per_minute_;
  std::size_t max_sources_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_;
  Bucket shared_;
  Seconds cleaned_{};
};

}  // namespace tlsrpt::milter
