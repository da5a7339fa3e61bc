// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Where in a report is the reader? The brackets that are open, and what stood in each so far.

#include <cstdint>
#include <optional>
#include <vector>

#include "common/report_members.hpp"

namespace tlsrpt {

constexpr std::uint32_t bit(Member member) {
  return std::uint32_t{1} << static_cast<unsigned>(member);
}

enum class Place : std::uint8_t {
  ignored,          ///< a value that nobody asked for
  object,           ///< an object of the report
  policy_results,   ///< the array "policies"
  failure_details,  ///< the array "failure-details"
  texts,            ///< an array, the value of the current member of the frame below
  wrapping,         ///< an array around the one object that the member of the frame below is
};

/// One bracket that is open.
struct Frame {
  Place place = Place::ignored;
  ReportObject object = ReportObject::report;
  const FoundMember* member = nullptr;  ///< whose value comes next; null: nobody's
  std::uint32_t named = 0;              ///< members that were there at all
  std::uint32_t exact = 0;              ///< members with a value under their own name
  std::uint32_t other = 0;              ///< members with a value under another name
  bool taken = false;                   ///< texts, wrapping: the one that was wanted is found
  std::size_t owner = 0;   ///< of a member from elsewhere: the frame that it belongs to
  std::size_t values = 0;  ///< wrapping: that are neither objects nor arrays

  [[nodiscard]] bool empty() const { return (exact | other) == 0; }
  [[nodiscard]] bool has(Member wanted) const { return ((exact | other) & bit(wanted)) != 0; }
};

/// The frame that the innermost one's member from elsewhere belongs to; nothing if it can mean none
/// of those that are open. A member of the report itself does only if it has none of its own, and
/// what the report itself has of a policy belongs to the report's frame.
std::optional<std::size_t> owner_of_misplaced(const std::vector<Frame>& frames);

}  // namespace tlsrpt
