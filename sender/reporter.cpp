// SPDX-License-Identifier: BSD-2-Clause
#include "sender/reporter.hpp"

#include <algorithm>

namespace tlsrpt::sender {

namespace {

constexpr std::chrono::seconds kLongestSleep{60};
constexpr std::chrono::seconds kPlanInterval{
    300};  // not longer than the first wait after a failure
constexpr int kDueBatch = 100;
// A mail server that cannot be reached costs every hand-over its timeout. After a few in a row the
// others wait, and their 24 hours do not begin.
constexpr int kTroubleInARow = 10;
constexpr std::chrono::seconds kTroublePause{60};

/// Whether 'time', set at most 'longest' ahead, is over. A clock that was set back since then must
/// not hold up the work for the time it lost.
bool over(Seconds time, Seconds now, std::chrono::seconds longest) {
  return now >= time || time - now > longest;
}

}  // namespace

Day first_kept_day(Seconds now, std::chrono::seconds retention) {
  return std::chrono::floor<std::chrono::days>(now - retention);
}

Result<void> Reporter::round(const StopRequested& stop) {
  if (auto done = parts_.deliverer.settle(); !done) return done;
  if (over(plan_again_, parts_.clock.now(), kPlanInterval)) {
    if (auto done = plan(stop); !done) return done;
  }
  const auto done = deliver(stop);
  const auto rested = parts_.deliverer.rest();
  return done ? rested : done;
}

Result<void> Reporter::plan(const StopRequested& stop) {
  const Seconds now = parts_.clock.now();
  const Day first_kept = first_kept_day(now, settings_.retention);
  // Counts first: without its ledger a day that still has counts would be sent again.
  if (auto done = parts_.store.prune(first_kept); !done) return done;
  if (auto done = parts_.ledger.prune(first_kept); !done) return done;
  const auto days = parts_.store.days();
  if (!days) return tl::unexpected(days.error());
  for (const Day day : *days) {
    if (stop()) return {};
    if (day < first_kept || now < closing_time(day)) continue;
    if (auto done = parts_.planner.plan_day(day, stop); !done) return done;
    if (parts_.planner.paused()) break;  // what is due now need not wait for the resolver
  }
  const Day today = std::chrono::floor<std::chrono::days>(now);
  const Seconds last_closing = closing_time(today - std::chrono::days(1));
  const Seconds next_closing = now < last_closing ? last_closing : closing_time(today);
  plan_again_ = std::min(now + kPlanInterval, next_closing);
  return {};
}

Result<void> Reporter::deliver(const StopRequested& stop) {
  int trouble = 0;
  while (!stop() && over(paused_until_, parts_.clock.now(), kTroublePause)) {
    const auto due = parts_.ledger.due(parts_.clock.now(), kDueBatch);
    if (!due) return tl::unexpected(due.error());
    if (due->empty()) return {};
    for (const Delivery& delivery : *due) {
      if (stop()) return {};
      const auto served = parts_.deliverer.serve(delivery.key, ClaimMode::due_only);
      if (!served) return tl::unexpected(served.error());
      if (!*served) continue;
      const bool tried_again =
          (*served)->state == DeliveryState::deferred || (*served)->state == DeliveryState::expired;
      trouble = tried_again ? trouble + 1 : 0;
      if (trouble < kTroubleInARow) continue;
      paused_until_ = parts_.clock.now() + kTroublePause;
      parts_.log.notice(LogLine("delivery-paused")
                            .add("until", format_rfc3339(paused_until_))
                            .add("detail", (*served)->detail));
      return {};
    }
  }
  return {};
}

Seconds Reporter::next_round() {
  const Seconds now = parts_.clock.now();
  Seconds next = std::min(now + kLongestSleep, plan_again_);
  if (const auto due = parts_.ledger.next_due(); due && *due) {
    next = std::min(next, std::max(**due, paused_until_));
  }
  return std::max(next, now);
}

void Reporter::run(const StopRequested& stop,
                   const std::function<void(std::chrono::seconds)>& wait) {
  while (!stop()) {
    if (const auto done = round(stop); !done) {
      parts_.log.error(LogLine("database-error").add(done.error()));
      wait(kLongestSleep);
      continue;
    }
    if (stop()) break;
    wait(next_round() - parts_.clock.now());
  }
  static_cast<void>(parts_.deliverer.settle());  // a last try; its failure was logged
}

}  // namespace tlsrpt::sender
