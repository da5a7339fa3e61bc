// SPDX-License-Identifier: BSD-2-Clause
#include "sender/log_header.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "common/utc_time.hpp"

namespace tlsrpt::sender {
namespace {

using std::chrono::year;

constexpr Seconds kNow{Day{year{2026} / 11 / 24}};

/// Local time is what TZ says.
class LogHeader : public testing::Test {
 protected:
  void SetUp() override { use_zone("UTC0"); }
  void TearDown() override { use_zone("UTC0"); }
  static void use_zone(const char* zone) {
    ::setenv("TZ", zone, 1);
    ::tzset();
  }
  static std::string time_of(std::string_view line, Seconds now = kNow) {
    LogHeaderReader reader;
    const auto parts = reader.read(line, now);
    return parts ? format_rfc3339(parts->at) : "none";
  }
};

TEST_F(LogHeader, of_traditional_syslog_is_taken_apart) {
  LogHeaderReader reader;
  const auto parts = reader.read("Nov 23 18:58:18 mta7 postfix-out/smtp[1039]: 4A1: text", kNow);
  ASSERT_TRUE(parts);
  EXPECT_EQ(format_rfc3339(parts->at), "2026-11-23T18:58:18Z");
  EXPECT_EQ(parts->program, LogProgram::postfix_smtp);
  EXPECT_EQ(parts->host, "mta7");
  EXPECT_EQ(parts->identity, "postfix-out/smtp");
  EXPECT_EQ(parts->pid, "1039");
  EXPECT_EQ(parts->text, "4A1: text");
}

TEST_F(LogHeader, has_many_forms) {
  for (const std::string_view line : {
           "<22>Nov  3 18:58:18 mta7 postfix/smtp[1]: x",
           "Nov 03 2026 18:58:18 mta7 postfix/smtp[1]: x",
           "Nov  3 18:58:18 mta7 postfix/smtp[1]: [ID 197553 mail.info] x",
           "2026-11-03T18:58:18+00:00 mta7 postfix/smtp[1]: x",
           "2026-11-03T20:58:18.123456+02:00 mta7 postfix/smtp[1]: x",
           "2026-11-03T13:58:18-0500 mta7 postfix/smtp[1]: x",
           "2026-11-03T18:58:18Z mta7 postfix/smtp[1]: x",
           "2026-11-03T18:58:18.1 mta7 postfix/smtp[1]: x",
           "<22>1 2026-11-03T18:58:18.1Z mta7 postfix/smtp 1 - - x",
           "<22>1 2026-11-03T18:58:18.1Z mta7 postfix/smtp 1 ID [a@1 b=\"c\"] x",
       }) {
    LogHeaderReader reader;
    const auto parts = reader.read(line, kNow);
    ASSERT_TRUE(parts) << line;
    EXPECT_EQ(format_rfc3339(parts->at), "2026-11-03T18:58:18Z") << line;
    EXPECT_EQ(parts->identity, "postfix/smtp") << line;
    EXPECT_EQ(parts->pid, "1") << line;
    EXPECT_EQ(parts->text, "x") << line;
  }
}

TEST_F(LogHeader, of_exims_own_log_has_a_local_time_or_a_zone) {
  EXPECT_EQ(time_of("2026-11-03 18:58:18 1vXy3k-0000Ab-1D Completed"), "2026-11-03T18:58:18Z");
  EXPECT_EQ(time_of("2026-11-03 18:58:18.123 +0200 1vXy3k-0000Ab-1D Completed"),
            "2026-11-03T16:58:18Z");
  use_zone("CET-1");
  EXPECT_EQ(time_of("2026-11-03 18:58:18 [77] 1vXy3k-0000Ab-1D Completed"), "2026-11-03T17:58:18Z");
}

TEST_F(LogHeader, of_traditional_syslog_is_in_local_time) {
  use_zone("CET-1CEST,M3.5.0,M10.5.0/3");
  EXPECT_EQ(time_of("Nov  3 00:30:00 mta7 postfix/smtp[1]: x"), "2026-11-02T23:30:00Z");
  EXPECT_EQ(time_of("Jul  3 00:30:00 mta7 postfix/smtp[1]: x"), "2026-07-02T22:30:00Z");
  EXPECT_EQ(time_of("2026-11-03T00:30:00Z mta7 postfix/smtp[1]: x"), "2026-11-03T00:30:00Z");
}

TEST_F(LogHeader, without_a_year_is_of_the_latest_one_that_is_not_in_the_future) {
  EXPECT_EQ(time_of("Dec 31 23:59:59 m sm-mta[1]: x"), "2025-12-31T23:59:59Z");
  EXPECT_EQ(time_of("Nov 24 23:00:00 m sm-mta[1]: x"), "2026-11-24T23:00:00Z");  // a clock ahead
  EXPECT_EQ(time_of("Nov 26 00:00:00 m sm-mta[1]: x"), "2025-11-26T00:00:00Z");
  EXPECT_EQ(time_of("Jan  1 00:00:10 m sm-mta[1]: x", Seconds{Day{year{2026} / 12 / 30}}),
            "2026-01-01T00:00:10Z");
  EXPECT_EQ(time_of("Jan  1 00:00:00 m sm-mta[1]: x",
                    Seconds{Day{year{2026} / 12 / 31}} + std::chrono::hours{1}),
            "2027-01-01T00:00:00Z");
  EXPECT_EQ(time_of("Feb 29 12:00:00 m sm-mta[1]: x"), "2024-02-29T12:00:00Z");
}

TEST_F(LogHeader, remembers_an_hour_only_for_lines_of_that_hour) {
  LogHeaderReader reader;
  const auto at = [&](std::string_view line, Seconds now) {
    return format_rfc3339(reader.read(line, now)->at);
  };
  EXPECT_EQ(at("Nov 23 18:00:01 m sm-mta[1]: x", kNow), "2026-11-23T18:00:01Z");
  EXPECT_EQ(at("Nov 23 18:59:59 m sm-mta[1]: x", kNow), "2026-11-23T18:59:59Z");
  EXPECT_EQ(at("Nov 23 19:00:00 m sm-mta[1]: x", kNow), "2026-11-23T19:00:00Z");
  EXPECT_EQ(at("Nov 23 18:00:01 m sm-mta[1]: x", kNow + std::chrono::days{365}),
            "2027-11-23T18:00:01Z");
}

TEST_F(LogHeader, of_other_programs_and_of_nothing_is_none) {
  for (const std::string_view line :
       {"", "x", "Nov 23 18:58:18 mta7 postfix/smtpd[1]: x", "Nov 23 18:58:18 mta7 kernel: x",
        "Nov 23 18:58:18 mta7 postfix/lmtp[1]: x", "Nov 32 18:58:18 mta7 postfix/smtp[1]: x",
        "Foo 23 18:58:18 mta7 postfix/smtp[1]: x", "Nov 23 25:58:18 mta7 postfix/smtp[1]: x",
        "Nov 23 18:58:18 mta7 last message repeated 2 times", "Nov 23 18:58:18 mta7 postfix/smtp[1",
        "2026-02-30T18:58:18Z mta7 postfix/smtp[1]: x", "Nov 23 18:58:18",
        "<22>1 2026-11-03T18:58:18Z mta7 postfix/smtp 1 - [a x", "<9999999>Nov"}) {
    EXPECT_EQ(time_of(line), "none") << line;
  }
}

}  // namespace
}  // namespace tlsrpt::sender
