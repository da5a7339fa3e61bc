// SPDX-License-Identifier: BSD-2-Clause
// Mails that stand in archives, and what saved mails begin with.
#include <gtest/gtest.h>

#include "common/gzip.hpp"
#include "tests/unit/common/report_mails.hpp"
#include "tests/unit/common/zip_builder.hpp"

namespace tlsrpt {
namespace {

std::string mail_with(const std::string& id) {
  return mail_of({base64_part("application/tlsrpt+gzip", gzip(report_json(id)))});
}

std::string file(const std::string& bytes) { return summary(open_file_bytes(bytes)); }

constexpr const char* kFrom = "From a@b.example Sun Mar  1 00:00:00 2026\r\n";

TEST(PackedMail, is_opened_and_vouched_for_by_nobody) {  // R250
  const std::string zip = build_zip({{"a.eml", mail_with("1")}, {"b.eml", mail_with("2")}});
  const std::string both = "accepted 1 forwarded-message; accepted 2 forwarded-message";
  EXPECT_EQ(file(zip), both);
  EXPECT_EQ(opened(mail_of({base64_part("application/zip", zip)})), both);
  EXPECT_EQ(file(gzip(mail_with("1"))), "accepted 1 forwarded-message");
  EXPECT_EQ(file(build_zip({{"cur/1.host:2,S", mail_with("1")}})), "accepted 1 forwarded-message");
  const std::string mbox = kFrom + mail_with("1") + "\r\n" + kFrom + mail_with("2");
  EXPECT_EQ(file(build_zip({{"in.mbox", mbox}})), both);
  EXPECT_EQ(file(build_zip({{"a.json", report_json("1")}, {"b.eml", mail_with("2")}})),
            "accepted 1; accepted 2 forwarded-message");
}

TEST(PackedMail, names_the_member_that_it_was) {
  const auto outcomes = open_file_bytes(build_zip({{"a.eml", mail_with("1")}}));
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes.front().member, "a.eml");
}

TEST(PackedMail, takes_nothing_from_the_header_of_the_mail_around_it) {
  const std::string nameless = report_json("1", "");
  const std::string inner = mail_of({base64_part("application/tlsrpt+json", nameless)});
  const auto outer = open_message(
      mail_of({base64_part("application/zip", build_zip({{"a.eml", inner}}))},
              "TLS-Report-Domain: other.example\r\nTLS-Report-Submitter: other.example\r\n"));
  ASSERT_EQ(outer.outcomes.size(), 1u);
  EXPECT_EQ(outer.outcomes[0].report.policies.at(0).policy.policy_domain, "");
  EXPECT_FALSE(outer.outcomes[0].flags.has(Flag::submitter_mismatch));
}

TEST(PackedMail, is_opened_once_only_and_within_the_limits_of_all) {
  std::string mail = mail_with("1");
  for (int i = 0; i < 5; ++i)
    mail = mail_of({base64_part("application/zip", build_zip({{"a.eml", mail}}))});
  EXPECT_EQ(opened(mail), "not-json");
  MessageLimits limits;
  limits.report.max_reports = 1;
  const std::string zip = build_zip({{"a.eml", mail_with("1")}, {"b.eml", mail_with("2")}});
  EXPECT_EQ(summary(open_file_bytes(zip, limits)),
            "accepted 1 forwarded-message; too-many-reports");
  limits.max_parts = 1;
  const std::string parts = mail_of({part("", "a"), part("", "b"), part("", "c")});
  EXPECT_EQ(summary(open_file_bytes(build_zip({{"a.eml", parts}}), limits)),
            "no-report-part; message-too-many-parts");
}

TEST(PackedMail, without_a_report_is_no_news_beside_one) {
  const std::string other = single("Subject: hello", "world");
  EXPECT_EQ(file(build_zip({{"a.eml", other}, {"b.eml", mail_with("2")}})),
            "accepted 2 forwarded-message");
  EXPECT_EQ(file(build_zip({{"a.eml", other}})), "no-report-part");
  EXPECT_EQ(file(build_zip({{"a.txt", "hello"}})), "not-json");
}

TEST(PackedMail, a_saved_mail_may_begin_with_what_its_program_puts_there) {
  for (const char* junk : {"\xef\xbb\xbf", "\r\n\n", "\xef\xbb\xbf\r\n", "1234\n"}) {
    EXPECT_EQ(file(junk + mail_with("1")), "accepted 1 mail-damaged") << junk;
    EXPECT_EQ(without_junk_before_header(junk + mail_with("1")), mail_with("1")) << junk;
  }
  const std::string mbox = kFrom + mail_with("1") + "\r\n" + kFrom + mail_with("2");
  EXPECT_EQ(file("\xef\xbb\xbf\r\n" + mbox), "accepted 1; accepted 2");
  for (const char* text :
       {"", "\n\n", "12\n", "\xef\xbb\xbf", "text\nA: b\n", "1234567890123\nA: b"})
    EXPECT_EQ(without_junk_before_header(text), text);
}

TEST(PackedMail, json_behind_a_warning_is_a_report_where_one_was_announced) {
  const std::string warned = "[EXTERNAL] Do not click.\r\n\r\n" + report_json("1");
  EXPECT_EQ(opened(mail_of({part("Content-Type: application/tlsrpt+json", warned)})),
            "accepted 1 trailing-data");
  EXPECT_EQ(opened(mail_of({part("X: y", "Do not click.\r\n\r\n" + report_json("1"))})),
            "accepted 1 trailing-data");
  EXPECT_EQ(opened(single("Subject: What is this?", "Look:\r\n\r\n" + report_json("1"))),
            "no-report-part");
}

}  // namespace
}  // namespace tlsrpt
