// SPDX-License-Identifier: BSD-2-Clause
#include "common/report_filename.hpp"

#include <gtest/gtest.h>

namespace tlsrpt {
namespace {

Report sample() {
  Report report;
  report.contact_info = "tls@sender.example";
  report.date_range = {Seconds{std::chrono::seconds{1772323200}},
                       Seconds{std::chrono::seconds{1772409599}}};
  report.policies.resize(2);
  report.policies[0].policy = {"sts", {}, "a.example", {}};
  report.policies[1].policy = {"tlsa", {}, "mx.a.example", {}};
  return report;
}

bool says_the_same(std::string_view name, const Report& report = sample()) {
  const auto parsed = parse_report_filename(name);
  EXPECT_TRUE(parsed.has_value()) << name;
  return parsed && agrees(*parsed, report);
}

TEST(ReportFilename, has_four_fields_and_may_have_more) {  // R127-R131
  const auto name = parse_report_filename("Sender.Example!b\xc3\xbc.example!0!86399!001.json.gz");
  ASSERT_TRUE(name.has_value());
  EXPECT_EQ(name->sender, "sender.example");
  EXPECT_EQ(name->domain, "xn--b-eha.example");
  EXPECT_EQ(name->begin.time_since_epoch().count(), 0);
  EXPECT_EQ(name->end.time_since_epoch().count(), 86399);
  for (const char* other : {"", "tls-report.json.gz", "a!b!1.json", "a!b!x!2.json", "a!b!1!2x.json",
                            "a!b!-1!2.json", "!b!1!2", "a!!1!2", "a!b!1!99999999999999", "!!!!!"}) {
    EXPECT_FALSE(parse_report_filename(other).has_value()) << other;
  }
}

TEST(ReportFilename, agrees_with_its_report) {
  EXPECT_TRUE(says_the_same("sender.example!a.example!1772323200!1772409599.json.gz"));
  EXPECT_TRUE(says_the_same("sender.example!A.Example.!1772323200!1772409599!x"));
  EXPECT_TRUE(says_the_same("sender.example!mx.a.example!1772323200!1772409600.json"))
      << "the next midnight ends the same day";
  EXPECT_FALSE(says_the_same("other.example!a.example!1772323200!1772409599.json.gz"));
  EXPECT_FALSE(says_the_same("sender.example!b.example!1772323200!1772409599.json.gz"));
  EXPECT_FALSE(says_the_same("sender.example!a.example!1772236800!1772409599.json.gz"));
  EXPECT_FALSE(says_the_same("sender.example!a.example!1772323200!1772495999.json.gz"));
}

TEST(ReportFilename, is_not_contradicted_by_what_the_report_leaves_out) {
  Report report = sample();
  report.contact_info.clear();
  EXPECT_TRUE(says_the_same("x.example!a.example!1772323200!1772409599.json", report));
  report.policies[0].policy.policy_domain.clear();
  EXPECT_TRUE(says_the_same("x.example!b.example!1772323200!1772409599.json", report))
      << "the name of an MX host is no mail domain (R77)";
}

}  // namespace
}  // namespace tlsrpt
