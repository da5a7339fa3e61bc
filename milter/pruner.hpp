// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Forgets, once a day, what is older than KeepDays.

#include <chrono>
#include <string>

#include "common/clock.hpp"
#include "common/log.hpp"
#include "milter/received_store.hpp"

namespace tlsrpt::milter {

/// Works on a database connection of its own, in short transactions, so that mail coming in does
/// not wait for it. Threads: one at a time.
class Pruner {
 public:
  /// retention 0: everything is kept for ever.
  Pruner(std::string store_path, std::chrono::days retention, const Clock& clock, Log& log)
      : store_path_(std::move(store_path)), retention_(retention), clock_(clock), log_(log) {}

  /// Tried at once if it is another one.
  void set_retention(std::chrono::seconds retention) {
    if (retention != retention_) tried_ = Day{};
    retention_ = retention;
  }

  /// Does the work if it has not been tried on this UTC day; call it every now and then.
  void prune_when_due();

 private:
  std::string store_path_;
  std::chrono::days retention_;
  const Clock& clock_;
  Log& log_;
  Day tried_{};
};

}  // namespace tlsrpt::milter
