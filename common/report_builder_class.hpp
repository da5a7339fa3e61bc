// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The class behind build_report(), for its own two files only.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/json_scanner.hpp"
#include "common/report_builder.hpp"
#include "common/report_draft.hpp"
#include "common/report_frames.hpp"
#include "common/report_shape.hpp"

namespace tlsrpt {

/// Follows the tokens of one value and hands what a report has to the draft: brackets and names in
/// report_builder.cpp, what stands between them in report_builder_values.cpp.
class ReportBuilder {
 public:
  ReportBuilder(std::string_view json, const ReportLimits& limits)
      : json_(json), scanner_(json), limits_(limits), draft_(limits, json.size()) {}

  BuiltReport run();

 private:
  using Token = JsonScanner::Token;

  Token read_value();
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

  bool scalar(const JsonScalar& scalar);
  void member_value(Frame& frame, const JsonScalar& scalar);
  void element_value(Frame& frame, const JsonScalar& scalar);
  void wrapped_value(Frame& frame, const JsonScalar& scalar);
  void object_value(Frame& frame, const JsonScalar& scalar);
  bool unpack(const JsonScalar& scalar);
  void take_range(Frame& frame, const JsonScalar& scalar);
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
  bool packed_ = false;        ///< what is read stood in a text
};

}  // namespace tlsrpt
