// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The reports of one day, sent at once: the command 'send'.

#include <functional>
#include <string>
#include <vector>

#include "sender/preview.hpp"
#include "sender/sending.hpp"

namespace tlsrpt::sender {

struct SendCounts {
  std::uint64_t delivered = 0;  ///< now or before
  std::uint64_t failed = 0;     ///< for good
  std::uint64_t open = 0;       ///< to be tried again, or with another process
};

/// Told every now and then: what is being done, how much of it is done.
using ShowProgress =
    std::function<void(std::string_view what, std::uint64_t done, std::uint64_t total)>;

class SendNow {
 public:
  SendNow(Sending& sending, PrintLine print, ShowProgress progress)
      : sending_(sending), print_(std::move(print)), progress_(std::move(progress)) {}

  /// Sends what is open, failed, expired or bounced; never what was delivered. Prints
  /// "DOMAIN DESTINATION STATE DETAIL" as each ends, with "-" for the destination of a domain that
  /// gets none. Each is tried once; what has to be tried again is left to the daemon.
  Result<SendCounts> send(Day day, const std::vector<std::string>& domains,
                          const StopRequested& stop, const Wait& wait);

 private:
  Result<void> plan(Day day, const std::vector<std::string>& domains, const StopRequested& stop,
                    const Wait& wait);
  Result<void> deliver(Day day, const std::vector<std::string>& domains, const StopRequested& stop,
                       const Wait& wait);
  Result<bool> may_go_on(DeliverySource& source);
  void ended(const Delivery& delivery);

  Sending& sending_;
  PrintLine print_;
  ShowProgress progress_;
  SendCounts counts_;
};

}  // namespace tlsrpt::sender
