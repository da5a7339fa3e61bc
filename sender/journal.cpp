// SPDX-License-Identifier: BSD-2-Clause
#include "sender/journal.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "sender/journal_folder.hpp"
#include "sender/log_record.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kMaxSpare = 2;

}  // namespace

std::unique_ptr<Journal> Journal::open(JournalSettings settings) {
  JournalFolder folder = JournalFolder::claim(settings.folders, settings.database);
  std::unique_ptr<Journal> journal(new Journal(std::move(settings), std::move(folder)));
  journal->next_number_ = journal->folder_.last_number() + 1;
  return journal;
}

Journal::Journal(JournalSettings settings, JournalFolder folder)
    : settings_(std::move(settings)), folder_(std::move(folder)) {
  if (!folder_.usable()) state_.file_error = folder_.why_not();
}

Journal::~Journal() = default;

std::unique_ptr<Segment> Journal::fresh_segment() {
  if (spare_.empty()) return std::make_unique<Segment>(settings_.max_segment_bytes);
  auto segment = std::move(spare_.back());
  spare_.pop_back();
  return segment;
}

void Journal::open_segment(Day day) {
  auto segment = fresh_segment();
  segment->begin(day);
  open_ = std::move(segment);
  open_number_ = next_number_++;
  file_ = JournalFile();
  if (!folder_.usable()) return;
  auto file = JournalFile::create(folder_.path_of(open_number_),
                                  {folder_.id(), open_number_, open_number_, day});
  if (file) {
    file_ = std::move(*file);
  } else {
    state_.file_error = file.error();
  }
}

void Journal::close_segment() {
  ClosedSegment closed{std::move(open_), folder_.id(), open_number_, open_number_, {}, false};
  if (file_.bytes() > 0) closed.files.push_back(folder_.path_of(open_number_));
  closed.on_disk = file_.usable();
  file_ = JournalFile();
  closed_.push_back(std::move(closed));
  wanted_.notify_one();
}

/// Until one more segment can be closed; false if nobody takes any. Who has waited once in vain
/// does not wait again until somebody does: the caller has signals to look at, too.
bool Journal::wait_for_room(std::unique_lock<std::mutex>& lock) {
  const auto has_room = [this] { return closed_.size() < settings_.max_closed; };
  if (!impatient_) impatient_ = !taken_.wait_for(lock, settings_.patience, has_room);
  return has_room();
}

void Journal::write_batch() {
  if (!batch_.empty() && file_.usable()) {
    if (auto written = file_.append(batch_.finish()); !written) state_.file_error = written.error();
  }
  batch_.clear();
}

/// False: there is no room for it, and somebody has waited for long enough.
bool Journal::append_one(std::unique_lock<std::mutex>& lock, Day day, std::string_view text,
                         bool may_wait) {
  for (;;) {
    if (!open_) open_segment(day);
    if (const auto added = open_->add(text)) {
      batch_.add(*added, text);
      return true;
    }
    write_batch();
    // Too large for any segment, or nobody comes to take this one.
    if (open_->empty() || closed_.size() >= settings_.max_closed) {
      if (open_->empty() || !may_wait || !wait_for_room(lock)) return false;
      continue;  // another thread may have been here meanwhile
    }
    close_segment();
  }
}

void Journal::append(Day day, std::span<const std::string_view> texts) {
  std::unique_lock lock(mutex_);
  if (open_ && open_->day() != day) {
    // A clock that goes to and fro must not make segments without end.
    if (closed_.size() >= settings_.max_closed) wait_for_room(lock);
    if (open_ && open_->day() != day) close_segment();
  }
  bool may_wait = true;
  for (const std::string_view marked : texts) {
    const std::string_view text = unmarked(marked);
    try {
      if (append_one(lock, day, text, may_wait)) continue;
    } catch (const std::bad_alloc&) {
      // This one is lost, the collector is not.
    }
    may_wait = false;  // once for all of them
    ++state_.dropped;
  }
  write_batch();
}

bool Journal::append_whole(Day day, std::span<const Segment::Entry> texts,
                           std::chrono::milliseconds patience) {
  std::size_t needed = 0;
  for (const auto& [text, count] : texts) needed += Segment::bytes_for(text);
  std::unique_lock lock(mutex_);
  const auto fits = [&] {
    return !open_ || (open_->day() == day && open_->bytes() + needed <= open_->max_bytes());
  };
  // A log can wait on its disk, datagrams cannot: they keep the other places.
  const auto may_append = [&] { return fits() || closed_.size() < (settings_.max_closed + 1) / 2; };
  if (!taken_.wait_for(lock, patience, may_append)) return false;
  if (!fits()) close_segment();
  if (!open_) open_segment(day);
  for (const auto& [text, count] : texts) {
    try {
      if (const auto added = open_->add(text, count)) {
        batch_.add(*added, text, count);
        continue;
      }
    } catch (const std::bad_alloc&) {
      // This one is lost, the collector is not.
    }
    state_.dropped += count;
  }
  write_batch();
  return true;
}

void Journal::wait_until(std::chrono::steady_clock::time_point time, bool until_full) {
  std::unique_lock lock(mutex_);
  wanted_.wait_until(lock, time, [&] { return woken_ || (until_full && !closed_.empty()); });
  woken_ = false;
}

void Journal::wake() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  wanted_.notify_one();
}

std::optional<ClosedSegment> Journal::take_closed() {
  if (closed_.empty()) return std::nullopt;
  ClosedSegment segment = std::move(closed_.front());
  closed_.pop_front();
  impatient_ = false;
  taken_.notify_all();
  return segment;
}

std::optional<ClosedSegment> Journal::take() {
  const std::lock_guard lock(mutex_);
  if (closed_.empty() && open_ && !open_->empty()) close_segment();
  return take_closed();
}

std::optional<ClosedSegment> Journal::take_full() {
  const std::lock_guard lock(mutex_);
  return take_closed();
}

void Journal::forget(ClosedSegment segment) {
  for (const std::string& file : segment.files) folder_.remove(file);
  if (!segment.segment || segment.segment->max_bytes() != settings_.max_segment_bytes) return;
  segment.segment->begin({});
  const std::lock_guard lock(mutex_);
  if (spare_.size() < kMaxSpare) spare_.push_back(std::move(segment.segment));
}

JournalState Journal::take_state() {
  const std::lock_guard lock(mutex_);
  JournalState state = std::exchange(state_, {});
  state.open_bytes = open_ ? open_->bytes() : 0;
  return state;
}

Result<void> Journal::rewrite(ClosedSegment& segment) {
  if (!folder_.usable()) return tl::unexpected(folder_.why_not());
  const std::string path = folder_.path_of(segment.number);
  const JournalHeader header{segment.journal, segment.number, segment.from, segment.segment->day()};
  if (auto written = write_journal_file(path, header, *segment.segment); !written) return written;
  for (const std::string& file : segment.files) {
    if (file != path) folder_.remove(file);
  }
  segment.files = {path};
  segment.on_disk = true;
  return {};
}

}  // namespace tlsrpt::sender
