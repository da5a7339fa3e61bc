// SPDX-License-Identifier: BSD-2-Clause
#include "sender/log_clock.hpp"

#include <algorithm>

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kMaxHosts = 1024;

}  // namespace

Seconds LogClock::heard(std::string_view host, Seconds at) {
  if (now_ == Seconds::min()) now_ = at;
  auto known = ahead_.find(host);
  if (known == ahead_.end()) {
    if (ahead_.size() >= kMaxHosts) ahead_.clear();  // it is learned again
    known = ahead_.emplace(host, at - now_).first;
  }
  now_ = std::max(now_, at - known->second);
  return now_;
}

}  // namespace tlsrpt::sender
