// SPDX-License-Identifier: BSD-2-Clause
#include "sender/segment_store.hpp"

#include <algorithm>
#include <exception>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "sender/log_record.hpp"
#include "sender/outbound_writer.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kReadAtOnce = 8192;  // texts, before they are sorted and written

/// A text that was not counted before today.
struct NewText {
  std::size_t entry = 0;
  Day day;
  BookedTexts::Key key;
  Outcome outcome;
  bool whole = true;  ///< nothing in it was bad
};

Result<void> write_extras(OutboundWriter& writer, const Extras& extras) {
  for (const auto& [name, increment] : extras.counters) {
    if (auto done = writer.add_counter(name, increment); !done) return done;
  }
  for (const auto& [name, value] : extras.gauges) {
    if (auto done = writer.set_gauge(name, value); !done) return done;
  }
  return {};
}

/// Does the outcome speak of an MTA-STS policy in mode testing?
bool is_about_testing(const Outcome& outcome) {
  return std::any_of(
      outcome.policies.begin(), outcome.policies.end(), [](const PolicyOutcome& policy) {
        const auto& lines = policy.policy.policy_string;
        return policy.policy.policy_type == "sts" &&
               std::find(lines.begin(), lines.end(), "mode: testing") != lines.end();
      });
}

/// Up to where the logs have been counted, before this segment and with it.
class LogPositions {
 public:
  explicit LogPositions(const std::vector<LogPosition>& stored) {
    for (const LogPosition& position : stored) {
      generations_[log_source_id(position.source)] = position.generation;
      newest_[position.source] = position;
    }
  }
  void note(LogPosition position) {
    const auto [place, fresh] = newest_.try_emplace(position.source);
    if (!fresh && !is_later(position, place->second)) return;
    changed_[position.source] = true;
    place->second = std::move(position);
  }
  /// Somebody has followed that log since, from where the database stood.
  [[nodiscard]] bool has_superseded(const LogOutcome& outcome) const {
    const auto found = generations_.find(outcome.source);
    return found != generations_.end() && outcome.generation < found->second;
  }
  Result<void> write(OutboundStore& store, Seconds now) const {
    for (const auto& [source, changed] : changed_) {
      if (auto done = store.set_log_position(newest_.at(source), now); !done) return done;
    }
    return {};
  }

 private:
  std::map<std::uint64_t, std::uint64_t> generations_;
  std::map<std::string, LogPosition> newest_;
  std::map<std::string, bool> changed_;
};

}  // namespace

/// One transaction.
struct SegmentStore::Pass {
  const Segment& segment;
  OutboundWriter writer;
  LogPositions positions;
  SegmentResult result;
  std::vector<NewText> fresh;
};

SegmentStore::SegmentStore(SegmentStoreSettings settings, const Clock& clock)
    : settings_(std::move(settings)), clock_(clock) {}

Result<void> SegmentStore::open() {
  if (store_ && !store_->database().has_moved()) return {};
  store_.reset();
  booked_.forget_all();
  auto store =
      OutboundStore::open(settings_.path, SqliteMode::read_write_create, settings_.busy_timeout_ms);
  if (!store) return tl::unexpected(store.error());
  // Rows of a large day are looked for all over its index.
  if (auto done = store->database().execute("PRAGMA cache_size=-65536"); !done) return done;
  store_ = std::make_unique<OutboundStore>(std::move(*store));
  return {};
}

Result<SegmentResult> SegmentStore::add(const ClosedSegment& segment, const Extras& extras) {
  if (auto opened = open(); !opened) return tl::unexpected(opened.error());
  auto result = [&]() -> Result<SegmentResult> {
    // Memory that is short now may be there at the next try; the thread must not die of it.
    try {
      return add_within(segment, extras);
    } catch (const std::exception& error) {
      return fail(ErrorCode::temporary, "cannot write outcomes: {}", error.what());
    }
  }();
  if (!result) {
    booked_.forget_all();  // it may speak of rows that were rolled back
    store_.reset();
  }
  return result;
}

Result<SegmentResult> SegmentStore::add_within(const ClosedSegment& segment, const Extras& extras) {
  Sqlite& database = store_->database();
  auto transaction = Transaction::begin(database);
  if (!transaction) return tl::unexpected(transaction.error());
  const auto applied = store_->applied(segment.journal);
  if (!applied) return tl::unexpected(applied.error());
  if (segment.number <= *applied) {
    SegmentResult before;
    before.counted_before = true;
    return before;
  }
  auto writer = OutboundWriter::prepare(database, settings_.bounds, clock_.now());
  if (!writer) return tl::unexpected(writer.error());
  const auto positions = store_->log_positions();
  if (!positions) return tl::unexpected(positions.error());
  Pass pass{*segment.segment, std::move(*writer), LogPositions(*positions), {}, {}};
  if (auto done = add_entries(pass); !done) return tl::unexpected(done.error());
  if (auto done = pass.positions.write(*store_, clock_.now()); !done) {
    return tl::unexpected(done.error());
  }
  if (auto done = write_extras(pass.writer, extras); !done) return tl::unexpected(done.error());
  const SegmentResult& result = pass.result;
  std::map<std::string, std::uint64_t> counters{{"read", result.read},
                                                {"counted", result.counted},
                                                {"left-to-log", result.left_to_log},
                                                {"log-superseded", result.superseded}};
  for (const auto& [reason, texts] : result.bad_texts) {
    counters[std::string("bad-").append(to_word(reason))] = texts.times;
  }
  if (auto done = write_extras(pass.writer, {std::move(counters), {}}); !done) {
    return tl::unexpected(done.error());
  }
  if (auto done = write_samples(result); !done) return tl::unexpected(done.error());
  auto flush = pass.writer.finish();
  if (!flush) return tl::unexpected(flush.error());
  pass.result.flush = std::move(*flush);
  if (auto done = store_->set_applied(segment.journal, segment.number, clock_.now()); !done) {
    return tl::unexpected(done.error());
  }
  if (auto done = transaction->commit(); !done) return tl::unexpected(done.error());
  return std::move(pass.result);
}

Result<void> SegmentStore::add_entries(Pass& pass) {
  const auto& entries = pass.segment.entries();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Segment::Entry& entry = entries[i];
    Day day = pass.segment.day();
    std::string_view datagram = entry.text;
    if (is_marked(entry.text)) {
      if (auto position = read_log_position(entry.text)) {
        pass.positions.note(std::move(*position));
        continue;
      }
      if (const auto outcome = read_log_outcome(entry.text)) {
        if (pass.positions.has_superseded(*outcome)) {
          pass.result.superseded += entry.count;
          continue;
        }
        day = outcome->day;
        datagram = outcome->datagram;
      }
    }
    if (auto added = add_text(pass, i, day, datagram); !added) return added;
  }
  return add_new(pass);
}

Result<void> SegmentStore::add_text(Pass& pass, std::size_t index, Day day,
                                    std::string_view datagram) {
  const Segment::Entry& entry = pass.segment.entries()[index];
  const bool of_log = is_marked(entry.text);
  pass.result.read += entry.count;
  // The text of a log's outcome has its own day in it.
  const BookedTexts::Key key = booked_.key_of(entry.text);
  if (const auto* rows = booked_.find(pass.segment.day(), key)) {
    const auto repeated = repeat(pass, *rows, entry.count);
    if (!repeated) return tl::unexpected(repeated.error());
    if (*repeated) return {};
  }
  ReadOutcomeResult read = read_outcome(datagram, settings_.limits);
  if (!read.bad.empty()) pass.result.bad += entry.count;
  for (const BadOutcome reason : read.bad) {
    BadTexts& texts = pass.result.bad_texts[reason];
    texts.times += entry.count;
    texts.text = datagram;
    texts.detail = read.detail;
  }
  if (settings_.testing_left_to_log && !of_log && is_about_testing(read.outcome)) {
    pass.result.left_to_log += entry.count;
    return {};
  }
  if (read.outcome.policies.empty()) return {};
  pass.fresh.push_back({index, day, key, std::move(read.outcome), read.bad.empty()});
  return pass.fresh.size() < kReadAtOnce ? Result<void>() : add_new(pass);
}

/// False: the rows are gone, which nobody but an administrator can bring about.
Result<bool> SegmentStore::repeat(Pass& pass, const std::vector<Booking>& rows,
                                  std::uint64_t count) {
  for (const Booking& row : rows) {
    const auto there = pass.writer.repeat(row, count);
    if (!there || !*there) return there;
  }
  pass.result.counted += count;
  return true;
}

/// Neighbours in the tables are written one after the other.
Result<void> SegmentStore::add_new(Pass& pass) {
  std::sort(pass.fresh.begin(), pass.fresh.end(),
            [](const NewText& a, const NewText& b) {
              return std::tie(a.day, a.outcome.domain) < std::tie(b.day, b.outcome.domain);
            });
  for (NewText& text : pass.fresh) {
    const std::uint64_t count = pass.segment.entries()[text.entry].count;
    auto booked = pass.writer.add(text.day, text.outcome, count);
    if (!booked) return tl::unexpected(booked.error());
    pass.result.counted += count;
    // A bad one is to be told each time.
    if (booked->plain && text.whole) {
      booked_.remember(pass.segment.day(), text.key, std::move(booked->rows));
    }
  }
  pass.fresh.clear();
  return {};
}

Result<void> SegmentStore::write_samples(const SegmentResult& result) {
  for (const auto& [reason, texts] : result.bad_texts) {
    auto kept = store_->keep_bad_sample(to_word(reason), clock_.now(), texts.times, texts.text);
    if (!kept) return kept;
  }
  return {};
}

Result<void> SegmentStore::add(const Extras& extras) {
  if (auto opened = open(); !opened) return opened;
  auto result = [&]() -> Result<void> {
    auto transaction = Transaction::begin(store_->database());
    if (!transaction) return tl::unexpected(transaction.error());
    auto writer = OutboundWriter::prepare(store_->database(), settings_.bounds, clock_.now());
    if (!writer) return tl::unexpected(writer.error());
    if (auto done = write_extras(*writer, extras); !done) return done;
    return transaction->commit();
  }();
  if (!result) store_.reset();
  return result;
}

Result<bool> SegmentStore::has(std::uint64_t journal, std::uint64_t number) {
  if (auto opened = open(); !opened) return tl::unexpected(opened.error());
  const auto applied = store_->applied(journal);
  if (!applied) return tl::unexpected(applied.error());
  return number <= *applied;
}

}  // namespace tlsrpt::sender
