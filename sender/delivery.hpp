// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// One report to one destination: build it once, sign it, hand it over, and write down what came of
// it.

#include <cstdint>
#include <optional>
#include <string>

#include "common/clock.hpp"
#include "common/dkim.hpp"
#include "common/log.hpp"
#include "sender/ledger.hpp"
#include "sender/mail_transport.hpp"
#include "sender/outbound_store.hpp"
#include "sender/reporter_settings.hpp"

namespace tlsrpt::sender {

inline constexpr std::chrono::seconds kFirstRetry{300};
inline constexpr std::chrono::seconds kLongestRetry{4 * 3600};
inline constexpr std::chrono::seconds kDeliveryTime{24 * 3600};  ///< R145

/// How long to wait after so many attempts: 5 min, doubled each time, up to 4 h (R146).
std::chrono::seconds backoff(int attempts);

/// When to try again after a temporary failure at 'now'. The last try is at the end of the 24
/// hours; nothing if these are over.
std::optional<Seconds> next_attempt(Seconds first_attempt, int attempts, Seconds now);

class Deliverer {
 public:
  struct Parts {
    OutboundStore& store;
    Ledger& ledger;
    MailTransport& transport;
    const Clock& clock;
    Log& log;
  };

  Deliverer(Parts parts, const ReporterSettings& settings, const std::vector<SigningKey>& keys)
      : parts_(parts), settings_(settings), keys_(keys) {}

  /// Claims and serves one delivery. Nothing if it was not to be had. An error means that the
  /// database failed; the claim then runs out and the delivery is tried again.
  Result<std::optional<Delivery>> serve(const DeliveryKey& key, ClaimMode mode);
  /// Writes down what came of a hand-over if that failed before. Serve nothing until it succeeds:
  /// the claim would run out and the report be handed over again and again while the disk is full.
  Result<void> settle();
  /// There is nothing to serve for the moment.
  Result<void> rest();

 private:
  struct Taken {
    Delivery delivery;
    Result<StoredReport> report;  ///< an error here is none of the database
  };

  Result<std::optional<Taken>> take(const DeliveryKey& key, ClaimMode mode);
  Result<StoredReport> report_for(const DeliveryKey& key);
  HandOverResult hand_over(const Delivery& delivery, const StoredReport& report);
  Result<std::optional<Delivery>> conclude(Delivery delivery, const HandOverResult& result,
                                           const std::string& report_id);
  void log_result(const Delivery& delivery, const std::string& report_id);

  Parts parts_;
  const ReporterSettings& settings_;
  const std::vector<SigningKey>& keys_;
  bool served_ = false;                 ///< since the last rest
  std::optional<Delivery> unrecorded_;  ///< handed over, but the ledger does not say so
};

}  // namespace tlsrpt::sender
