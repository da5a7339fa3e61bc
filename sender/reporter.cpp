// SPDX-License-Identifier: BSD-2-Clause
#include "sender/reporter.hpp"

#include <algorithm>
#include <utility>

namespace tlsrpt::sender {

namespace {

constexpr std::chrono::seconds kLongestSleep{60};
constexpr std::chrono::seconds kLookInterval{300};
constexpr std::chrono::seconds kWindUp{20};  // no hand-over ends later than that after a stop

/// Whether 'time', set at most 'longest' ahead, is over. A clock that was set back since then must
/// not hold up the work for the time it lost.
bool over(Seconds time, Seconds now, std::chrono::seconds longest) {
  return now >= time || time - now > longest;
}

}  // namespace

Day first_kept_day(Seconds now, std::chrono::seconds retention) {
  return std::chrono::floor<std::chrono::days>(now - retention);
}

/// A part at a time, so that nothing has to wait for it. True: there is more.
Result<bool> Reporter::forget_old_days(Day first_kept) {
  // Counts first: without its ledger a day that still has counts would be sent again.
  const auto counts = parts_.store.prune(first_kept);
  if (!counts || *counts) return counts;
  return parts_.ledger.prune(first_kept);
}

Result<bool> Reporter::look_at_days() {
  const Seconds now = parts_.clock.now();
  const Day first_kept = first_kept_day(now, settings_.retention);
  if (parts_.store.database().has_moved()) {
    return fail(ErrorCode::database,
                "{} was moved or replaced while it is in use; restart the reporter",
                settings_.database);
  }
  const auto more = forget_old_days(first_kept);
  if (!more || *more) return more;
  if (auto done = parts_.suppressions.prune(now, settings_.suppression); !done) {
    return tl::unexpected(done.error());
  }
  if (auto done = parts_.dispatcher.release_dead(); !done) return tl::unexpected(done.error());
  if (parts_.planner.idle()) {
    const auto days = parts_.store.days();
    if (!days) return tl::unexpected(days.error());
    for (const Day day : *days) {
      if (day >= first_kept && now >= closing_time(day)) parts_.planner.add_day(day);
    }
  }
  const Day today = std::chrono::floor<std::chrono::days>(now);
  const Seconds last_closing = closing_time(today - std::chrono::days(1));
  const Seconds next_closing = now < last_closing ? last_closing : closing_time(today);
  look_again_ = std::min(now + kLookInterval, next_closing);
  return false;
}

/// False: there is nothing to do for the moment.
Result<bool> Reporter::step() {
  if (over(look_again_, parts_.clock.now(), kLookInterval)) {
    const auto more = look_at_days();
    if (!more || *more) return more;
  }
  const auto planned = parts_.planner.step();
  if (!planned) return planned;
  const auto delivered = parts_.dispatcher.step(due_);
  if (!delivered) return delivered;
  return *planned || *delivered;
}

void Reporter::wait_for_more(const Wait& wait) {
  wait({parts_.pool.fd(), parts_.lookups.fd()}, kDoneWait);
}

Result<void> Reporter::round(const StopRequested& stop, const Wait& wait) {
  while (!stop()) {
    const auto busy = step();
    if (!busy) return tl::unexpected(busy.error());
    if (*busy) continue;
    if (parts_.pool.in_hand() == 0 && parts_.planner.idle()) return {};
    wait_for_more(wait);
  }
  return {};
}

Seconds Reporter::next_round() {
  const Seconds now = parts_.clock.now();
  Seconds next = std::min(now + kLongestSleep, look_again_);
  for (const Rua::Scheme scheme : {Rua::Scheme::mailto, Rua::Scheme::https}) {
    if (const auto due = parts_.ledger.next_due(scheme); due && *due) {
      next = std::min(next, std::max(**due, parts_.dispatcher.paused_until(scheme)));
    }
  }
  return std::max(next, now);
}

/// What is in hand comes back soon after the stop; its end is written down.
void Reporter::wind_up(const StopRequested& stop, const Wait& wait) {
  parts_.planner.stop();
  const Seconds end = parts_.clock.now() + kWindUp;
  bool told = false;
  for (;;) {
    const auto settled = parts_.dispatcher.settle();
    if (!settled && !std::exchange(told, true)) {
      parts_.log.error(LogLine("database-error").add(settled.error()));
    }
    if (settled && parts_.pool.in_hand() == 0) break;
    if (parts_.clock.now() >= end) break;
    stop();  // takes further signals, which would end each wait at once
    wait(settled ? std::vector<int>{parts_.pool.fd()} : std::vector<int>{}, kDoneWait);
  }
  if (const auto left = parts_.dispatcher.leave(); !left) {
    parts_.log.error(LogLine("database-error").add(left.error()));
  }
}

void Reporter::run(const StopRequested& stop, const Wait& wait) {
  while (!stop()) {
    const auto done = round(stop, wait);
    if (!done) {
      parts_.log.error(LogLine("database-error").add(done.error()));
      wait({}, kLongestSleep);
      continue;
    }
    if (!stop()) wait({}, next_round() - parts_.clock.now());
  }
  wind_up(stop, wait);
}

}  // namespace tlsrpt::sender
