// SPDX-License-Identifier: BSD-2-Clause
#include "milter/spool.hpp"

#include <algorithm>
#include <new>

namespace tlsrpt::milter {

namespace {

constexpr std::size_t kFirstAllocation = 16u << 10;

}  // namespace

bool SpoolBudget::take(std::size_t bytes) {
  std::size_t left = left_.load();
  do {
    if (left < bytes) return false;
  } while (!left_.compare_exchange_weak(left, left - bytes));
  return true;
}

bool SpooledMessage::make_room(std::size_t more) {
  const std::size_t needed = bytes_.size() + more;
  if (needed <= charged_) return true;
  // Growing by half keeps the copying linear; while it is copied, both blocks exist.
  const std::size_t generous = std::max(charged_ + charged_ / 2, kFirstAllocation);
  const std::size_t grown = std::max(needed, std::min(generous, max_bytes_));
  if (!budget_.take(grown)) return false;
  try {
    bytes_.reserve(grown);
  } catch (const std::bad_alloc&) {
    budget_.give_back(grown);
    return false;
  }
  budget_.give_back(charged_);
  charged_ = grown;
  return true;
}

SpooledMessage::State SpooledMessage::append(std::string_view bytes) {
  if (state_ != State::whole) return state_;
  const std::string_view kept = bytes.substr(0, max_bytes_ - bytes_.size());
  if (!make_room(kept.size())) {
    clear();
    state_ = State::no_memory;
    return state_;
  }
  bytes_.append(kept);
  if (kept.size() < bytes.size()) state_ = State::cut;
  return state_;
}

void SpooledMessage::clear() {
  std::string().swap(bytes_);
  budget_.give_back(charged_);
  charged_ = 0;
  state_ = State::whole;
}

}  // namespace tlsrpt::milter
