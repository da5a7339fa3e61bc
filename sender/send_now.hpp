// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// 'opentlsrpt-reporter send': a closed day's reports, now, with one line for each destination.

#include <string>
#include <vector>

#include "sender/delivery.hpp"
#include "sender/planner.hpp"
#include "sender/preview.hpp"

namespace tlsrpt::sender {

struct SendCounts {
  std::uint64_t delivered = 0;  ///< now or before
  std::uint64_t failed = 0;     ///< for good
  std::uint64_t open = 0;       ///< to be tried again, or with another process
};

class ImmediateSender {
 public:
  ImmediateSender(Ledger& ledger, Planner& planner, Deliverer& deliverer)
      : ledger_(ledger), planner_(planner), deliverer_(deliverer) {}

  /// Sends what is open, failed or expired; never what was delivered. Prints
  /// "DOMAIN DESTINATION STATE DETAIL", with "-" for the destination of a domain that gets none.
  Result<SendCounts> send(Day day, const std::vector<std::string>& domains, const PrintLine& print,
                          const StopRequested& stop);

 private:
  Result<void> send_domain(Day day, const std::string& domain, const PrintLine& print,
                           SendCounts& counts);
  Result<Delivery> send_one(const Delivery& delivery);

  Ledger& ledger_;
  Planner& planner_;
  Deliverer& deliverer_;
};

}  // namespace tlsrpt::sender
