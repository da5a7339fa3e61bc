// SPDX-License-Identifier: BSD-2-Clause
#include "common/log.hpp"

#include <gtest/gtest.h>

namespace tlsrpt {
namespace {

TEST(LogLine, is_one_line_of_keys_and_values) {
  LogLine line("report-stored");
  line.add("queue_id", "4F2A").add("sessions", std::uint64_t{12}).add("delta", std::int64_t{-1});
  line.add("organization", "Evil\r\nreport-stored queue_id=FORGED");
  EXPECT_EQ(line.text(),
            "report-stored queue_id=4F2A sessions=12 delta=-1 "
            "organization=\"Evil\\x0d\\x0areport-stored queue_id=FORGED\"");
}

TEST(LogLine, an_error_says_its_kind_and_what_happened) {
  LogLine line("flush-failed");
  line.add(Error{ErrorCode::database, "disk is full"});
  EXPECT_EQ(line.text(), "flush-failed error=database detail=\"disk is full\"");
}

TEST(Log, an_unknown_facility_is_refused) {
  LogSettings settings;
  settings.syslog = true;
  settings.facility = "nonsense";
  EXPECT_FALSE(make_log(settings));
}

TEST(Log, lines_above_the_level_are_not_written) {
  LogSettings settings;
  settings.program = "test";
  settings.level = LogLevel::warning;
  const auto log = make_log(settings);
  ASSERT_TRUE(log);
  testing::internal::CaptureStderr();
  (*log)->info(LogLine("quiet"));
  (*log)->warning(LogLine("loud"));
  const std::string written = testing::internal::GetCapturedStderr();
  EXPECT_EQ(written.find("quiet"), std::string::npos);
  EXPECT_NE(written.find("loud\n"), std::string::npos);
}

}  // namespace
}  // namespace tlsrpt
