// SPDX-License-Identifier: BSD-2-Clause
#include "common/report_builder.hpp"

#include <fmt/format.h>

#include <utility>

#include "common/report_builder_class.hpp"
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

}  // namespace

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
  if (taken && frame.member->alias) draft_.flags().add(Flag::member_alias);
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
  draft_.flag_kind(*frame.member);
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
      draft_.flag_kind(*frame.member);
      return open(Place::texts);
    case MemberType::object:
      draft_.flags().add(Flag::wrapped_in_array);
      return open(Place::wrapping);
    case MemberType::time:
      draft_.flag_kind(*frame.member);
      return open(Place::texts);
    case MemberType::count:
      draft_.flag_kind(*frame.member);
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

/// To its end, or to where nothing more is wanted: then the last token is another one.
ReportBuilder::Token ReportBuilder::read_value() {
  Token token = scanner_.next();
  while (take(token)) {
    take_likely_name();
    token = scanner_.next();
  }
  return token;
}

BuiltReport ReportBuilder::run() {
  constexpr std::size_t kUsualDepth = 8;
  frames_.reserve(kUsualDepth);
  const Token token = read_value();
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

BuiltReport build_report(std::string_view json, const ReportLimits& limits) {
  return ReportBuilder(json, limits).run();
}

}  // namespace tlsrpt
