// SPDX-License-Identifier: BSD-2-Clause
#include "milter/explanation.hpp"

#include <gtest/gtest.h>

#include "common/failure_advice.hpp"
#include "common/result_type.hpp"

namespace tlsrpt::milter {
namespace {

FailureSummary failure(std::string policy_type, std::string result_type, std::string reason,
                       std::string domain, std::string mx, std::uint64_t sessions) {
  FailureSummary summary;
  summary.policy_type = std::move(policy_type);
  summary.result_type = std::move(result_type);
  summary.failure_reason_code = std::move(reason);
  summary.policy_domain = std::move(domain);
  summary.receiving_mx_hostname = std::move(mx);
  summary.sessions = sessions;
  return summary;
}

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(FailureWords, are_a_result_type_alone_or_with_policy_type_and_reason) {
  const auto alone = parse_failure_words("Certificate_Expired");
  ASSERT_TRUE(alone);
  EXPECT_EQ(alone->result_type, "certificate-expired");
  EXPECT_EQ(alone->policy_type, "");

  const auto all = parse_failure_words("tlsa/validation-failure/a/b");
  ASSERT_TRUE(all);
  EXPECT_EQ(all->policy_type, "tlsa");
  EXPECT_EQ(all->result_type, "validation-failure");
  EXPECT_EQ(all->reason_code, "a/b");

  const auto reason = parse_failure_words("sts-policy-fetch-error/http-status-404");
  ASSERT_TRUE(reason);
  EXPECT_EQ(reason->policy_type, "");
  EXPECT_EQ(reason->reason_code, "http-status-404");
}

TEST(FailureWords, of_no_result_type_say_which_there_are) {
  const auto words = parse_failure_words("certificate-odd");
  ASSERT_FALSE(words);
  EXPECT_TRUE(holds(words.error().detail, "certificate-expired"));
  EXPECT_FALSE(parse_failure_words(""));
  EXPECT_FALSE(parse_failure_words("tlsa"));
}

TEST(Explanation, has_words_for_every_registered_result_type) {
  for (const std::string_view type : kResultTypes) {
    const std::string text = explain(FailureWords{"", std::string(type), ""});
    EXPECT_TRUE(text.starts_with(type));
    EXPECT_FALSE(holds(text, "not a result type"));
    EXPECT_GT(text.size(), 100u) << text;
  }
}

TEST(Explanation, depends_on_the_policy_type) {
  EXPECT_NE(explain(FailureWords{"tlsa", "starttls-not-supported", ""}),
            explain(FailureWords{"no-policy-found", "starttls-not-supported", ""}));
}

TEST(Explanation, of_a_summary_groups_what_means_the_same_and_puts_the_most_first) {
  Summary summary;
  summary.reports = 2;
  summary.failures = {
      failure("sts", "certificate-expired", "", "example.com", "mx1.example.com", 3),
      failure("tlsa", "tlsa-invalid", "tlsa-no-match", "mx2.example.com", "mx2.example.com", 9),
      failure("sts", "certificate-expired", "", "example.org", "", 4)};
  const std::string text = explain(summary);
  EXPECT_TRUE(holds(text, "certificate-expired under sts: 7 sessions\n")) << text;
  EXPECT_TRUE(holds(text, "Where: example.com at mx1.example.com, example.org.")) << text;
  EXPECT_TRUE(holds(text, "Where: mx2.example.com.")) << text;
  EXPECT_LT(text.find("tlsa-invalid"), text.find("certificate-expired"));
}

TEST(Explanation, of_a_summary_without_failures_says_so) {
  Summary summary;
  summary.reports = 1;
  EXPECT_EQ(explain(summary), "No failure was described in 1 report.\n");
}

TEST(Explanation, escapes_what_strangers_wrote_and_is_bounded) {
  Summary summary;
  for (unsigned i = 0; i < 100; ++i) {
    summary.failures.push_back(failure("sts", "certificate-expired", fmt::format("\x1b[2J{}", i),
                                       "example.com", "mx\x07.example.com", 1));
  }
  const std::string text = explain(summary);
  EXPECT_FALSE(holds(text, "\x1b"));
  EXPECT_FALSE(holds(text, "\x07"));
  EXPECT_TRUE(holds(text, "and 50 more kinds of failure"));
}

TEST(Explanation, fits_a_terminal) {
  for (const std::string_view type : kResultTypes) {
    std::string text = explain(FailureWords{"", std::string(type), ""});
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      EXPECT_LE(end, 78u) << text;
      text.erase(0, end + 1);
    }
  }
}

}  // namespace
}  // namespace tlsrpt::milter
