// SPDX-License-Identifier: BSD-2-Clause
#include "common/report_builder.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "common/ascii.hpp"
#include "common/json_scanner.hpp"
#include "common/report_draft.hpp"
#include "common/report_frames.hpp"
#include "common/report_shape.hpp"
#include "common/utf8.hpp"

namespace tlsrpt {
namespace {

using Kind = JsonScalar::Kind;
using Token = JsonScanner::Token;

JsonScalar scalar_of(Token token, std::string_view value) {
  if (token == Token::text) return {Kind::text, value};
  if (token == Token::number) return {Kind::number, value};
  if (token == Token::boolean) return {Kind::boolean, value};
  return {Kind::null};
}

/// Follows the tokens of one value and hands what a report has to the draft.
class ReportBuilder {
 public:
  ReportBuilder(std::string_view json, const ReportLimits& limits)
      : json_(json), scanner_(json), limits_(limits), draft_(limits, json.size()) {}

  BuiltReport run();

 private:
  bool take(Token token);
  void take_likely_name();
  void refuse_malformed();
  void name(std::string_view name);
  /// The current member is one of its own object.
  void note_member(Frame& frame) {
    if (frame.object == ReportObject::report) any_member_ = true;
    const std::uint32_t member = bit(frame.member->member);
    if ((frame.named & member) != 0) draft_.flags().add(Flag::duplicate_member);
    frame.named |= member;
  }
  void name_from_elsewhere(Frame& frame);
  bool belongs_in_report(const FoundMember& found);

  bool open(Place place, ReportObject object = ReportObject::report);
  bool open_object();
  bool refuse_members();

  /// One more member of an object or element of an array; those that nobody asked for cost time,
  /// too. False if there are too many.
  bool count_value() { return values_++ < limits_.max_members || refuse_members(); }

  bool open_object_of(Frame& frame);
  bool open_array();
  bool open_ignored();
  bool open_array_of(Frame& frame);
  [[nodiscard]] bool is_keyed(ReportObject element) const {
    return is_list_by_name(json_.substr(scanner_.position() - 1), element);
  }
  bool open_policy_result();
  bool open_failure_details();
  void close();
  void flag_misplaced(MemberType type);

  bool scalar(const JsonScalar& scalar);
  void member_value(Frame& frame, const JsonScalar& scalar);
  void element_value(Frame& frame, const JsonScalar& scalar);
  Frame& owner_of_texts();
  void take_count(Frame& frame, const JsonScalar& scalar);
  void take_time(Frame& frame, const JsonScalar& scalar);
  bool take_text(Frame& frame, const JsonScalar& scalar);

  /// True if the current member's new value replaces what there was: a later one does, but not one
  /// under another name if the member's own name has been seen.
  bool claim(Frame& frame) {
    const FoundMember& found = *frame.member;
    if (found.elsewhere) return claim_elsewhere(frame);
    const std::uint32_t member = bit(found.member);
    const bool own_name = found.own_name();
    if (!own_name && (frame.exact & member) != 0) return false;
    if (own_name && (frame.other & member) != 0) draft_.flags().add(Flag::member_ignored);
    (own_name ? frame.exact : frame.other) |= member;
    const bool single = found.type == MemberType::text || found.type == MemberType::count ||
                        found.type == MemberType::time;
    if (single) return true;
    draft_.clear(frame.object, found.member);
    if (found.member == Member::policies) forget_loose_policy();
    return true;
  }

  /// The object whose member the current one is.
  Frame& owner_of(Frame& frame) { return frame.member->elsewhere ? frames_[frame.owner] : frame; }
  bool claim_elsewhere(Frame& frame);
  void forget_loose_policy();

  std::string_view json_;
  JsonScanner scanner_;
  const ReportLimits& limits_;
  ReportDraft draft_;
  std::vector<Frame> frames_;
  MemberOrder order_;
  std::size_t values_ = 0;
  std::string key_;  ///< under which a policy stands, if they are no array
  bool any_member_ = false;
  std::uint32_t last_policy_ = 0;  ///< the members of the policy that was closed last
  bool loose_policy_ = false;  ///< opened for members of a policy that stand in the report itself
};

void ReportBuilder::refuse_malformed() {
  constexpr std::size_t kShown = 40;
  const std::string_view near = json_.substr(scanner_.position(), kShown);
  draft_.refuse(Refusal::not_json, fmt::format("no JSON from byte {} on, near '{}'",
                                               scanner_.position(), to_valid_utf8(near)));
}

/// Takes the next token if it is the name that was to be expected.
void ReportBuilder::take_likely_name() {
  if (frames_.empty() || frames_.back().place != Place::object) return;
  Frame& frame = frames_.back();
  const FoundMember* const likely = order_.next(frame.object, frame.member);
  if (likely == nullptr || !scanner_.take_name(likely->name)) return;
  if (likely->name.size() > limits_.max_string) draft_.flags().add(Flag::text_cut);
  frame.member = likely;
  note_member(frame);
}

void ReportBuilder::name(std::string_view name) {
  Frame& frame = frames_.back();
  if (name.size() > limits_.max_string) draft_.flags().add(Flag::text_cut);
  if (frame.place != Place::object) {
    if (frame.place == Place::policy_results) key_ = cut_utf8(name, limits_.max_string);
    return;
  }
  const FoundMember* const last = std::exchange(frame.member, find_member(frame.object, name));
  if (frame.member == nullptr) return;
  if (last != nullptr || frame.named == 0) order_.learn(frame.object, last, *frame.member);
  if (frame.member->elsewhere) return name_from_elsewhere(frame);
  if (frame.member->other_case) draft_.flags().add(Flag::member_case);
  if (frame.member->alias) draft_.flags().add(Flag::member_alias);
  note_member(frame);
}

void ReportBuilder::name_from_elsewhere(Frame& frame) {
  const auto owner = owner_of_misplaced(frames_);
  const bool taken = owner && (frames_.size() > 1 || belongs_in_report(*frame.member));
  draft_.flags().add(taken ? Flag::member_misplaced : Flag::member_ignored);
  if (taken) {
    frame.owner = *owner;
  } else {
    frame.member = nullptr;
  }
}

/// In the report itself stand its dates, or what its only policy lacks.
bool ReportBuilder::belongs_in_report(const FoundMember& found) {
  if (*found.elsewhere == ReportObject::date_range) return !frames_[0].has(Member::date_range);
  if (loose_policy_) return true;
  if (frames_[0].has(Member::policies)) {
    const bool of_result =
        found.member == Member::summary || found.member == Member::failure_details;
    return of_result && draft_.policies() == 1 && (last_policy_ & bit(found.member)) == 0;
  }
  loose_policy_ = draft_.open_policy_result();
  return loose_policy_;
}

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
      draft_.flags().add(Flag::details_dropped);
      return true;
    case Place::texts:
      element_value(frame, scalar);
      return true;
    case Place::wrapping:
      return true;
    case Place::object:
      if (frame.member != nullptr) member_value(frame, scalar);
      return true;
  }
  return true;
}

void ReportBuilder::member_value(Frame& frame, const JsonScalar& scalar) {
  const MemberType type = frame.member->type;
  if (type == MemberType::count) return take_count(frame, scalar);
  if (type == MemberType::time) return take_time(frame, scalar);
  if (type == MemberType::text) {
    take_text(frame, scalar);
    return;
  }
  // Blanks are as if they were not there.
  if (scalar.kind == Kind::text && is_all_blank(scalar.value)) return;
  if (type == MemberType::texts) {
    flag_misplaced(type);
    if (scalar.kind != Kind::null && claim(frame))
      draft_.add_texts(owner_of(frame).object, frame.member->member, scalar);
  } else {
    flag_misplaced(type);
  }
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

/// The value of a member is of another kind than the RFC has there.
void ReportBuilder::flag_misplaced(MemberType type) {
  Flags& flags = draft_.flags();
  switch (type) {
    case MemberType::object:
      return;  // its absence is what counts
    case MemberType::policy_results:
      return flags.add(Flag::policies_not_array);
    case MemberType::failure_details:
      return flags.add(Flag::failure_details_type);
    case MemberType::texts: {
      const bool mx_host = frames_.back().member->member == Member::mx_host;
      return flags.add(mx_host ? Flag::mx_host_type : Flag::policy_string_type);
    }
    case MemberType::count:
      return flags.add(Flag::count_invalid);
    case MemberType::time:
      return flags.add(Flag::date_format);
    case MemberType::text:
      return flags.add(Flag::text_type);
  }
}

bool ReportBuilder::refuse_members() {
  draft_.refuse(
      Refusal::json_too_many_members,
      fmt::format("more than {} members and elements (MaximumJSONMembers)", limits_.max_members));
  return false;
}

bool ReportBuilder::open(Place place, ReportObject object) {
  if (frames_.size() >= limits_.max_depth) {
    draft_.refuse(Refusal::json_too_deep,
                  fmt::format("more than {} levels (MaximumJSONDepth)", limits_.max_depth));
    return false;
  }
  if (!frames_.empty() && !count_value()) return false;
  frames_.push_back({place, object});
  return true;
}

bool ReportBuilder::open_object() {
  if (frames_.empty()) return open(Place::object);
  Frame& frame = frames_.back();
  switch (frame.place) {
    case Place::ignored:
      return open(Place::ignored);
    case Place::policy_results:
      return open_policy_result();
    case Place::failure_details:
      return open_failure_details();
    case Place::texts:
      draft_.flags().add(Flag::text_type);
      return open(Place::ignored);
    case Place::wrapping:
      if (std::exchange(frame.taken, true)) return open_ignored();
      return open_object_of(frames_[frames_.size() - 2]);
    case Place::object:
      return frame.member != nullptr ? open_object_of(frame) : open(Place::ignored);
  }
  return open(Place::ignored);
}

/// The value of a member is an object.
bool ReportBuilder::open_object_of(Frame& frame) {
  const Member member = frame.member->member;
  const MemberType type = frame.member->type;
  flag_misplaced(type);
  const bool single = type == MemberType::object || type == MemberType::policy_results ||
                      type == MemberType::failure_details;
  if (!single || !claim(frame)) return open(Place::ignored);
  if (type == MemberType::policy_results) {
    return is_keyed(ReportObject::policy_result) ? open(Place::policy_results)
                                                 : open_policy_result();
  }
  if (type == MemberType::failure_details) {
    return is_keyed(ReportObject::failure_details) ? open(Place::failure_details)
                                                   : open_failure_details();
  }
  if (member == Member::policy) return open(Place::object, ReportObject::policy);
  if (member == Member::summary) return open(Place::object, ReportObject::summary);
  return open(Place::object, ReportObject::date_range);
}

bool ReportBuilder::open_array() {
  if (frames_.empty()) return open(Place::ignored);
  Frame& frame = frames_.back();
  switch (frame.place) {
    case Place::ignored:
      return open(Place::ignored);
    case Place::policy_results:
    case Place::failure_details:
      draft_.flags().add(Flag::wrapped_in_array);
      return open(frame.place);
    case Place::texts:
      draft_.flags().add(Flag::text_type);
      return open(owner_of_texts().member->type == MemberType::texts ? Place::texts
                                                                     : Place::ignored);
    case Place::wrapping:
      return open_ignored();
    case Place::object:
      return frame.member != nullptr ? open_array_of(frame) : open(Place::ignored);
  }
  return open(Place::ignored);
}

/// The value of a member is an array.
bool ReportBuilder::open_array_of(Frame& frame) {
  const MemberType type = frame.member->type;
  switch (type) {
    case MemberType::policy_results:
      return open(claim(frame) ? Place::policy_results : Place::ignored);
    case MemberType::failure_details:
      return open(claim(frame) ? Place::failure_details : Place::ignored);
    case MemberType::texts:
      return open(claim(frame) ? Place::texts : Place::ignored);
    case MemberType::text:
      flag_misplaced(type);
      return open(Place::texts);
    case MemberType::object:
      draft_.flags().add(Flag::wrapped_in_array);
      return open(Place::wrapping);
    case MemberType::time:
      flag_misplaced(type);
      return open(Place::texts);
    case MemberType::count:
      flag_misplaced(type);
      return open(Place::ignored);
  }
  return open(Place::ignored);
}

/// What nobody asked for, although something else there was wanted.
bool ReportBuilder::open_ignored() {
  draft_.flags().add(Flag::member_ignored);
  return open(Place::ignored);
}

bool ReportBuilder::open_policy_result() {
  return draft_.open_policy_result() && open(Place::object, ReportObject::policy_result);
}

bool ReportBuilder::open_failure_details() {
  if (!draft_.open_failure_details()) return open(Place::ignored);
  return open(Place::object, ReportObject::failure_details);
}

/// The innermost bracket closes.
void ReportBuilder::close() {
  const Frame frame = frames_.back();
  frames_.pop_back();
  if (frame.place != Place::object) return;
  if (frames_.empty() && loose_policy_)
    return draft_.close_policy_result(frame.has(Member::summary));
  if (frame.object == ReportObject::policy_result) {
    last_policy_ = frame.exact | frame.other;
    draft_.name_policy(std::exchange(key_, {}));
    if (frame.empty()) {
      draft_.drop_policy_result();
    } else {
      draft_.close_policy_result(frame.has(Member::summary));
    }
  } else if (frame.object == ReportObject::failure_details) {
    if (frame.empty()) {
      draft_.drop_failure_details();
    } else {
      draft_.close_failure_details(frame.has(Member::failed_session_count));
    }
  } else if (frame.object == ReportObject::summary) {
    const bool complete = frame.has(Member::total_successful_session_count) &&
                          frame.has(Member::total_failure_session_count);
    if (!complete) draft_.flags().add(Flag::missing_count);
  }
}

/// False if nothing more is wanted.
bool ReportBuilder::take(Token token) {
  switch (token) {
    case Token::begin_object:
      return open_object();
    case Token::begin_array:
      return open_array();
    case Token::end_object:
    case Token::end_array:
      close();
      return true;
    case Token::name:
      name(scanner_.value());
      return true;
    case Token::text:
    case Token::number:
    case Token::boolean:
    case Token::null:
      return scalar(scalar_of(token, scanner_.value()));
    case Token::end:
      return false;
    case Token::malformed:
      refuse_malformed();
      return false;
  }
  return false;
}

BuiltReport ReportBuilder::run() {
  constexpr std::size_t kUsualDepth = 8;
  frames_.reserve(kUsualDepth);
  Token token = scanner_.next();
  while (take(token)) {
    take_likely_name();
    token = scanner_.next();
  }
  if (token == Token::end && !any_member_)
    draft_.refuse(Refusal::not_a_report, "JSON, but no object with a member of a report");
  BuiltReport built{draft_.finish(), std::nullopt};
  if (token == Token::end) built.end = scanner_.position();
  const JsonRepairs& repairs = scanner_.repairs();
  if (repairs.syntax) built.outcome.flags.add(Flag::repaired_json);
  if (repairs.invalid_utf8) built.outcome.flags.add(Flag::invalid_utf8);
  if (repairs.lone_surrogate) built.outcome.flags.add(Flag::lone_surrogate);
  return built;
}

}  // namespace

BuiltReport build_report(std::string_view json, const ReportLimits& limits) {
  return ReportBuilder(json, limits).run();
}

}  // namespace tlsrpt
