// SPDX-License-Identifier: BSD-2-Clause
#include "sender/reportable.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "sender/reportable_text.hpp"

namespace tlsrpt::sender {
namespace {

FailureDetails failure(std::string result_type, std::string reason = "") {
  FailureDetails details;
  details.result_type = std::move(result_type);
  details.failure_reason_code = std::move(reason);
  details.failed_session_count = 1;
  return details;
}

PolicyResult counted(std::string type, std::vector<FailureDetails> details = {}) {
  PolicyResult result;
  result.policy.policy_type = std::move(type);
  result.policy.policy_domain = "rcpt.example";
  result.total_failure_session_count = details.size();
  result.failure_details = std::move(details);
  return result;
}

FailureDetails reported(const FailureDetails& details) {
  const auto policies = reportable_policies({counted("no-policy-found", {details})});
  if (policies.size() == 1 && policies[0].failure_details.size() == 1)
    return policies[0].failure_details[0];
  ADD_FAILURE() << "no single failure";
  return {};
}

TEST(Reportable, two_result_types_always_carry_a_reason) {  // R99
  for (const char* type : {"certificate-not-trusted", "validation-failure"}) {
    EXPECT_EQ(reported(failure(type)).failure_reason_code, "unspecified") << type;
    EXPECT_EQ(reported(failure(type, "\x01 ")).failure_reason_code, "unspecified") << type;
    EXPECT_EQ(reported(failure(type, "why")).failure_reason_code, "why") << type;
  }
  EXPECT_EQ(reported(failure("certificate-expired")).failure_reason_code, "");
}

TEST(Reportable, a_reason_is_one_line_of_ascii_and_short) {  // R100
  const struct {
    std::string given, reported;
  } rows[] = {
      {"X509_V_ERR_CERT_HAS_EXPIRED", "X509_V_ERR_CERT_HAS_EXPIRED"},
      {"two\r\nlines\tof text", "two  lines of text"},
      {"Gr\u00fc\u00dfe", "Gr?e"},
      {"bell\x07 and delete\x7f", "bell  and delete?"},
      {std::string(128, 'x'), std::string(128, 'x')},
      {std::string(129, 'x'), std::string(128, 'x')},
      {std::string(127, 'x') + " y", std::string(127, 'x')},
  };
  for (const auto& row : rows)
    EXPECT_EQ(reported(failure("tlsa-invalid", row.given)).failure_reason_code, row.reported);
}

TEST(Reportable, only_registered_result_types_are_named) {  // R89
  const FailureDetails odd = reported(failure("certificate-revoked", "OCSP"));
  EXPECT_EQ(odd.result_type, "validation-failure");
  EXPECT_EQ(odd.failure_reason_code, "certificate-revoked:OCSP");
  EXPECT_EQ(reported(failure("dane-failure")).failure_reason_code, "dane-failure");
}

TEST(Reportable, addresses_are_canonical_or_left_out) {  // R91, R92, R94
  const struct {
    const char* given;
    const char* reported;
  } rows[] = {{"192.0.2.1", "192.0.2.1"},
              {"192.0.2.010", ""},
              {"::ffff:192.0.2.1", "192.0.2.1"},
              {"2001:DB8:0:0:0::1", "2001:db8::1"},
              {"[IPv6:2001:db8::1]", "2001:db8::1"},
              {"fe80::1%eth0", ""},
              {"192.0.2.1:25", ""},
              {"mx.example", ""}};
  for (const auto& row : rows) {
    FailureDetails details = failure("tlsa-invalid");
    details.sending_mta_ip = details.receiving_ip = row.given;
    details = reported(details);
    EXPECT_EQ(details.sending_mta_ip, row.reported) << row.given;
    EXPECT_EQ(details.receiving_ip, row.reported) << row.given;
  }
}

TEST(Reportable, hosts_are_domain_names_and_a_helo_is_one_ascii_word) {  // R95, R96
  FailureDetails details = failure("tlsa-invalid");
  details.receiving_mx_hostname = "MX.B\u00fccher.example.";
  details.receiving_mx_helo = "m\u00fcnchen.example at your service";
  details = reported(details);
  EXPECT_EQ(details.receiving_mx_hostname, "mx.xn--bcher-kva.example");
  EXPECT_EQ(details.receiving_mx_helo, "m?nchen.example");
  details.receiving_mx_hostname = "[192.0.2.1]";
  EXPECT_EQ(reported(details).receiving_mx_hostname, "");
}

TEST(Reportable, additional_information_is_a_uri_or_left_out) {  // R98
  for (const char* uri : {"https://sender.example/why?x=1#y", "mailto:a@sender.example", "urn:x:1",
                          "https://[2001:db8::1]/%20"})
    EXPECT_TRUE(is_uri(uri)) << uri;
  for (const char* text : {"", "why", "https:", ":x", "1a:x", "https://sender.example/a b",
                           "https://sender.example/%2", "https://sender.example/\"",
                           "https://sender.example/\u00fc", "see https://sender.example/"})
    EXPECT_FALSE(is_uri(text)) << text;
  EXPECT_FALSE(is_uri("x:" + std::string(4096, 'y')));
  FailureDetails details = failure("tlsa-invalid");
  details.additional_information = "please ask";
  EXPECT_EQ(reported(details).additional_information, "");
  details.additional_information = "https://sender.example/1";
  EXPECT_EQ(reported(details).additional_information, "https://sender.example/1");
}

TEST(Reportable, a_failure_of_no_session_is_none) {  // R97
  FailureDetails none = failure("tlsa-invalid");
  none.failed_session_count = 0;
  EXPECT_TRUE(reportable_policies({counted("tlsa", {none})})[0].failure_details.empty());
}

TEST(Reportable, failures_that_have_become_equal_are_added_up) {  // R103
  const std::string text(128, 'x');
  const auto policies = reportable_policies(
      {counted("tlsa", {failure("validation-failure"), failure("tlsa-invalid", text + "1"),
                        failure("validation-failure", "unspecified"),
                        failure("tlsa-invalid", text + "2"), failure("tlsa-invalid", "other")})});
  ASSERT_EQ(policies.size(), 1u);
  const std::vector<FailureDetails>& details = policies[0].failure_details;
  ASSERT_EQ(details.size(), 3u);
  EXPECT_EQ(details[0].failure_reason_code, "other");
  EXPECT_EQ(details[1].failure_reason_code, text);
  EXPECT_EQ(details[1].failed_session_count, 2u);
  EXPECT_EQ(details[2].failed_session_count, 2u);
  EXPECT_EQ(policies[0].total_failure_session_count, 5u) << "sessions are not counted again";
}

TEST(Reportable, each_policy_type_has_its_own_strings) {  // R68, R73, R80, R81
  PolicyResult sts = counted("sts");
  sts.policy.policy_string = {"version: STSv1", "a line in error"};
  sts.policy.mx_host = {"*.mx.example", "*", "no pattern"};
  PolicyResult tlsa = counted("tlsa");
  tlsa.policy.policy_string = {"3 1 1 00FF", "3 1 1 00ff", "3 1 1", "(broken)", "3 1 1 0"};
  tlsa.policy.mx_host = {"mx.example"};
  PolicyResult none = counted("no-policy-found");
  none.policy.policy_string = {"version: STSv1"};
  none.policy.mx_host = {"mx.example"};
  const auto policies = reportable_policies({tlsa, sts, counted("libtlsrpt-7"), none});
  ASSERT_EQ(policies.size(), 3u) << "R68: of registered types only";
  EXPECT_EQ(policies[0].policy, (Policy{"no-policy-found", {}, "rcpt.example", {}}));
  EXPECT_EQ(
      policies[1].policy,
      (Policy{"sts", {"version: STSv1", "a line in error"}, "rcpt.example", {"*.mx.example"}}));
  EXPECT_EQ(policies[2].policy, (Policy{"tlsa", {"3 1 1 00FF"}, "rcpt.example", {}}));
}

TEST(Reportable, policies_that_have_become_equal_are_one) {
  PolicyResult one = counted("tlsa", {failure("tlsa-invalid")});
  one.total_successful_session_count = kMaxCount;
  PolicyResult other = counted("tlsa", {failure("tlsa-invalid"), failure("dnssec-invalid")});
  other.total_successful_session_count = 3;
  other.policy.policy_string = {"(broken)"};
  const auto policies = reportable_policies({one, other});
  ASSERT_EQ(policies.size(), 1u);
  EXPECT_EQ(policies[0].total_successful_session_count, kMaxCount) << "R50: saturated";
  EXPECT_EQ(policies[0].total_failure_session_count, 3u);
  ASSERT_EQ(policies[0].failure_details.size(), 2u);
  EXPECT_EQ(policies[0].failure_details[1].failed_session_count, 2u);
}

TEST(Reportable, tlsa_records_follow_the_presentation_format) {  // R73
  for (const char* text : {"3 1 1 AB", "255 0 2 0123456789ABCDEF"})
    EXPECT_TRUE(is_tlsa_record(text)) << text;
  for (const char* text : {"", "3 1 1", "3 1 1 ", "3 1 AB", "256 1 1 AB", "3  1 1 AB", "03 1 1 AB",
                           "3 1 1 ab", "3 1 1 ABC", "3 1 1 AB CD", "3 1 1 (AB)", "x 1 1 AB"})
    EXPECT_FALSE(is_tlsa_record(text)) << text;
}

TEST(Reportable, the_order_does_not_depend_on_what_came_first) {
  std::vector<PolicyResult> policies = {
      counted("tlsa", {failure("tlsa-invalid", "b"), failure("tlsa-invalid", "a")}),
      counted("no-policy-found",
              {failure("validation-failure", "b"), failure("starttls-not-supported")}),
      counted("sts", {failure("certificate-expired"), failure("sts-policy-invalid", "x")})};
  const auto expected = reportable_policies(policies);
  std::reverse(policies.begin(), policies.end());
  for (PolicyResult& result : policies)
    std::reverse(result.failure_details.begin(), result.failure_details.end());
  EXPECT_EQ(reportable_policies(policies), expected);
}

}  // namespace
}  // namespace tlsrpt::sender
