// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What has been read since the last flush, counted in memory. Most datagrams of a day repeat byte
// for byte; what was read once is remembered and not read again.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/utc_time.hpp"
#include "sender/outbound_store.hpp"
#include "sender/outcome.hpp"

namespace tlsrpt::sender {

struct TallyBounds {
  std::size_t max_remembered_bytes = 64u << 20;  ///< of known datagrams; when full it starts anew
  std::size_t max_pending_bytes = 256u << 20;    ///< of outcomes that wait for a flush
};

/// What became of one datagram.
struct Tallied {
  bool counted = false;         ///< at least one policy was
  bool dropped = false;         ///< readable, but there was no memory left to count it
  std::vector<BadOutcome> bad;  ///< as in ReadOutcomeResult
  std::string detail;
};

class Tally {
 public:
  explicit Tally(const TallyBounds& bounds = {}, const OutcomeLimits& limits = {});

  /// Counts the datagram for the day.
  Tallied add(Day day, std::string_view datagram);

  /// All that was counted since the last call; the tally is then empty, but still remembers.
  std::vector<CountedOutcome> take();

  [[nodiscard]] bool empty() const { return pending_.empty(); }
  [[nodiscard]] std::size_t pending_bytes() const { return pending_bytes_; }
  [[nodiscard]] std::size_t remembered() const { return known_.size(); }

 private:
  /// A seed that strangers do not know, so that they cannot choose texts that collide.
  struct Hash {
    using is_transparent = void;  ///< so that a view finds a string
    std::uint64_t seed;
    std::size_t operator()(std::string_view text) const;
  };

  struct Known {
    Outcome outcome;
    std::size_t bytes = 0;
    std::size_t pending = 0;  ///< where it stands in pending_, if 'taken' is that of the tally
    std::uint64_t taken = 0;
  };

  bool count(Known& known, Day day);
  Known& remember(std::string_view datagram, Outcome outcome);

  TallyBounds bounds_;
  OutcomeLimits limits_;
  std::unordered_map<std::string, Known, Hash, std::equal_to<>> known_;
  std::size_t known_bytes_ = 0;
  std::vector<CountedOutcome> pending_;
  std::size_t pending_bytes_ = 0;
  std::uint64_t taken_ = 1;  ///< how often take() was called, plus 1
};

/// A fast hash of a text for tables in memory: equal within one process only.
std::uint64_t seeded_hash(std::string_view text, std::uint64_t seed);

}  // namespace tlsrpt::sender
