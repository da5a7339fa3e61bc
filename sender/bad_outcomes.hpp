// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What is said and kept about datagrams that could not be counted: never more than a line a minute
// and one sample for each reason, however many arrive.

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/log.hpp"
#include "common/utc_time.hpp"
#include "sender/outcome.hpp"

namespace tlsrpt::sender {

/// Lets one event through in each interval and counts the others.
class RateLimit {
 public:
  explicit RateLimit(std::chrono::seconds interval) : interval_(interval) {}
  bool allow(Seconds now);
  /// How many were held back since the last one that was let through.
  std::uint64_t take_suppressed() { return std::exchange(suppressed_, 0); }

 private:
  std::chrono::seconds interval_;
  Seconds next_{};
  std::uint64_t suppressed_ = 0;
};

struct BadSample {
  BadOutcome reason{};
  Seconds when{};
  std::uint64_t times = 0;
  std::string datagram;  ///< the newest, cut
};

class BadOutcomes {
 public:
  explicit BadOutcomes(Log& log) : log_(&log) {}

  void note(BadOutcome reason, std::string_view detail, std::string_view datagram, Seconds now);
  /// The samples since the last call.
  std::vector<BadSample> take();

 private:
  struct Kind {
    RateLimit limit{std::chrono::minutes(1)};
    BadSample sample;
  };
  Log* log_;
  std::map<BadOutcome, Kind> kinds_;
};

}  // namespace tlsrpt::sender
