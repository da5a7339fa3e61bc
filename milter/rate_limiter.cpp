// SPDX-License-Identifier: BSD-2-Clause
#include "milter/rate_limiter.hpp"

#include <algorithm>
#include <cmath>

namespace tlsrpt::milter {

using namespace std::chrono_literals;

void RateLimiter::fill(Bucket& bucket, Seconds now) const {
  const auto elapsed = static_cast<double>(std::max(0s, now - bucket.filled).count());
  const double full = per_minute_;
  bucket.tokens = std::min(full, bucket.tokens + elapsed * full / 60);
  bucket.filled = now;
}

void RateLimiter::forget_full(Seconds now) {
  // Looking through all of them at every request would be what a flood wants.
  if (cleaned_ == now) return;
  cleaned_ = now;
  for (auto entry = buckets_.begin(); entry != buckets_.end();) {
    fill(entry->second, now);
    entry = entry->second.tokens >= per_minute_ ? buckets_.erase(entry) : std::next(entry);
  }
}

RateLimiter::Bucket& RateLimiter::bucket_of(const std::string& source, Seconds now) {
  if (const auto found = buckets_.find(source); found != buckets_.end()) return found->second;
  if (buckets_.size() >= max_sources_) forget_full(now);
  if (buckets_.size() >= max_sources_) return shared_;
  return buckets_.emplace(source, Bucket{static_cast<double>(per_minute_), now}).first->second;
}

std::chrono::seconds RateLimiter::take(const std::string& source, Seconds now) {
  if (per_minute_ == 0) return 0s;
  const std::lock_guard lock(mutex_);
  Bucket& bucket = bucket_of(source, now);
  fill(bucket, now);
  if (bucket.tokens >= 1) {
    bucket.tokens -= 1;
    return 0s;
  }
  const double wait = std::ceil((1 - bucket.tokens) * 60 / per_minute_);
  return std::chrono::seconds(std::max<std::int64_t>(1, static_cast<std::int64_t>(wait)));
}

std::size_t RateLimiter::sources() const {
  const std::lock_guard lock(mutex_);
  return buckets_.size();
}

}  // namespace tlsrpt::milter
