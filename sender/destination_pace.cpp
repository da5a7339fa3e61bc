// SPDX-License-Identifier: BSD-2-Clause
#include "sender/destination_pace.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kForgetAt = 1024;
constexpr double kBurstSeconds = 10;   // what may go at once after a pause
constexpr double kBusyDistance = 0.1;  // between those who wait for a connection
constexpr double kLongest = 86400;

double to_number(Seconds time) { return static_cast<double>(time.time_since_epoch().count()); }

}  // namespace

double DestinationPace::burst() const {
  return std::max(1.0, limits_.per_minute / 60.0 * kBurstSeconds);
}

void DestinationPace::fill(Host& host, Seconds now) const {
  if (now <= host.filled) {
    host.filled = now;  // a clock that was set back must not stop the host for that long
    return;
  }
  const auto passed = static_cast<double>((now - host.filled).count());
  host.tokens = std::min(burst(), host.tokens + passed * limits_.per_minute / 60.0);
  host.filled = now;
}

Seconds DestinationPace::begin(const std::string& name, Seconds now) {
  if (hosts_.size() >= forget_at_) forget_idle(now);
  const auto [place, is_new] = hosts_.try_emplace(name);
  Host& host = place->second;
  if (is_new) host = {0, burst(), now, 0};
  fill(host, now);
  const bool unlimited = limits_.per_minute == 0;
  if (host.running >= limits_.connections || (!unlimited && host.tokens < 1)) {
    return put_off(host, now);
  }
  if (!unlimited) host.tokens -= 1;
  ++host.running;
  return now;
}

/// One behind the other, as fast as they may go later.
Seconds DestinationPace::put_off(Host& host, Seconds now) const {
  const double distance =
      limits_.per_minute == 0 ? kBusyDistance : std::max(kBusyDistance, 60.0 / limits_.per_minute);
  host.turn = std::min(std::max(host.turn, to_number(now)) + distance, to_number(now) + kLongest);
  const auto wait = std::chrono::seconds(std::llround(std::ceil(host.turn - to_number(now))));
  return now + std::max(wait, std::chrono::seconds(1));
}

void DestinationPace::end(const std::string& name) {
  const auto place = hosts_.find(name);
  if (place == hosts_.end()) return;
  --place->second.running;
  if (place->second.running == 0 && limits_.per_minute == 0) hosts_.erase(place);
}

void DestinationPace::forget_idle(Seconds now) {
  // A host that has all its tokens back is like one that was never seen.
  for (auto place = hosts_.begin(); place != hosts_.end();) {
    Host& host = place->second;
    fill(host, now);
    const bool idle = host.running == 0 && host.tokens >= burst() && host.turn < to_number(now);
    place = idle ? hosts_.erase(place) : std::next(place);
  }
  forget_at_ = std::max(kForgetAt, hosts_.size() * 2);
}

}  // namespace tlsrpt::sender
