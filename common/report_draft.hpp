// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// A report while it is being read: takes values one by one, in whatever order they come, and says
// in the end whether they make a report.

#include <optional>
#include <string>
#include <string_view>

#include "common/report_members.hpp"
#include "common/report_reader.hpp"
#include "common/report_values.hpp"

namespace tlsrpt {

/// Values go to the policy and to the failure details that were opened last. The object that is
/// passed along is where the member stood: policy_result for those of a policy that is not nested.
class ReportDraft {
 public:
  /// Of a text of that size, which says how much room may be needed.
  ReportDraft(const ReportLimits& limits, std::size_t text_size);

  Flags& flags() { return outcome_.flags; }
  void refuse(Refusal refusal, std::string detail);
  [[nodiscard]] bool refused() const { return !outcome_.accepted(); }
  /// The value of a member is of another kind than the RFC has there.
  void flag_kind(const FoundMember& found);

  /// False and refused if there are too many.
  bool open_policy_result();
  void drop_policy_result();
  void close_policy_result(bool has_summary);
  /// Its domain, if it does not say one itself and the name is one.
  void name_policy(std::string_view name);
  [[nodiscard]] std::size_t policies() const { return outcome_.report.policies.size(); }

  /// False and flagged if there are too many.
  bool open_failure_details();
  void drop_failure_details();
  void close_failure_details(bool has_count);

  /// Forgets the value of a member that is a list or an object.
  void clear(ReportObject object, Member member);
  void set_text(ReportObject object, Member member, std::string_view text);
  void add_texts(ReportObject object, Member member, const JsonScalar& scalar);
  void set_count(Member member, std::optional<std::uint64_t> count);
  void set_time(Member member, Seconds time);
  /// What stood where a time belongs, to be shown if there is no other.
  void note_no_time(std::string_view text);

  /// The verdict; the draft is empty afterwards.
  ReadOutcome finish();

 private:
  PolicyResult& result() { return outcome_.report.policies.back(); }
  FailureDetails& details() { return result().failure_details.back(); }
  Policy& policy_of(ReportObject object) {
    return object == ReportObject::policy ? result().policy : lifted_;
  }
  bool complete_date_range();
  void judge();

  const ReportLimits& limits_;
  ReadOutcome outcome_;
  Policy lifted_;  ///< members of the current policy that stand one level up
  std::optional<Seconds> start_;
  std::optional<Seconds> end_;
  std::string no_time_;
  std::size_t details_ = 0;  ///< of all policies
  std::size_t first_room_;   ///< for failure details of the policy that has some first
  bool any_count_ = false;
};

}  // namespace tlsrpt
