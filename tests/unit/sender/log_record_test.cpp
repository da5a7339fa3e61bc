// SPDX-License-Identifier: BSD-2-Clause
#include "sender/log_record.hpp"

#include <gtest/gtest.h>

#include "sender/outcome.hpp"

namespace tlsrpt::sender {
namespace {

TEST(LogRecord, a_position_is_read_as_it_was_written) {
  const LogPosition position{
      "/var/log/mail with\nodd name.log", 3, 18446744073709551615u, "a:1", 12345, ""};
  EXPECT_EQ(read_log_position(write_log_position(position)), position);
}

TEST(LogRecord, an_outcome_bears_its_source_its_generation_and_its_day) {
  const Day day = std::chrono::sys_days(std::chrono::year(2026) / 2 / 28);
  const std::string text = write_log_outcome({log_source_id("journal"), 7, day, "{\"d\":\"x\"}"});
  const auto outcome = read_log_outcome(text);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->source, log_source_id("journal"));
  EXPECT_EQ(outcome->generation, 7u);
  EXPECT_EQ(outcome->day, day);
  EXPECT_EQ(outcome->datagram, "{\"d\":\"x\"}");
  EXPECT_FALSE(read_log_position(text));
}

TEST(LogRecord, a_torn_text_is_neither) {
  const std::string position = write_log_position({"s", 1, 2, "c", 3, "e"});
  const std::string outcome = write_log_outcome({1, 2, Day{}, "{}"});
  for (std::size_t size = 0; size + 4 < position.size(); ++size) {
    EXPECT_FALSE(read_log_position(position.substr(0, size))) << size;
  }
  for (std::size_t size = 0; size + 2 < outcome.size(); ++size) {
    EXPECT_FALSE(read_log_outcome(outcome.substr(0, size))) << size;
  }
}

TEST(LogRecord, what_a_sender_marks_loses_its_mark_and_is_no_json) {
  const std::string text = write_log_outcome({1, 2, Day{}, R"({"d":"x.example","policies":[]})"});
  EXPECT_TRUE(is_marked(text));
  const std::string_view plain = unmarked(text);
  EXPECT_FALSE(is_marked(plain));
  EXPECT_EQ(read_outcome(plain).bad, std::vector{BadOutcome::not_json});
  EXPECT_EQ(unmarked("{}"), "{}");
}

TEST(LogRecord, later_is_a_later_generation_or_a_higher_number) {
  const LogPosition old{"s", 2, 900, "", 0, ""};
  const LogPosition next{"s", 3, 1, "", 0, ""};
  EXPECT_TRUE(is_later(next, old));
  EXPECT_FALSE(is_later(old, next));
  EXPECT_FALSE(is_later(old, old));
}

}  // namespace
}  // namespace tlsrpt::sender
