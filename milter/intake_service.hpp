// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The one intake of a server, shared by all its sessions.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "common/log.hpp"
#include "milter/intake.hpp"
#include "milter/report_endpoint.hpp"
#include "milter/session.hpp"
#include "milter/shared_store.hpp"

namespace tlsrpt::milter {

/// Opening and DKIM run in the callers' threads side by side; only the store is shared, as
/// SharedStore has it.
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
      : settings_(std::make_shared<const IntakeSettings>(std::move(settings))),
        parts_(parts),
        store_(std::move(store), limits, parts.store_patience) {}

  /// From the next mail on. Threads: any.
  void use(IntakeSettings settings);

  IntakeResult take(std::string_view message, const std::string& queue_id) override;
  IntakeResult take_cut(std::string_view beginning, std::size_t limit,
                        const std::string& queue_id) override;
  IntakeResult not_held() override;
  /// A report that came without a mail around it, as from HTTPS. When it returns 'stored' or
  /// 'refused', the body is on disk; IntakeResult::stored says which of its reports are new.
  IntakeResult take_body(std::string_view body, const MailContext& context) override;

  /// Both must not outlive the service.
  std::unique_ptr<MailTaker> for_mails_of_client() override;
  std::unique_ptr<BodyTaker> for_bodies_of_client() override;

  /// To be added to the store's counters by write_counters.
  void count(const std::map<std::string, std::uint64_t>& counters);
  /// To be called every minute or so, and at the end. What was put off is not worth a commit for
  /// each mail: a flood would get its disk after all.
  void write_counters();

 private:
  class ForClient;
  IntakeResult take_with(MessageOpener& opener, std::string_view message,
                         const std::string& queue_id);
  IntakeResult take_cut_with(MessageOpener& opener, std::string_view beginning, std::size_t limit,
                             const std::string& queue_id);
  IntakeResult take_body_with(MessageOpener& opener, std::string_view body,
                              const MailContext& context);
  void keep(IntakeResult& result, std::string_view bytes, const MailContext& context);
  [[nodiscard]] std::shared_ptr<const IntakeSettings> settings() const;

  std::mutex counters_mutex_;
  std::map<std::string, std::uint64_t> counters_;  ///< guarded by counters_mutex_
  mutable std::mutex settings_mutex_;
  std::shared_ptr<const IntakeSettings> settings_;  ///< guarded by settings_mutex_
  Parts parts_;
  SharedStore store_;
};

}  // namespace tlsrpt::milter
