// SPDX-License-Identifier: BSD-2-Clause
#include "sender/segment.hpp"

#include <algorithm>
#include <cstring>

#include "sender/seeded_hash.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kChunkBytes = 1u << 20;  // more than any text has
constexpr std::size_t kChunksKept = 16;
constexpr std::size_t kFirstSlots = 1u << 15;
constexpr std::size_t kSlotsKept = 1u << 17;

std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }

}  // namespace

Segment::Segment(std::size_t max_bytes)
    : max_bytes_(max_bytes), seed_(random_seed()), table_(kFirstSlots) {}

void Segment::begin(Day day) {
  day_ = day;
  entries_.clear();
  hashes_.clear();
  if (table_.size() > kSlotsKept) {
    table_ = std::vector<Slot>(kFirstSlots);
    entries_.shrink_to_fit();
    hashes_.shrink_to_fit();
  } else {
    std::fill(table_.begin(), table_.end(), Slot{});
  }
  if (chunks_.size() > kChunksKept) chunks_.resize(kChunksKept);
  chunk_ = used_ = bytes_ = 0;
}

std::string_view Segment::keep(std::string_view text) {
  if (used_ + text.size() > kChunkBytes) {
    ++chunk_;
    used_ = 0;
  }
  if (chunk_ >= chunks_.size())
    chunks_.push_back(std::make_unique_for_overwrite<char[]>(kChunkBytes));
  char* const place = chunks_[chunk_].get() + used_;
  if (!text.empty()) std::memcpy(place, text.data(), text.size());
  used_ += text.size();
  return {place, text.size()};
}

void Segment::put(std::uint64_t hash, std::uint32_t id) {
  const std::size_t mask = table_.size() - 1;
  std::size_t at = hash & mask;
  while (table_[at].id_plus != 0) at = (at + 1) & mask;
  table_[at] = {tag_of(hash), id + 1};
}

void Segment::grow_table() {
  std::vector<Slot> larger(2 * table_.size());
  table_.swap(larger);
  for (std::uint32_t id = 0; id < hashes_.size(); ++id) put(hashes_[id], id);
}

/// Whatever memory one more entry needs is there afterwards, or nothing has changed.
void Segment::make_room() {
  constexpr std::size_t kAtOnce = 4096;
  const std::size_t size = entries_.size();
  if (size == hashes_.capacity()) hashes_.reserve(size + std::max(size, kAtOnce));
  if (size == entries_.capacity()) entries_.reserve(size + std::max(size, kAtOnce));
  if (2 * (size + 1) > table_.size()) grow_table();
}

std::optional<Segment::Added> Segment::add(std::string_view text, std::uint64_t count) {
  const std::uint64_t hash = seeded_hash(text, seed_);
  const std::size_t mask = table_.size() - 1;
  for (std::size_t at = hash & mask; table_[at].id_plus != 0; at = (at + 1) & mask) {
    if (table_[at].tag != tag_of(hash)) continue;
    Entry& entry = entries_[table_[at].id_plus - 1];
    if (entry.text != text) continue;
    entry.count += count;
    return Added{table_[at].id_plus - 1, false};
  }
  if (text.size() > kChunkBytes || bytes_ + text.size() + kEntryBytes > max_bytes_)
    return std::nullopt;
  make_room();
  const auto id = static_cast<std::uint32_t>(entries_.size());
  const std::string_view kept = keep(text);
  bytes_ += text.size() + kEntryBytes;
  entries_.push_back({kept, count});
  hashes_.push_back(hash);
  put(hash, id);
  return Added{id, true};
}

void Segment::repeat(std::uint32_t id, std::uint64_t count) { entries_.at(id).count += count; }

}  // namespace tlsrpt::sender
