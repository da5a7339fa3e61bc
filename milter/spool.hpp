// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Report mails in transit, kept in memory under one bound for each mail and one for all together.

#include <atomic>
#include <cstddef>
#include <string>
#include <string_view>

namespace tlsrpt::milter {

/// The bytes that all sessions together may hold (MaximumSpoolSize). Threads: any.
class SpoolBudget {
 public:
  explicit SpoolBudget(std::size_t bytes) : left_(bytes) {}
  [[nodiscard]] bool take(std::size_t bytes);
  void give_back(std::size_t bytes) { left_.fetch_add(bytes); }
  [[nodiscard]] std::size_t left() const { return left_.load(); }

 private:
  std::atomic<std::size_t> left_;
};

/// One message as it comes in. What it allocates, not only what it uses, is taken from the budget.
class SpooledMessage {
 public:
  enum class State {
    whole,      ///< everything so far is here
    cut,        ///< larger than the limit: only its beginning is here
    no_memory,  ///< the budget was used up: nothing is here
  };

  SpooledMessage(SpoolBudget& budget, std::size_t max_bytes)
      : budget_(budget), max_bytes_(max_bytes) {}
  SpooledMessage(const SpooledMessage&) = delete;
  SpooledMessage& operator=(const SpooledMessage&) = delete;
  ~SpooledMessage() { clear(); }

  /// After a state other than whole, further bytes are dropped.
  State append(std::string_view bytes);
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] std::string_view bytes() const { return bytes_; }
  [[nodiscard]] std::size_t limit() const { return max_bytes_; }

  /// Gives the memory back; ready for the next message.
  void clear();

 private:
  bool make_room(std::size_t more);
  SpoolBudget& budget_;
  std::size_t max_bytes_;
  std::size_t charged_ = 0;
  State state_ = State::whole;
  std::string bytes_;
};

}  // namespace tlsrpt::milter
