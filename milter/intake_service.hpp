// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The one intake of a daemon, shared by all its sessions or requests.

#include <chrono>
#include <mutex>
#include <string>
#include <string_view>

#include "common/log.hpp"
#include "milter/intake.hpp"
#include "milter/report_endpoint.hpp"
#include "milter/session.hpp"

namespace tlsrpt::milter {

/// Opening and DKIM run in the callers' threads side by side; only the store is behind a lock, for
/// which nobody waits longer than store_patience: if a disk or another program holds up the store,
/// the senders are told to come again before their MTAs lose patience with us.
class IntakeService final : public MailTaker, public BodyTaker {
 public:
  struct Parts {
    MessageOpener& opener;
    Dns& dns;
    const Clock& clock;
    Log& log;
    std::chrono::milliseconds store_patience = std::chrono::seconds(20);
  };
  IntakeService(IntakeSettings settings, StoreLimits limits, Parts parts, ReceivedStore store)
      : settings_(std::move(settings)), limits_(limits), parts_(parts), store_(std::move(store)) {}

  IntakeResult take(std::string_view message, const std::string& queue_id) override;
  IntakeResult take_cut(std::string_view beginning, std::size_t limit,
                        const std::string& queue_id) override;
  IntakeResult take_body(std::string_view body, const MailContext& context) override;

  /// Adds to the store's running totals. A total that cannot be written is lost.
  void count(const std::map<std::string, std::uint64_t>& counters);

 private:
  void keep(IntakeResult& result, std::string_view message, const MailContext& context);
  IntakeSettings settings_;
  StoreLimits limits_;
  Parts parts_;
  std::timed_mutex store_mutex_;
  ReceivedStore store_;  ///< guarded by store_mutex_
};

}  // namespace tlsrpt::milter
