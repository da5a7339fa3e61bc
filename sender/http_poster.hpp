// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The seam to HTTPS: posts one report to its https: destination.

#include <string>
#include <string_view>

#include "sender/hand_over.hpp"

namespace tlsrpt::sender {

/// Threads: one at a time.
class HttpPoster {
 public:
  virtual ~HttpPoster() = default;
  /// POSTs 'body' to the URI as it stands (R155); media type application/tlsrpt+gzip (R156). Ends
  /// within the configured timeout, and soon after its StopSignal.
  virtual HandOverResult post(const std::string& uri, std::string_view body) = 0;
  /// Closes a connection that was kept for the next report.
  virtual void close() = 0;
};

}  // namespace tlsrpt::sender
