// SPDX-License-Identifier: BSD-2-Clause
#include "milter/results_header.hpp"

#include <gtest/gtest.h>

namespace tlsrpt::milter {
namespace {

IntakeResult checked(Disposition disposition) {
  IntakeResult result;
  result.disposition = disposition;
  result.dkim.status = DkimStatus::pass;
  result.dkim.best.status = DkimStatus::pass;
  result.dkim.best.domain = "sender.example";
  result.dkim.best.selector = "s1";
  return result;
}

ReadOutcome refused(Refusal refusal) {
  ReadOutcome outcome;
  outcome.refusal = refusal;
  return outcome;
}

TEST(ResultsHeader, says_what_became_of_the_report) {
  IntakeResult result = checked(Disposition::stored);
  result.stored = {{1, false}};
  EXPECT_EQ(results_header(result, "mx.example.org"),
            "mx.example.org; tlsrpt=stored policy.reports=1; dkim=pass header.d=sender.example "
            "header.s=s1");
  result.stored = {{1, true}};
  EXPECT_EQ(results_header(result, "mx.example.org").find("mx.example.org; tlsrpt=duplicate "), 0u);
  result.stored = {{1, true}, {2, false}};
  result.outcomes = {{}, {}, refused(Refusal::not_json)};
  EXPECT_EQ(
      results_header(result, "mx").find("mx; tlsrpt=stored policy.reports=2 policy.refused=1;"),
      0u);
}

TEST(ResultsHeader, says_why_a_report_was_refused) {
  IntakeResult result = checked(Disposition::refused);
  result.dkim.status = DkimStatus::none;
  result.dkim.best = {};
  result.dkim.best.reason = "no-signature";
  result.outcomes = {refused(Refusal::not_authentic)};
  EXPECT_EQ(results_header(result, "mx"),
            "mx; tlsrpt=refused reason=\"not-authentic\"; dkim=none reason=\"no-signature\"");
  result.dkim.best.reason = "not-checked";
  result.outcomes = {refused(Refusal::too_large)};
  EXPECT_EQ(results_header(result, "mx"), "mx; tlsrpt=refused reason=\"too-large\"")
      << "what was not checked is not claimed";
}

TEST(ResultsHeader, leaves_out_what_is_no_plain_word) {
  IntakeResult result = checked(Disposition::stored);
  result.dkim.best.domain = "x\r\nForged: header";
  result.dkim.best.selector = "s; dkim=pass";
  EXPECT_EQ(results_header(result, "mx example"), "localhost; tlsrpt=stored; dkim=pass");
  EXPECT_EQ(results_header(result, ""), "localhost; tlsrpt=stored; dkim=pass");
  result.dkim.best.selector = std::string(256, 's');
  EXPECT_EQ(results_header(result, "mx"), "mx; tlsrpt=stored; dkim=pass");
}

TEST(ResultsHeader, puts_a_fault_of_ours_on_nobody) {
  EXPECT_EQ(results_header(checked(Disposition::failed), "mx").find("mx; tlsrpt=temperror"), 0u);
  EXPECT_EQ(results_header(checked(Disposition::dns_error), "mx").find("mx; tlsrpt=temperror"), 0u);
  EXPECT_EQ(results_header(checked(Disposition::no_report), "mx"), "mx; tlsrpt=none");
}

}  // namespace
}  // namespace tlsrpt::milter
