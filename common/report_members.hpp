// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Which member of a report a stranger's member name means, at the place where it stands.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tlsrpt {

/// The kinds of object that a report is made of.
enum class ReportObject : std::uint8_t {
  report,
  date_range,
  policy_result,  ///< one element of "policies"
  policy,
  summary,
  failure_details,  ///< one element of "failure-details"
};

enum class Member : std::uint8_t {
  organization_name,
  date_range,
  contact_info,
  report_id,
  policies,
  start_datetime,
  end_datetime,
  policy,
  summary,
  failure_details,
  policy_type,
  policy_string,
  policy_domain,
  mx_host,
  total_successful_session_count,
  total_failure_session_count,
  result_type,
  sending_mta_ip,
  receiving_mx_hostname,
  receiving_mx_helo,
  receiving_ip,
  failed_session_count,
  additional_information,
  failure_reason_code,
};

/// What kind of value a member has by the RFC.
enum class MemberType : std::uint8_t {
  object,
  policy_results,   ///< array of objects
  failure_details,  ///< array of objects
  texts,            ///< array of strings
  count,
  time,
  text,
};

struct FoundMember {
  Member member;
  MemberType type;
  bool other_case = false;  ///< known only after folding to lower case
  bool alias = false;       ///< a name from a draft of the RFC, a sender's own, or misspelt
  bool lifted = false;      ///< belongs into an object of its own ("policy", "summary")
  /// The object that it belongs into, if it is not the one where it was found, nor in that one.
  std::optional<ReportObject> elsewhere = {};
  ReportObject object = ReportObject::report;  ///< that has it under this name
  std::string_view name = {};  ///< as it is spelt there, 4 to 32 bytes; "" for names of senders

  [[nodiscard]] bool own_name() const { return !other_case && !alias; }
};

/// Null for names that the RFC does not know at all (R52). Spelling counts for little: case,
/// hyphens and what stands in their place do not. What it points to is never gone: this is asked
/// for every member of every report, and copies would be most of the answer's time.
const FoundMember* find_member(ReportObject object, std::string_view name);

/// Guesses which member comes next. A sender writes those of an object in the same order each time,
/// which mostly is the RFC's, and a guess is checked faster than a name is found.
class MemberOrder {
 public:
  MemberOrder();  ///< the RFC's

  /// Behind 'last', or at the beginning of an object if that is null. Null if nothing is likely.
  [[nodiscard]] const FoundMember* next(ReportObject object, const FoundMember* last) const {
    const FoundMember* const guess = next_[place(object, last)];
    return guess != nullptr && guess->object == object ? guess : nullptr;
  }

  /// What was found there.
  void learn(ReportObject object, const FoundMember* last, const FoundMember& found) {
    if (found.own_name() && !found.elsewhere) next_[place(object, last)] = &found;
  }

 private:
  static constexpr auto kObjectCount = static_cast<std::size_t>(ReportObject::failure_details) + 1;
  static constexpr auto kMemberCount = static_cast<std::size_t>(Member::failure_reason_code) + 1;
  using Places = std::array<const FoundMember*, kObjectCount + kMemberCount>;

  static constexpr std::size_t place(ReportObject object, const FoundMember* last) {
    return last == nullptr ? static_cast<std::size_t>(object)
                           : kObjectCount + static_cast<std::size_t>(last->member);
  }
  static const Places kOfRfc;

  Places next_;
};

}  // namespace tlsrpt
