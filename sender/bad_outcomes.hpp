// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What is said about datagrams that could not be counted: never more than a line a minute for each
// reason, however many arrive.

#include <chrono>
#include <cstdint>
#include <map>
#include <string_view>
#include <utility>

#include "common/log.hpp"
#include "common/utc_time.hpp"
#include "sender/outcome.hpp"

namespace tlsrpt::sender {

/// Lets one event (or the first of several) through in each interval and counts the others.
class RateLimit {
 public:
  explicit RateLimit(std::chrono::seconds interval) : interval_(interval) {}
  bool allow(Seconds now, std::uint64_t events = 1);
  /// How many were held back since the last one that was let through.
  std::uint64_t take_suppressed() { return std::exchange(suppressed_, 0); }

 private:
  std::chrono::seconds interval_;
  Seconds next_{};
  std::uint64_t suppressed_ = 0;
};

class BadOutcomes {
 public:
  explicit BadOutcomes(Log& log) : log_(&log) {}

  /// So many datagrams were bad for that reason; one of them was this.
  void note(BadOutcome reason, std::uint64_t times, std::string_view detail,
            std::string_view datagram, Seconds now);

 private:
  Log* log_;
  std::map<BadOutcome, RateLimit> limits_;
};

}  // namespace tlsrpt::sender
