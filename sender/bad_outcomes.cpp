// SPDX-License-Identifier: BSD-2-Clause
#include "sender/bad_outcomes.hpp"

namespace tlsrpt::sender {

bool RateLimit::allow(Seconds now, std::uint64_t events) {
  // A clock that was set back must not silence the log for the time it lost.
  const bool due = now >= next_ || next_ - now > interval_;
  if (due) {
    next_ = now + interval_;
    --events;
  }
  suppressed_ += events;
  return due;
}

void BadOutcomes::note(BadOutcome reason, std::uint64_t times, std::string_view detail,
                       std::string_view datagram, Seconds now) {
  RateLimit& limit = limits_.try_emplace(reason, std::chrono::minutes(1)).first->second;
  if (!limit.allow(now, times)) return;
  log_->warning(LogLine("outcome-bad")
                    .add("reason", to_word(reason))
                    .add("detail", detail)
                    .add("bytes", std::uint64_t{datagram.size()})
                    .add("suppressed", limit.take_suppressed()));
}

}  // namespace tlsrpt::sender
