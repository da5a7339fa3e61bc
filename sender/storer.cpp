// SPDX-License-Identifier: BSD-2-Clause
#include "sender/storer.hpp"

#include <unistd.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "common/file.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kManySegments = 16;  // then they are made into few
constexpr std::chrono::seconds kHeartbeat{60};
constexpr std::chrono::milliseconds kRetry{200};

std::uint64_t resident_bytes() {
  const auto text = read_file("/proc/self/statm", 256);
  if (!text) return 0;
  unsigned long long size = 0;
  unsigned long long resident = 0;
  if (std::sscanf(text->c_str(), "%llu %llu", &size, &resident) != 2) return 0;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t to_number(std::chrono::microseconds time) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 0));
}

}  // namespace

Storer::Storer(StorerSettings settings, Journal& journal, const Clock& clock, Log& log)
    : settings_(std::move(settings)),
      journal_(journal),
      clock_(clock),
      log_(log),
      store_(settings_.store, clock),
      backlog_(settings_.max_backlog_bytes),
      leftovers_(journal.folder().leftovers().begin(), journal.folder().leftovers().end()),
      bad_(log) {}

Result<void> Storer::open() {
  for (const std::string& path : journal_.folder().damaged()) {
    log_.error(LogLine("journal-damaged")
                   .add("file", path)
                   .add("hint", "outcomes in it cannot be read; the file may be removed"));
  }
  auto opened = store_.open();
  if (opened || opened.error().code != ErrorCode::temporary) return opened;
  failed(opened.error());
  return {};
}

void Storer::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const SteadyTime next = std::chrono::steady_clock::now() + settings_.flush_interval;
    // A full segment is taken at once, unless nothing can be done with it now.
    while (!stop.stop_requested() && std::chrono::steady_clock::now() < next) {
      journal_.wait_until(next, /*until_full=*/!failing_);
      if (!failing_) break;
    }
    flush();
  }
}

bool Storer::flush() {
  take_journal_state();
  take_segments();
  for (;;) {
    while (!backlog_.empty()) {
      if (!store_front()) return false;
      take_full_segments();
    }
    if (leftovers_.empty()) {
      replayed_ = true;
      return store_extras();
    }
    if (!replay_one()) return false;
    take_full_segments();
  }
}

void Storer::take_segments() {
  while (backlog_.has_room()) {
    auto segment = journal_.take();
    if (!segment) return;
    backlog_.push(std::move(*segment));
  }
}

/// Nobody has to wait for room while old outcomes are worked off.
void Storer::take_full_segments() {
  while (backlog_.has_room()) {
    auto segment = journal_.take_full();
    if (!segment) return;
    backlog_.push(std::move(*segment));
  }
}

bool Storer::store_front() {
  const SteadyTime begin = std::chrono::steady_clock::now();
  const Extras extras = this->extras();
  const auto result = store_.add(backlog_.front(), extras);
  if (!result) {
    failed(result.error());
    if (backlog_.size() > kManySegments) backlog_.compact(journal_);
    return false;
  }
  succeeded(*result, extras, begin);
  journal_.forget(backlog_.pop());
  return true;
}

/// Outcomes that an earlier process had received and not stored.
bool Storer::replay_one() {
  const Leftover& leftover = leftovers_.front();
  const auto counted = store_.has(leftover.header.journal, leftover.header.number);
  if (!counted) {
    failed(counted.error());
    return false;
  }
  if (!*counted) {
    ClosedSegment closed{std::make_unique<Segment>(settings_.max_backlog_bytes),
                         leftover.header.journal,
                         leftover.header.number,
                         leftover.header.from,
                         {leftover.path},
                         true};
    const auto read = read_journal_file(leftover.path, *closed.segment);
    if (!read) {
      failed(read.error());
      leftovers_.pop_front();  // the file stays, for the next start
      return true;
    }
    const SteadyTime begin = std::chrono::steady_clock::now();
    const Extras extras = this->extras();
    const auto result = store_.add(closed, extras);
    if (!result) {
      failed(result.error());
      return false;
    }
    log_.notice(LogLine("journal-replayed")
                    .add("file", leftover.path)
                    .add("outcomes", result->read)
                    .add("dropped", read->lost)
                    .add("torn", read->torn ? "yes" : "no"));
    succeeded(*result, extras, begin);
    count("dropped-memory", read->lost);
  }
  JournalFolder::remove(leftover.path);
  leftovers_.pop_front();
  return true;
}

/// Writes what was not written along with a segment; now and then only that the collector lives.
bool Storer::store_extras() {
  const SteadyTime now = std::chrono::steady_clock::now();
  const Extras rest = extras();
  if (rest.counters.empty() && now - written_at_ < kHeartbeat) return true;
  const auto done = store_.add(rest);
  if (!done) {
    failed(done.error());
    return false;
  }
  succeeded({}, rest, now);
  return true;
}

Extras Storer::extras() {
  Extras extras;
  {
    const std::lock_guard lock(mutex_);
    extras.counters = counters_;
  }
  extras.gauges = {
      {"written-at", static_cast<std::uint64_t>(clock_.now().time_since_epoch().count())},
      {"resident-bytes", resident_bytes()},
      {"waiting-bytes", std::uint64_t{backlog_.bytes()}},
      {"last-flush-microseconds", to_number(last_flush_)},
      {"longest-flush-microseconds", to_number(longest_flush_)}};
  return extras;
}

void Storer::succeeded(const SegmentResult& result, const Extras& written, SteadyTime begin) {
  written_at_ = std::chrono::steady_clock::now();
  last_flush_ = std::chrono::duration_cast<std::chrono::microseconds>(written_at_ - begin);
  longest_flush_ = std::max(longest_flush_, last_flush_);
  if (failing_) log_.notice(LogLine("flush-recovered"));
  failing_ = false;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, events] : written.counters) {
      if ((counters_[name] -= events) == 0) counters_.erase(name);
    }
    stats_.read += result.read;
    stats_.counted += result.counted;
    stats_.bad += result.bad;
    stats_.overflow += result.flush.overflow_sessions;
    stats_.folded += result.flush.folded_details;
    stats_.left_to_log += result.left_to_log;
  }
  log_result(result);
}

void Storer::failed(const Error& error) {
  failing_ = true;
  if (!failure_limit_.allow(clock_.now())) return;
  log_.error(LogLine("flush-failed")
                 .add(error)
                 .add("waiting_bytes", std::uint64_t{backlog_.bytes()})
                 .add("suppressed", failure_limit_.take_suppressed()));
}

void Storer::log_result(const SegmentResult& result) {
  const Seconds now = clock_.now();
  for (const auto& [reason, texts] : result.bad_texts) {
    bad_.note(reason, texts.times, texts.detail, texts.text, now);
  }
  if (result.flush.overflow_sessions > 0 && key_limit_.allow(now)) {
    log_.warning(LogLine("outcome-overflow")
                     .add("sessions", result.flush.overflow_sessions)
                     .add("keys", result.flush.keys)
                     .add("hint", "raise MaximumKeys to count them by domain"));
  }
  if (result.flush.folded_details > 0 && fold_limit_.allow(now)) {
    log_.notice(LogLine("details-folded")
                    .add("sessions", result.flush.folded_details)
                    .add("hint", "raise MaximumFailureDetails to see them apart"));
  }
}

void Storer::take_journal_state() {
  const JournalState state = journal_.take_state();
  const Seconds now = clock_.now();
  if (state.file_error && journal_limit_.allow(now)) {
    log_.warning(LogLine("journal-failed")
                     .add(*state.file_error)
                     .add("hint",
                          "until it can be written, a kill -9 costs the outcomes of a "
                          "FlushInterval"));
  }
  if (state.dropped == 0) return;
  {
    const std::lock_guard lock(mutex_);
    stats_.dropped += state.dropped;
    counters_["dropped-memory"] += state.dropped;
  }
  if (memory_limit_.allow(now, state.dropped)) {
    log_.error(LogLine("outcome-dropped")
                   .add("reason", "memory")
                   .add("suppressed", memory_limit_.take_suppressed()));
  }
}

bool Storer::finish(std::chrono::milliseconds patience) {
  const SteadyTime end = std::chrono::steady_clock::now() + patience;
  while (!flush()) {
    if (std::chrono::steady_clock::now() + kRetry >= end) break;
    std::this_thread::sleep_for(kRetry);
  }
  if (backlog_.empty()) return true;
  const bool kept = backlog_.save(journal_);
  if (kept) {
    log_.warning(LogLine("outcomes-kept")
                     .add("folder", journal_.folder().folder())
                     .add("hint", "the next collector stores them; see flush-failed"));
  } else {
    log_.error(LogLine("outcomes-lost")
                   .add("hint", "neither database nor journal could be written, see flush-failed"));
  }
  return kept;
}

void Storer::count(const std::string& name, std::uint64_t events) {
  if (events == 0) return;
  const std::lock_guard lock(mutex_);
  counters_[name] += events;
  stats_.events[name] += events;
}

CollectorStats Storer::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace tlsrpt::sender
