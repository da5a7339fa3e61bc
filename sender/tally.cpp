// SPDX-License-Identifier: BSD-2-Clause
#include "sender/tally.hpp"

#include <cstring>
#include <random>
#include <utility>

namespace tlsrpt::sender {

namespace {

// Odd numbers without pattern: the first digits of pi behind the point.
constexpr std::uint64_t kMultiplier = 0x243f6a8885a308d3;
constexpr std::uint64_t kIncrement = 0x13198a2e03707345;

std::uint64_t load(const char* at, std::size_t size) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, size);
  return word;
}

/// Both halves of the 128-bit product, folded: each input bit reaches all output bits.
std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

std::size_t text_bytes(const std::vector<std::string>& list) {
  std::size_t bytes = 0;
  for (const std::string& text : list) bytes += sizeof text + text.size();
  return bytes;
}

/// About what an outcome takes in memory.
std::size_t outcome_bytes(const Outcome& outcome) {
  std::size_t bytes = sizeof(CountedOutcome) + outcome.domain.size() + outcome.tlsrpt_record.size();
  for (const PolicyOutcome& policy : outcome.policies) {
    bytes += sizeof policy + policy.policy.policy_domain.size();
    bytes += text_bytes(policy.policy.policy_string) + text_bytes(policy.policy.mx_host);
    for (const FailureDetails& details : policy.failure_details) {
      bytes += sizeof details + details.receiving_mx_hostname.size() +
               details.receiving_mx_helo.size() + details.additional_information.size() +
               details.failure_reason_code.size();
    }
  }
  return bytes;
}

}  // namespace

std::uint64_t seeded_hash(std::string_view text, std::uint64_t seed) {
  std::uint64_t state = mix(seed ^ kIncrement, text.size() ^ kMultiplier);
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left >= 16; at += 16, left -= 16) {
    state = mix(load(at, 8) ^ state ^ kIncrement, load(at + 8, 8) ^ state ^ kMultiplier);
  }
  if (left >= 8) {
    state = mix(load(at, 8) ^ state, kMultiplier);
    at += 8, left -= 8;
  }
  if (left > 0) state = mix(load(at, left) ^ state, kIncrement);
  return mix(state ^ kIncrement, kMultiplier);
}

std::size_t Tally::Hash::operator()(std::string_view text) const {
  return static_cast<std::size_t>(seeded_hash(text, seed));
}

Tally::Tally(const TallyBounds& bounds, const OutcomeLimits& limits)
    : bounds_(bounds), limits_(limits), known_(0, Hash{random_seed()}) {}

Tallied Tally::add(Day day, std::string_view datagram) {
  Tallied result;
  const auto found = known_.find(datagram);
  if (found != known_.end()) {
    result.counted = count(found->second, day);
    result.dropped = !result.counted;
    return result;
  }
  ReadOutcomeResult read = read_outcome(datagram, limits_);
  result.bad = std::move(read.bad);
  result.detail = std::move(read.detail);
  if (read.outcome.policies.empty()) return result;
  if (result.bad.empty()) {
    result.counted = count(remember(datagram, std::move(read.outcome)), day);
  } else {
    // Not remembered: each copy has to be reported as bad.
    Known once;
    once.bytes = outcome_bytes(read.outcome);
    once.outcome = std::move(read.outcome);
    result.counted = count(once, day);
  }
  result.dropped = !result.counted;
  return result;
}

Tally::Known& Tally::remember(std::string_view datagram, Outcome outcome) {
  constexpr std::size_t kNode = 128;  // of the table, beside what it holds
  const std::size_t bytes = outcome_bytes(outcome);
  const std::size_t cost = kNode + sizeof(Known) + datagram.size() + bytes;
  if (known_bytes_ + cost > bounds_.max_remembered_bytes) {
    known_.clear();
    known_bytes_ = 0;
  }
  known_bytes_ += cost;
  Known& known = known_[std::string(datagram)];
  known.outcome = std::move(outcome);
  known.bytes = bytes;
  return known;
}

bool Tally::count(Known& known, Day day) {
  if (known.taken == taken_ && pending_[known.pending].day == day) {
    ++pending_[known.pending].sessions;
    return true;
  }
  if (pending_bytes_ + known.bytes > bounds_.max_pending_bytes) return false;
  pending_bytes_ += known.bytes;
  known.pending = pending_.size();
  known.taken = taken_;
  pending_.push_back({day, known.outcome, 1});
  return true;
}

std::vector<CountedOutcome> Tally::take() {
  ++taken_;
  pending_bytes_ = 0;
  return std::exchange(pending_, {});
}

}  // namespace tlsrpt::sender
