// SPDX-License-Identifier: BSD-2-Clause
#include "sender/sts_policy.hpp"

#include <gtest/gtest.h>

namespace tlsrpt::sender {
namespace {

using Texts = std::vector<std::string>;

constexpr std::string_view kEnforce =
    "version: STSv1\r\nmode: enforce\r\nmx: mx1.example.com\r\nmx: *.example.net\r\n"
    "max_age: 604800\r\n";

StsPolicy read(std::string_view body) {
  const auto policy = read_sts_policy(body);
  EXPECT_TRUE(policy) << policy.error().detail;
  return policy.value_or(StsPolicy{});
}

std::string reason_of(std::string_view body, const StsLimits& limits = {}) {
  const auto policy = read_sts_policy(body, limits);
  if (policy) return "accepted";
  EXPECT_EQ(policy.error().result_type, "sts-policy-invalid");  // R283
  return policy.error().reason_code;
}

TEST(StsPolicy, is_read_with_its_lines_as_they_were_served) {
  const StsPolicy policy = read(kEnforce);
  EXPECT_EQ(policy.mode, StsMode::enforce);
  EXPECT_EQ(policy.max_age, std::chrono::seconds{604800});
  EXPECT_EQ(policy.mx, (Texts{"mx1.example.com", "*.example.net"}));
  EXPECT_EQ(policy.lines, (Texts{"version: STSv1", "mode: enforce", "mx: mx1.example.com",
                                 "mx: *.example.net", "max_age: 604800"}));
}

TEST(StsPolicy, may_have_any_line_ends_order_and_blanks) {
  const StsPolicy policy =
      read("max_age:86400\nmx:MX.Example.COM. \t\n\nmode:\ttesting  \n \r\nversion:STSv1");
  EXPECT_EQ(policy.mode, StsMode::testing);
  EXPECT_EQ(policy.mx, Texts{"mx.example.com"});
  EXPECT_EQ(policy.lines,
            (Texts{"max_age:86400", "mx:MX.Example.COM. \t", "mode:\ttesting  ", "version:STSv1"}));
}

TEST(StsPolicy, R267_passes_over_unknown_keys_and_takes_the_first_of_repeated_ones) {
  const StsPolicy policy = read(
      "version: STSv1\nversion: STSv2\nmode: testing\nmode: nonsense\nmax_age: 100\nmax_age: x\n"
      "mx: a.example\nmx: b.example\nx-future.key: caf\xc3\xa9 : a\n");
  EXPECT_EQ(policy.mode, StsMode::testing);
  EXPECT_EQ(policy.max_age, std::chrono::seconds{100});
  EXPECT_EQ(policy.mx, (Texts{"a.example", "b.example"}));
  EXPECT_EQ(policy.lines.size(), 9u);
}

TEST(StsPolicy, R268_clamps_max_age) {
  const auto with = [](std::string_view max_age) {
    return "version: STSv1\nmode: none\nmax_age: " + std::string(max_age) + "\n";
  };
  EXPECT_EQ(read(with("0")).max_age, std::chrono::seconds{0});
  EXPECT_EQ(read(with("31557600")).max_age, kMaxStsAge);
  EXPECT_EQ(read(with("9999999999")).max_age, kMaxStsAge);
  for (const char* bad : {"", "-1", "1.5", "1d", "+1", "10000000000", "0x10"})
    EXPECT_EQ(reason_of(with(bad)), "bad-max-age") << bad;
}

TEST(StsPolicy, R269_needs_mx_unless_its_mode_is_none) {
  EXPECT_EQ(read("version: STSv1\nmode: none\nmax_age: 86400\n").mx, Texts{});
  for (const char* mode : {"enforce", "testing"}) {
    EXPECT_EQ(reason_of(fmt::format("version: STSv1\nmode: {}\nmax_age: 1\n", mode)), "missing-mx");
  }
}

TEST(StsPolicy, R283_says_what_is_wrong_with_it) {
  EXPECT_EQ(reason_of(""), "missing-version");
  EXPECT_EQ(reason_of("mode: none\nmax_age: 1\n"), "missing-version");
  EXPECT_EQ(reason_of("version: STSv1\nmax_age: 1\n"), "missing-mode");
  EXPECT_EQ(reason_of("version: STSv1\nmode: none\n"), "missing-max-age");
  EXPECT_EQ(reason_of("version: STSv2\n"), "bad-version");
  EXPECT_EQ(reason_of("version: stsv1\n"), "bad-version");
  EXPECT_EQ(reason_of("version: STSv1\nmode: report\n"), "bad-mode");
  EXPECT_EQ(reason_of("<html>\n"), "bad-line");
  EXPECT_EQ(reason_of("version STSv1\n"), "bad-line");
  EXPECT_EQ(reason_of(": STSv1\n"), "bad-line");
  EXPECT_EQ(reason_of("\xef\xbb\xbfversion: STSv1\n"), "bad-line");
  EXPECT_EQ(reason_of(std::string_view("version: STSv1\0\n", 16)), "bad-line");
  EXPECT_EQ(reason_of("version: STSv1\rmode: none\n"), "bad-line");
  EXPECT_EQ(reason_of("version: STSv1\nx: \xff\n"), "not-utf8");
}

TEST(StsPolicy, with_an_mx_that_is_no_pattern_is_invalid) {
  for (const char* bad : {"", "*", "*.", "*.*.example.com", "mx.*.example.com", "m*.example.com",
                          "mx example.com", ".example.com", "mx..example.com", "m\xc3\xbc.example",
                          "mx.example.com:25", "[192.0.2.1]"}) {
    EXPECT_EQ(reason_of(fmt::format("version: STSv1\nmode: none\nmax_age: 1\nmx: {}\n", bad)),
              "bad-mx")
        << bad;
  }
}

TEST(StsPolicy, has_limits) {
  const StsLimits limits{.max_bytes = 200, .max_lines = 5, .max_mx = 1};
  EXPECT_EQ(reason_of(std::string(200, '\n'), limits), "missing-version");
  EXPECT_EQ(reason_of(std::string(201, '\n'), limits), "too-large");
  EXPECT_EQ(reason_of("a:1\na:1\na:1\na:1\na:1\n", limits), "missing-version");
  EXPECT_EQ(reason_of("a:1\na:1\na:1\na:1\na:1\na:1\n", limits), "too-large");
  EXPECT_EQ(reason_of("mx: a.example\nmx: b.example\n", limits), "too-large");
  EXPECT_EQ(parse_sts_policy("mx: a.example\nmx: b.example\n", limits).error().code,
            ErrorCode::limit_exceeded);
  EXPECT_EQ(parse_sts_policy("mx: ?\n").error().code, ErrorCode::malformed);
  EXPECT_EQ(reason_of(std::string((64u << 10) + 1, '\n')), "too-large");  // R265
}

TEST(StsPolicy, reads_back_equal_from_its_lines) {
  const StsPolicy policy = read(kEnforce);
  EXPECT_EQ(parse_sts_policy(policy.lines).value(), policy);
}

TEST(StsPolicy, R276_matches_a_wildcard_for_exactly_the_left_most_label) {
  const StsPolicy policy = read(kEnforce);
  EXPECT_TRUE(matches_mx(policy, "mx1.example.com"));
  EXPECT_TRUE(matches_mx(policy, "any.example.net"));
  for (const char* other : {"mx2.example.com", "a.b.example.net", "example.net", ".example.net",
                            "anyexample.net", "mx1.example.com.evil.test", "", "net"}) {
    EXPECT_FALSE(matches_mx(policy, other)) << other;
  }
}

TEST(StsPolicy, stands_in_a_report_as_it_was_served) {
  const StsPolicy policy = read(kEnforce);
  const Policy reported = report_policy(policy, "example.com");
  EXPECT_EQ(reported.policy_type, "sts");
  EXPECT_EQ(reported.policy_domain, "example.com");
  EXPECT_EQ(reported.policy_string, policy.lines);
  EXPECT_EQ(reported.mx_host, policy.mx);
}

TEST(StsRecord, R258_is_exactly_one) {
  const auto id = [](Texts texts) { return select_sts_id(texts); };
  EXPECT_EQ(id({"v=STSv1; id=20260101T000000;"}).value(), "20260101T000000");
  EXPECT_EQ(id({"v=spf1 -all", "v=STSv1;id=1", "v=STSv2; id=2"}).value(), "1");
  EXPECT_EQ(id({}).error().code, ErrorCode::not_found);
  EXPECT_EQ(id({"v=spf1 -all", " v=STSv1; id=1", "v=STSv1 ; id=1"}).error().code,
            ErrorCode::not_found);
  EXPECT_EQ(id({"v=STSv1; id=1", "v=STSv1; id=1"}).error().code, ErrorCode::not_found);
  EXPECT_EQ(id({"v=STSv1; id=1", "v=STSv1; broken"}).error().code, ErrorCode::not_found);
}

TEST(StsRecord, follows_the_grammar) {
  const auto id = [](std::string_view text) { return select_sts_id({std::string(text)}); };
  EXPECT_EQ(id("v=STSv1; x-y.z=1/2:3; id=abc ; ").value(), "abc");
  EXPECT_EQ(id("v=STSv1; id=1; id=2").value(), "1");
  EXPECT_EQ(id("v=STSv1; id=" + std::string(32, 'a')).value(), std::string(32, 'a'));
  for (const std::string& bad :
       {std::string("v=STSv1;"), std::string("v=STSv1; id="), std::string("v=STSv1; id=a-b"),
        std::string("v=STSv1; id"), std::string("v=STSv1;; id=1"), std::string("v=STSv1; ID=1"),
        std::string("v=STSv1; id=1; x="), std::string("v=STSv1; id=1; x=a b"),
        std::string("v=STSv1; id=1; x=a=b"), "v=STSv1; id=" + std::string(33, 'a')}) {
    EXPECT_EQ(id(bad).error().code, ErrorCode::malformed) << bad;
  }
}

TEST(StsNames, are_those_of_the_domain_itself) {
  EXPECT_EQ(sts_record_name("example.com"), "_mta-sts.example.com");
  EXPECT_EQ(sts_host("example.com"), "mta-sts.example.com");
}

}  // namespace
}  // namespace tlsrpt::sender
