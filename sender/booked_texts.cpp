// SPDX-License-Identifier: BSD-2-Clause
#include "sender/booked_texts.hpp"

#include <utility>

#include "sender/seeded_hash.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kFirstSlots = 1024;

}  // namespace

BookedTexts::BookedTexts(std::size_t max_texts)
    : max_texts_(max_texts), seeds_{random_seed(), random_seed()}, slots_(kFirstSlots) {}

BookedTexts::Key BookedTexts::key_of(std::string_view text) const {
  return {seeded_hash(text, seeds_.first), seeded_hash(text, seeds_.second)};
}

/// Where the key is, or where it would be.
std::size_t BookedTexts::place_of(const Key& key) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = key.first & mask;
  while (slots_[at].value != 0 &&
         (slots_[at].key.first != key.first || slots_[at].key.second != key.second)) {
    at = (at + 1) & mask;
  }
  return at;
}

const std::vector<Booking>* BookedTexts::find(Day day, const Key& key) {
  if (day != day_) return nullptr;
  const std::int64_t value = slots_[place_of(key)].value;
  if (value == 0) return nullptr;
  if (value < 0) return &rows_[static_cast<std::size_t>(-1 - value)];
  found_ = {Booking{value / 2, value % 2 != 0, {}}};
  return &found_;
}

void BookedTexts::remember(Day day, const Key& key, std::vector<Booking> rows) {
  if (day != day_ || size_ >= max_texts_) forget_all();
  day_ = day;
  if (2 * (size_ + 1) > slots_.size()) grow();
  Slot& slot = slots_[place_of(key)];
  if (slot.value == 0) ++size_;
  slot.key = key;
  if (rows.size() == 1 && rows.front().detail_keys.empty()) {
    slot.value = 2 * rows.front().outcome + (rows.front().failed ? 1 : 0);
  } else {
    rows_.push_back(std::move(rows));
    slot.value = -static_cast<std::int64_t>(rows_.size());
  }
}

void BookedTexts::grow() {
  std::vector<Slot> old(2 * slots_.size());
  slots_.swap(old);
  for (const Slot& slot : old) {
    if (slot.value != 0) slots_[place_of(slot.key)] = slot;
  }
}

void BookedTexts::forget_all() {
  slots_.assign(kFirstSlots, {});
  slots_.shrink_to_fit();
  rows_.clear();
  size_ = 0;
}

}  // namespace tlsrpt::sender
