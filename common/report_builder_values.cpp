// SPDX-License-Identifier: BSD-2-Clause
#include <string>
#include <utility>

#include "common/ascii.hpp"
#include "common/report_builder_class.hpp"

namespace tlsrpt {
namespace {

using Kind = JsonScalar::Kind;

}  // namespace

bool ReportBuilder::claim_elsewhere(Frame& frame) {
  Frame& owner = frames_[frame.owner];
  const FoundMember& found = *frame.member;
  const std::uint32_t member = bit(found.member);
  if (((owner.exact | owner.other) & member) != 0) {
    draft_.flags().add(Flag::member_ignored);
    return false;
  }
  owner.other |= member;
  return true;
}

/// There is a list of policies, too.
void ReportBuilder::forget_loose_policy() {
  if (std::exchange(loose_policy_, false)) draft_.flags().add(Flag::member_ignored);
}

bool ReportBuilder::scalar(const JsonScalar& scalar) {
  if (frames_.empty()) return true;
  if (!count_value()) return false;
  Frame& frame = frames_.back();
  switch (frame.place) {
    case Place::ignored:
      return true;
    case Place::policy_results:
    case Place::failure_details:
      if (!unpack(scalar)) draft_.flags().add(Flag::details_dropped);
      return !draft_.refused();
    case Place::texts:
      element_value(frame, scalar);
      return true;
    case Place::wrapping:
      wrapped_value(frame, scalar);
      return true;
    case Place::object:
      if (frame.member != nullptr) member_value(frame, scalar);
      return !draft_.refused();
  }
  return true;
}

void ReportBuilder::member_value(Frame& frame, const JsonScalar& scalar) {
  const FoundMember& found = *frame.member;
  if (found.type == MemberType::count) return take_count(frame, scalar);
  if (found.type == MemberType::time) return take_time(frame, scalar);
  if (found.type == MemberType::text) {
    take_text(frame, scalar);
    return;
  }
  // Blanks are as if they were not there.
  if (scalar.kind == Kind::text && is_all_blank(scalar.value)) return;
  draft_.flag_kind(found);
  if (found.type != MemberType::texts) return object_value(frame, scalar);
  if (scalar.kind != Kind::null && claim(frame))
    draft_.add_texts(owner_of(frame).object, found.member, scalar);
}

/// Where an object or a list of objects belongs.
void ReportBuilder::object_value(Frame& frame, const JsonScalar& scalar) {
  if (unpack(scalar)) return;
  if (frame.member->member == Member::date_range) take_range(frame, scalar);
}

/// A text may hold as JSON what belongs in its place: that counts as if it stood there itself.
/// False if there is none in it. The frames have moved afterwards.
bool ReportBuilder::unpack(const JsonScalar& scalar) {
  if (scalar.kind != Kind::text || packed_ || !is_packed_json(scalar.value)) return false;
  const std::string text(scalar.value);  // which the outer scanner goes on to overwrite
  draft_.flags().add(Flag::text_type);
  packed_ = true;
  JsonScanner outer = std::exchange(scanner_, JsonScanner(text));
  const std::string_view outer_json = std::exchange(json_, text);
  read_value();
  json_ = outer_json;
  scanner_ = std::move(outer);
  packed_ = false;
  return true;
}

/// One time or two in place of the object that has them: "2026-03-01/2026-03-02".
void ReportBuilder::take_range(Frame& frame, const JsonScalar& scalar) {
  const LooseRange range = read_range(scalar, draft_.flags());
  if (!range.start) return draft_.note_no_time(scalar.value);
  if (!claim(frame)) return;
  draft_.set_time(Member::start_datetime, *range.start);
  if (range.end) draft_.set_time(Member::end_datetime, *range.end);
}

/// In an array around an object, which of a range of dates may be two times without the object.
void ReportBuilder::wrapped_value(Frame& frame, const JsonScalar& scalar) {
  Frame& owner = frames_[frames_.size() - 2];
  const std::size_t place = frame.values++;
  if (owner.member->member != Member::date_range || frame.taken) return;
  const auto time = read_time(scalar, draft_.flags());
  if (!time) return draft_.note_no_time(scalar.value);
  if (place == 0 && !claim(owner)) frame.taken = true;
  if (place < 2 && !frame.taken)
    draft_.set_time(place == 0 ? Member::start_datetime : Member::end_datetime, *time);
}

/// The object with the member whose texts the innermost array holds; lists may nest.
Frame& ReportBuilder::owner_of_texts() {
  std::size_t below = frames_.size() - 1;
  while (frames_[below].place == Place::texts) --below;
  return frames_[below];
}

/// An element of an array: all of them for a list, the first for a single text.
void ReportBuilder::element_value(Frame& frame, const JsonScalar& scalar) {
  Frame& owner = owner_of_texts();
  const Member member = owner.member->member;
  if (owner.member->type == MemberType::texts) {
    draft_.add_texts(owner_of(owner).object, member, scalar);
  } else if (frame.taken) {
    draft_.flags().add(Flag::member_ignored);
  } else if (owner.member->type == MemberType::time) {
    take_time(owner, scalar);
    frame.taken = true;
  } else {
    frame.taken = take_text(owner, scalar);
  }
}

void ReportBuilder::take_count(Frame& frame, const JsonScalar& scalar) {
  const auto count = read_count(scalar, draft_.flags());
  if (scalar.kind == Kind::null || is_all_blank(scalar.value) || !claim(frame)) return;
  const Frame& owner = owner_of(frame);
  const bool lifted =
      owner.object != ReportObject::summary && frame.member->member != Member::failed_session_count;
  if (lifted && owner.has(Member::summary)) return draft_.flags().add(Flag::member_ignored);
  draft_.set_count(frame.member->member, count);
}

void ReportBuilder::take_time(Frame& frame, const JsonScalar& scalar) {
  const auto time = read_time(scalar, draft_.flags());
  if (!time) {
    draft_.flags().add(Flag::date_format);
    draft_.note_no_time(scalar.value);
  } else if (claim(frame)) {
    draft_.set_time(frame.member->member, *time);
  }
}

/// False if there is no text in it.
bool ReportBuilder::take_text(Frame& frame, const JsonScalar& scalar) {
  const std::string_view text = read_text(scalar, limits_.max_string, draft_.flags());
  if (text.empty()) return false;
  if (claim(frame)) draft_.set_text(owner_of(frame).object, frame.member->member, text);
  return true;
}

}  // namespace tlsrpt
