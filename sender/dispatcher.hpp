// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Between the ledger and the pool: claims what is to be delivered, builds its report once, and
// writes down what came of it.
//
// In this order, so that nothing is lost or done twice: the claim and the report's bytes are on
// disk before the pool gets the job, and what has ended is written down before anything new is
// claimed. What a process had in hand when it died is due again, with the same bytes.

#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/log.hpp"
#include "sender/backoff.hpp"
#include "sender/delivery_source.hpp"
#include "sender/destination_pace.hpp"
#include "sender/hand_over_pool.hpp"
#include "sender/outbound_store.hpp"
#include "sender/sender_slot.hpp"
#include "sender/suppression.hpp"

namespace tlsrpt::sender {

/// Threads: one, that of the database's connection.
class Dispatcher {
 public:
  struct Parts {
    OutboundStore& store;
    Ledger& ledger;
    Suppressions& suppressions;
    HandOverPool& pool;
    const SenderSlot& slot;
    const Clock& clock;
    Log& log;
  };
  using Ended = std::function<void(const Delivery&)>;

  /// 'secret' is Ledger::secret().
  Dispatcher(Parts parts, const ReporterSettings& settings, std::string secret, RandomBelow random)
      : parts_(parts),
        settings_(settings),
        secret_(std::move(secret)),
        random_(std::move(random)),
        // A mail goes to our own relay first: how many run there says nothing about its receiver.
        mail_pace_({std::numeric_limits<int>::max(), settings.limits.per_minute}),
        post_pace_(settings.limits),
        suppressed_(parts.suppressions) {}

  /// Called for each hand-over that has ended and is written down.
  void on_end(Ended ended) { ended_ = std::move(ended); }

  /// Writes down what has ended, then claims and submits as much as the pool takes. False: there
  /// was nothing to do. After an error of the database the next call goes on where it stopped;
  /// nothing that ended is forgotten.
  Result<bool> step(DeliverySource& source);
  /// Writes down what has ended; for the end of the program.
  Result<bool> settle();
  /// Before the first step: frees what processes that have died had in hand, also an earlier one
  /// under our own number.
  Result<void> enter();
  /// The same, later on.
  Result<void> release_dead();
  /// After the last step. Does nothing while something is in hand.
  Result<void> leave();

  /// When a kind may be served again after its server was in trouble; a time in the past otherwise.
  [[nodiscard]] Seconds paused_until(Rua::Scheme scheme) const;
  [[nodiscard]] bool is_paused(Rua::Scheme scheme) const;

 private:
  struct Channel {
    int trouble = 0;         ///< hand-overs in a row that the server could not be used for
    bool suspect = false;    ///< was paused, and nothing has worked since
    Seconds paused_until{};  ///< long ago: not paused
  };

  Result<void> release(int slot);
  struct Candidate {
    Delivery delivery;
    DeliverySource* source;
  };

  void take_done();
  Result<bool> work(const std::vector<Candidate>& candidates);
  Result<void> write_down(const std::vector<Candidate>& candidates, std::vector<HandOverJob>& jobs);
  Result<void> consider(const Candidate& candidate, std::vector<HandOverJob>& jobs);
  DestinationPace& pace_of(Rua::Scheme scheme) {
    return scheme == Rua::Scheme::mailto ? mail_pace_ : post_pace_;
  }
  Result<void> record(const HandOverDone& done);
  void judge(HandOverDone& done, Seconds now);
  Result<void> count_bounce(const HandOverDone& done, Seconds now);
  void watch_server(Rua::Scheme scheme, const HandOverResult& result, Seconds now);
  Result<std::optional<HandOverJob>> claim(const Delivery& candidate, Rua rua);
  Result<std::optional<StoredReport>> report_for(const Delivery& delivery);
  void log_result(const HandOverDone& done);

  Parts parts_;
  const ReporterSettings& settings_;
  std::string secret_;
  RandomBelow random_;
  DestinationPace mail_pace_;
  DestinationPace post_pace_;
  Ended ended_;
  std::vector<HandOverDone> unrecorded_;  ///< ended, but the ledger does not say so
  std::map<Rua::Scheme, Channel> channels_;
  ActiveSuppressions suppressed_;
};

}  // namespace tlsrpt::sender
