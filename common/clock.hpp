// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The seam to the system's clock, so that a test can tell the time.

#include "common/utc_time.hpp"

namespace tlsrpt {

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Seconds now() const = 0;
  [[nodiscard]] Day today() const { return std::chrono::floor<std::chrono::days>(now()); }
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] Seconds now() const override {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  }
};

}  // namespace tlsrpt
