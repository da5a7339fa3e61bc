// SPDX-License-Identifier: BSD-2-Clause
#include "common/utc_time.hpp"

#include <gtest/gtest.h>

namespace tlsrpt {
namespace {

using std::chrono::seconds;

Seconds at(int year, unsigned month, unsigned day, int second_of_day = 0) {
  return Day{std::chrono::year{year} / std::chrono::month{month} / std::chrono::day{day}} +
         seconds{second_of_day};
}

TEST(UtcTime, a_day_is_read_only_in_its_one_spelling) {
  EXPECT_EQ(parse_day("2026-03-01"), at(2026, 3, 1));
  EXPECT_EQ(parse_day("2024-02-29"), at(2024, 2, 29));
  for (const char* bad : {"", "2026-3-1", "2026-03-01 ", " 2026-03-01", "2026-03-01T", "2025-02-29",
                          "2026-13-01", "2026-00-10", "2026-04-31", "26-03-01", "-026-03-01",
                          "+026-03-01", "2026/03/01", "today"}) {
    EXPECT_FALSE(parse_day(bad)) << bad;
  }
}

TEST(UtcTime, a_day_is_written_as_it_is_read) {
  for (const char* text : {"0000-01-01", "1969-12-31", "1970-01-01", "2026-03-01", "9999-12-31"}) {
    ASSERT_TRUE(parse_day(text)) << text;
    EXPECT_EQ(format_day(*parse_day(text)), text);
  }
}

TEST(UtcTime, times_are_written_with_upper_case_t_and_z) {  // R56, R57
  EXPECT_EQ(format_rfc3339(at(2026, 3, 1)), "2026-03-01T00:00:00Z");
  EXPECT_EQ(format_rfc3339(at(2026, 3, 1, 86399)), "2026-03-01T23:59:59Z");
  EXPECT_EQ(format_rfc3339(at(1969, 12, 31, 86399)), "1969-12-31T23:59:59Z");
}

TEST(UtcTime, times_no_calendar_text_can_hold_are_clamped) {
  EXPECT_EQ(format_rfc3339(Seconds::max()), "9999-12-31T23:59:59Z");
  EXPECT_EQ(format_rfc3339(Seconds::min()), "0000-01-01T00:00:00Z");
  EXPECT_EQ(format_day(Day::max()), "9999-12-31");
  EXPECT_EQ(format_rfc5322(Seconds::max()), "Fri, 31 Dec 9999 23:59:59 +0000");
}

TEST(UtcTime, date_header_names_the_weekday) {
  EXPECT_EQ(format_rfc5322(at(2026, 3, 1)), "Sun, 01 Mar 2026 00:00:00 +0000");
  EXPECT_EQ(format_rfc5322(at(2024, 2, 29, 3661)), "Thu, 29 Feb 2024 01:01:01 +0000");
}

TEST(UtcTime, date_time_is_read_in_every_spelling_seen_in_reports) {
  const Seconds midnight = at(2026, 3, 1);
  const struct {
    const char* text;
    Seconds time;
    bool deviates;
    const char* why;
  } table[] = {
      {"2026-03-01T00:00:00Z", midnight, false, "as the RFC has it"},
      {"2026-03-01T23:59:59Z", at(2026, 3, 1, 86399), false, "as the RFC has it"},
      {"2026-03-01t00:00:00z", midnight, false, "R58 lower case"},
      {"2026-03-01T02:00:00+02:00", midnight, false, "R58 offset"},
      {"2026-02-28T18:30:00-05:30", midnight, false, "R58 offset"},
      {"2026-03-01T00:00:00.5+00:00", midnight, false, "R58 fraction"},
      {"2026-03-01T00:00:00.123456789Z", midnight, false, "R58 fraction"},
      {"2026-03-01T23:59:60Z", at(2026, 3, 1, 86399), false, "leap second stays in its day"},
      {"2026-03-01T00:00:00", midnight, true, "R59 no zone"},
      {"2026-03-01 00:00:00", midnight, true, "blank, no zone"},
      {"2026-03-01 00:00:00Z", midnight, true, "blank"},
      {"2026-03-01 00:00:00 Z", midnight, true, "two blanks"},
      {"2026-03-01 00:00:00 UTC", midnight, true, "zone as a word"},
      {"2026-03-01T00:00:00 gmt", midnight, true, "zone as a word"},
      {"2026-03-01T02:00:00+0200", midnight, true, "no colon"},
      {"2026-03-01T02:00:00+02", midnight, true, "hours only"},
      {"2026-03-01T00:00Z", midnight, true, "no seconds"},
      {"2026-02-28T24:00:00Z", midnight, true, "R56 hour 24"},
      {"2026-03-01", midnight, true, "R61 date only"},
      {"  2026-03-01T00:00:00Z\r\n", midnight, true, "blanks around it"},
      {"2026-03-01T00:00:00,5Z", midnight, true, "ISO 8601's other decimal sign"},
      {"0000-01-01T00:00:00Z", at(0, 1, 1), false, "first year"},
      {"9999-12-31T23:59:59Z", at(9999, 12, 31, 86399), false, "last year"},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(std::string(row.text) + ": " + row.why);
    const auto read = read_date_time(row.text);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->time, row.time);
    EXPECT_EQ(read->deviates, row.deviates);
  }
}

TEST(UtcTime, what_is_no_date_is_not_guessed) {
  for (const char* bad : {"",
                          " ",
                          "yesterday",
                          "2026",
                          "2026-03",
                          "2026-03-01T",
                          "2026-03-01T0",
                          "2026-03-01T00",
                          "2026-03-01T25:00:00Z",
                          "2026-03-01T24:00:01Z",
                          "2026-03-01T00:60:00Z",
                          "2026-03-01T00:00:61Z",
                          "2026-03-01T00:00:00+24:00",
                          "2026-03-01T00:00:00+00:60",
                          "2026-03-01T00:00:00+",
                          "2026-03-01T00:00:00+0",
                          "2026-03-01T00:00:00+00:0",
                          "2026-03-01T00:00:00.Z",
                          "2026-03-01T00:00:00Zjunk",
                          "2026-03-01junk",
                          "2026-02-30T00:00:00Z",
                          "2026-03-01\nT00:00:00Z",
                          "03/01/2026",
                          "20260301T000000Z",
                          "12026-03-01T00:00:00Z"}) {
    EXPECT_FALSE(read_date_time(bad)) << bad;
  }
}

}  // namespace
}  // namespace tlsrpt
