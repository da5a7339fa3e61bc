// SPDX-License-Identifier: BSD-2-Clause
#include "common/report_frames.hpp"

namespace tlsrpt {

std::optional<std::size_t> owner_of_misplaced(const std::vector<Frame>& frames) {
  const Frame& frame = frames.back();
  const Member member = frame.member->member;
  const ReportObject wanted = *frame.member->elsewhere;
  // A row of failures may say anything about its policy, and its own members mean one row only.
  if (wanted == ReportObject::failure_details || frame.object == ReportObject::failure_details)
    return std::nullopt;
  if (wanted == ReportObject::report) {
    const bool fills_gap = member != Member::policies && !frames[0].has(member);
    return fills_gap ? std::optional<std::size_t>(0) : std::nullopt;
  }
  if (frame.object == ReportObject::report) return 0;
  if (frame.object == ReportObject::date_range || wanted == ReportObject::date_range)
    return std::nullopt;
  if (frame.object == ReportObject::policy && member == Member::policy) return frames.size() - 1;
  for (std::size_t i = frames.size() - 1; i > 0; --i) {
    if (frames[i].object == ReportObject::policy_result) return i;
  }
  return 0;  // of the only policy, which stands in the report itself
}

}  // namespace tlsrpt
