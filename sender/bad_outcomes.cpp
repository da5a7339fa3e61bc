// SPDX-License-Identifier: BSD-2-Clause
#include "sender/bad_outcomes.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kMaxSample = 4096;

}  // namespace

bool RateLimit::allow(Seconds now) {
  // A clock that was set back must not silence the log for the time it lost.
  const bool due = now >= next_ || next_ - now > interval_;
  if (due) {
    next_ = now + interval_;
  } else {
    ++suppressed_;
  }
  return due;
}

void BadOutcomes::note(BadOutcome reason, std::string_view detail, std::string_view datagram,
                       Seconds now) {
  Kind& kind = kinds_[reason];
  ++kind.sample.times;
  if (!kind.limit.allow(now)) return;
  kind.sample.reason = reason;
  kind.sample.when = now;
  kind.sample.datagram.assign(datagram.substr(0, kMaxSample));
  log_->warning(LogLine("outcome-bad")
                    .add("reason", to_word(reason))
                    .add("detail", detail)
                    .add("bytes", std::uint64_t{datagram.size()})
                    .add("suppressed", kind.limit.take_suppressed()));
}

std::vector<BadSample> BadOutcomes::take() {
  std::vector<BadSample> samples;
  for (auto& [reason, kind] : kinds_) {
    if (kind.sample.times == 0) continue;
    samples.push_back(kind.sample);
    kind.sample.times = 0;
  }
  return samples;
}

}  // namespace tlsrpt::sender
