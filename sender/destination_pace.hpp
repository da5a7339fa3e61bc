// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// How fast one destination host is served: many domains send their reports to the same provider,
// which must not be flooded.

#include <string>
#include <unordered_map>

#include "common/utc_time.hpp"
#include "sender/reporter_settings.hpp"

namespace tlsrpt::sender {

/// Threads: one. Memory: one entry for each host that was served in the last seconds.
class DestinationPace {
 public:
  explicit DestinationPace(const DestinationLimits& limits) : limits_(limits) {}

  /// Starts a hand-over to the host, if it may go now: 'now' itself is given back then, and end()
  /// has to follow. Otherwise when to ask again; those who were put off are spread, so that all of
  /// them do not come back at the same time.
  Seconds begin(const std::string& host, Seconds now);
  void end(const std::string& host);

  [[nodiscard]] std::size_t hosts() const { return hosts_.size(); }

 private:
  struct Host {
    int running = 0;
    double tokens = 0;  ///< hand-overs that may start at once
    Seconds filled{};   ///< when 'tokens' was right
    double turn = 0;    ///< when the last one that was put off may come back; seconds since 1970
  };

  [[nodiscard]] double burst() const;
  void fill(Host& host, Seconds now) const;
  Seconds put_off(Host& host, Seconds now) const;
  void forget_idle(Seconds now);

  DestinationLimits limits_;
  std::unordered_map<std::string, Host> hosts_;
  std::size_t forget_at_ = 1024;  ///< grows with the number of busy hosts
};

}  // namespace tlsrpt::sender
