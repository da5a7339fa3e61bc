// SPDX-License-Identifier: BSD-2-Clause
#include "sender/backlog.hpp"

#include <utility>

namespace tlsrpt::sender {

namespace {

/// Adds the texts and files of one segment to another, which has room for them.
void merge(ClosedSegment& into, const ClosedSegment& from) {
  for (const Segment::Entry& entry : from.segment->entries()) {
    into.segment->add(entry.text, entry.count);
  }
  into.number = from.number;
  into.files.insert(into.files.end(), from.files.begin(), from.files.end());
  into.on_disk = into.on_disk && from.on_disk;
}

}  // namespace

void Backlog::push(ClosedSegment segment) {
  bytes_ += segment.segment->bytes();
  segments_.push_back(std::move(segment));
}

ClosedSegment Backlog::pop() {
  ClosedSegment segment = std::move(segments_.front());
  segments_.pop_front();
  bytes_ -= segment.segment->bytes();
  return segment;
}

void Backlog::compact(Journal& journal) {
  std::deque<ClosedSegment> merged;
  bool grew = false;  // the last one of them
  const auto write = [&] {
    // What cannot be written now stays in the files that it has, and in memory.
    if (grew) static_cast<void>(journal.rewrite(merged.back()));
    grew = false;
  };
  for (ClosedSegment& segment : segments_) {
    const bool fits = !merged.empty() && merged.back().journal == segment.journal &&
                      merged.back().segment->day() == segment.segment->day() &&
                      merged.back().segment->bytes() + segment.segment->bytes() <= max_bytes_;
    if (!fits) {
      write();
      merged.push_back(std::move(segment));
      continue;
    }
    if (!grew) {
      ClosedSegment larger{std::make_unique<Segment>(max_bytes_), 0, 0, 0, {}, true};
      larger.segment->begin(merged.back().segment->day());
      merge(larger, merged.back());
      larger.journal = merged.back().journal;
      larger.from = merged.back().from;
      merged.back() = std::move(larger);
      grew = true;
    }
    merge(merged.back(), segment);
  }
  write();
  segments_ = std::move(merged);
  bytes_ = 0;
  for (const ClosedSegment& segment : segments_) bytes_ += segment.segment->bytes();
}

bool Backlog::save(Journal& journal) {
  bool all = true;
  for (ClosedSegment& segment : segments_) {
    if (!segment.on_disk && !journal.rewrite(segment)) all = false;
  }
  return all;
}

}  // namespace tlsrpt::sender
