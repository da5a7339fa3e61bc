// SPDX-License-Identifier: BSD-2-Clause
#include "sender/outcome.hpp"

#include <gtest/gtest.h>

#include "common/result_type.hpp"

namespace tlsrpt::sender {
namespace {

std::string one_policy(const std::string& members) {
  return R"({"d":"a.example","pr":"v=TLSRPTv1;rua=mailto:r@a.example","policies":[{)" + members +
         "}]}";
}

std::string one_detail(const std::string& members) {
  return one_policy(R"("policy-type":9,"failure-details":[{)" + members + R"(}],"t":1,"f":1)");
}

Outcome read_good(const std::string& datagram) {
  ReadOutcomeResult read = read_outcome(datagram);
  EXPECT_TRUE(read.bad.empty()) << datagram << "\n" << read.detail;
  return read.outcome;
}

Policy read_one_policy(const std::string& members) {
  const Outcome outcome = read_good(one_policy(members));
  EXPECT_EQ(outcome.policies.size(), 1u);
  return outcome.policies.empty() ? Policy{} : outcome.policies.front().policy;
}

FailureDetails read_one_detail(const std::string& members) {
  const Outcome outcome = read_good(one_detail(members));
  if (outcome.policies.size() != 1 || outcome.policies[0].failure_details.size() != 1) {
    ADD_FAILURE() << members;
    return {};
  }
  return outcome.policies[0].failure_details[0];
}

TEST(Outcome, reads_every_member_of_a_failure_and_normalises_it) {
  const Outcome outcome = read_good(
      R"({"dpv": "1","d": "A.Example.","pr": "v=TLSRPTv1; rua=mailto:r@a.example","policies":[)"
      R"({"policy-type":2,"policy-domain": "A.example","policy-string":["mx: B.example",)"
      R"("version: STSv1","mode: enforce","max_age: 86400"],"mx-host":["B.example"],)"
      R"("failure-details":[{"c":205,"s": "2001:DB8::0:1","n": "MX.B.example","h": )"
      R"("250-mx.b.example at your service\r\n250 HELP","r": "198.51.100.1","a": "https://x/",)"
      R"("f": "self-signed_certificate"}],"t":1,"f":1}]})");
  EXPECT_EQ(outcome.domain, "a.example");
  EXPECT_EQ(outcome.tlsrpt_record, "v=TLSRPTv1; rua=mailto:r@a.example");
  ASSERT_EQ(outcome.policies.size(), 1u);
  const PolicyOutcome& policy = outcome.policies[0];
  const Policy expected{"sts",
                        {"version: STSv1", "mode: enforce", "mx: b.example", "max_age: 86400"},
                        "a.example",
                        {"b.example"}};
  EXPECT_EQ(policy.policy, expected);
  EXPECT_TRUE(policy.failed);
  const FailureDetails details{"validation-failure", "2001:db8::1",
                               "mx.b.example",       "mx.b.example",
                               "198.51.100.1",       1,
                               "https://x/",         "self-signed_certificate"};
  ASSERT_EQ(policy.failure_details.size(), 1u);
  EXPECT_EQ(policy.failure_details[0], details);
}

TEST(Outcome, quirk_1_the_version_may_be_missing_or_1_as_text_or_number) {
  for (const char* version : {"", R"("dpv":"1",)", R"("dpv":1,)", R"("dpv":null,)"}) {
    const std::string datagram =
        std::string("{") + version + R"("d":"a.example","policies":[{"policy-type":9,"f":0}]})";
    EXPECT_EQ(read_good(datagram).policies.size(), 1u) << datagram;
  }
}

TEST(Outcome, another_version_is_not_read_as_if_it_were_1_wherever_it_stands) {
  for (const char* version : {R"("2")", "2", R"("")", "true", "[1]", "{}", "1.5"}) {
    const auto read = read_outcome(
        std::string(R"({"d":5,"policies":[{"policy-type":9,"f":0}],"dpv":)") + version + "}");
    EXPECT_EQ(read.bad, std::vector{BadOutcome::unknown_version}) << version;
    EXPECT_TRUE(read.outcome.policies.empty());
  }
}

TEST(Outcome, quirks_2_and_7_only_sts_has_patterns_and_no_policy_found_has_no_strings) {
  const std::string lists = R"("policy-string":["3 1 1 AA"],"mx-host":["mx.a.example"],"f":0)";
  const Policy none = read_one_policy(R"("policy-type":9,)" + lists);
  EXPECT_TRUE(none.policy_string.empty());
  EXPECT_TRUE(none.mx_host.empty());
  const Policy tlsa = read_one_policy(R"("policy-type":1,)" + lists);
  EXPECT_EQ(tlsa.policy_string.size(), 1u);
  EXPECT_TRUE(tlsa.mx_host.empty());
}

TEST(Outcome, quirk_3_a_missing_empty_or_null_policy_domain_is_the_recipient_domain) {
  for (const char* domain : {"", R"("policy-domain":"",)", R"("policy-domain":null,)"}) {
    EXPECT_EQ(read_one_policy(std::string(domain) + R"("policy-type":9,"f":0)").policy_domain,
              "a.example");
  }
}

TEST(Outcome, quirk_4_empty_texts_are_absent) {
  const FailureDetails details =
      read_one_detail(R"("c":201,"s":"","n":"","h":"","r":" ","a":"","f":"")");
  FailureDetails expected;
  expected.result_type = "starttls-not-supported";
  expected.failed_session_count = 1;
  EXPECT_EQ(details, expected);
}

TEST(Outcome, quirk_5_the_helo_name_is_cut_out_of_the_reply) {
  struct Case {
    const char* reply;
    std::string name;
  };
  const Case cases[] = {{R"(250-mx.a.example\r\n250-PIPELINING\r\n250 SIZE)", "mx.a.example"},
                        {R"(250 mx.a.example Hello client)", "mx.a.example"},
                        {R"(250-mx.a.example\n250 X)", "mx.a.example"},
                        {R"(mx.a.example)", "mx.a.example"},
                        {R"(250)", ""},
                        {R"(250-)", ""},
                        {R"(250-\r\n250 X)", ""},
                        {R"(2500.example)", "2500.example"},
                        {R"(250-??\r\n)", "??"},
                        {R"(250   MX.a.example)", "MX.a.example"}};
  for (const Case& c : cases) {
    EXPECT_EQ(read_one_detail(std::string(R"("c":201,"h":")") + c.reply + "\"").receiving_mx_helo,
              c.name)
        << c.reply;
  }
  const std::string longest(4000, 'x');
  EXPECT_EQ(read_one_detail(R"("c":201,"h":"250 )" + longest + "\"").receiving_mx_helo.size(),
            255u);
}

TEST(Outcome, quirk_6_several_policies_with_several_details_are_read) {
  const Outcome outcome = read_good(
      R"({"dpv":"1","d":"company-y.example","policies":[{"policy-type":2,"mx-host":)"
      R"(["*.mail.company-y.example"],"failure-details":[{"c":303,"a":"https://h/\"x\\\u007f"},)"
      R"({"c":302},{"c":302}],"t":2,"f":1},{"policy-type":1,"policy-domain":)"
      R"("mx.company-y.example","t":0,"f":0}]})");
  ASSERT_EQ(outcome.policies.size(), 2u);
  EXPECT_TRUE(outcome.policies[0].failed);
  EXPECT_FALSE(outcome.policies[1].failed);
  // R103: the same failure is one entry.
  ASSERT_EQ(outcome.policies[0].failure_details.size(), 2u);
  EXPECT_EQ(outcome.policies[0].failure_details[0].additional_information, "https://h/\"x\\");
}

TEST(Outcome, quirk_7_success_with_details_and_failure_without_are_legal) {
  const Outcome success =
      read_good(one_policy(R"("policy-type":9,"failure-details":[{"c":201}],"t":1,"f":0)"));
  EXPECT_FALSE(success.policies[0].failed);
  EXPECT_EQ(success.policies[0].failure_details.size(), 1u);
  const Outcome failure = read_good(one_policy(R"("policy-type":9,"t":0,"f":1)"));
  EXPECT_TRUE(failure.policies[0].failed);
  EXPECT_TRUE(failure.policies[0].failure_details.empty());
}

TEST(Outcome, t_is_never_looked_at) {
  for (const char* t : {"7", "-1", "\"x\"", "null", "[]", "{}"}) {
    EXPECT_FALSE(
        read_good(one_policy(std::string(R"("policy-type":9,"f":0,"t":)") + t)).policies[0].failed);
  }
}

TEST(Outcome, quirk_8_reason_texts_are_passed_on_as_they_are) {
  EXPECT_EQ(read_one_detail(R"("c":205,"f":"unable_to_get_local_issuer_certificate")")
                .failure_reason_code,
            "unable_to_get_local_issuer_certificate");
}

TEST(Outcome, quirk_9_two_spellings_of_one_policy_are_one) {
  struct Case {
    const char* one;
    const char* other;
  };
  const Case cases[] = {
      {R"("policy-type":1,"policy-string":["3 1 1 ABCD","2 0 1 00FF"],"f":0)",
       R"("policy-type":1,"policy-string":["2  0 1 00 ff"," 3 1 1 abcd","3 1 1 ABCD"],"f":0)"},
      {R"("policy-type":2,"policy-string":["version: STSv1","mode: enforce","mx: b.a.example",
           "mx: c.a.example","max_age: 9"],"mx-host":["b.a.example","c.a.example"],"f":0)",
       R"("policy-type":2,"policy-string":["mx:C.a.example.","MX:  b.a.example","version:STSv1",
           "max_age:9","mode: enforce"],"mx-host":["C.a.example","b.a.example"],"f":0)"},
      {R"("policy-type":2,"policy-string":["version: STSv1","mode: none","max_age: 9"],"f":0)",
       R"("policy-type":2,"policy-string":["version: STSv1\r\nmode: none\nmax_age: 9\r\n"],"f":0)"},
      {R"("policy-type":2,"mx-host":["*.a.example"],"f":0)",
       R"("policy-type":2,"mx-host":"*.A.example","f":0)"}};
  for (const Case& c : cases) EXPECT_EQ(read_one_policy(c.one), read_one_policy(c.other)) << c.one;
}

TEST(Outcome, unknown_policy_lines_stay_behind_the_known_ones_in_their_order) {
  const Policy policy = read_one_policy(
      R"("policy-type":2,"policy-string":["zeta: 1","mode: none","no colon","alpha: 2"],"f":0)");
  const std::vector<std::string> expected = {"mode: none", "zeta: 1", "no colon", "alpha: 2"};
  EXPECT_EQ(policy.policy_string, expected);
}

TEST(Outcome, quirk_10_invalid_utf8_and_controls_cost_nothing_but_themselves) {
  const FailureDetails details =
      read_one_detail("\"c\":205,\"a\":\"x\xff\xc3(\\u0001y\\u007f\",\"f\":\"gr\xc3\xbc\xc3\x9f\"");
  EXPECT_EQ(details.additional_information, "x\xef\xbf\xbd\xef\xbf\xbd( y");
  EXPECT_EQ(details.failure_reason_code, "gr\xc3\xbc\xc3\x9f");
}

TEST(Outcome, quirk_11_the_case_of_addresses_is_lost_in_domains_and_host_names) {
  const Outcome outcome = read_good(
      R"({"d":"NP-UpCase.Plain.Test.","policies":[{"policy-type":9,"policy-domain":)"
      R"("NP-UpCase.Plain.Test","failure-details":[{"c":205,"n":"mx1.NP-UpCase.Plain.Test."}],)"
      R"("f":1}]})");
  EXPECT_EQ(outcome.domain, "np-upcase.plain.test");
  EXPECT_EQ(outcome.policies[0].policy.policy_domain, "np-upcase.plain.test");
  EXPECT_EQ(outcome.policies[0].failure_details[0].receiving_mx_hostname,
            "mx1.np-upcase.plain.test");
}

TEST(Outcome, names_in_other_scripts_become_a_labels) {  // R2, R76, R81, R95
  const Outcome outcome = read_good(
      "{\"d\":\"B\u00fccher.example\",\"policies\":[{\"policy-type\":2,"
      "\"policy-domain\":\"b\u00fccher.example\",\"mx-host\":[\"*.B\u00fccher.example\"],"
      "\"failure-details\":[{\"c\":204,\"n\":\"mx.b\u00fccher.example\"}],\"f\":1}]}");
  EXPECT_EQ(outcome.domain, "xn--bcher-kva.example");
  EXPECT_EQ(outcome.policies[0].policy.policy_domain, "xn--bcher-kva.example");
  EXPECT_EQ(outcome.policies[0].policy.mx_host,
            std::vector<std::string>{"*.xn--bcher-kva.example"});
  EXPECT_EQ(outcome.policies[0].failure_details[0].receiving_mx_hostname,
            "mx.xn--bcher-kva.example");
}

TEST(Outcome, quirk_12_the_policy_domain_may_differ_from_the_recipient_domain) {
  EXPECT_EQ(
      read_one_policy(R"("policy-type":1,"policy-domain":"MX.other.example","f":0)").policy_domain,
      "mx.other.example");
}

TEST(Outcome, quirk_13_unusable_tlsa_records_are_passed_on) {
  const Policy policy = read_one_policy(
      R"("policy-type":1,"policy-string":["3 9 1 AB","odd  record","3 1 1 xyz"],"f":0)");
  const std::vector<std::string> expected = {"3 1 1 xyz", "3 9 1 AB", "odd record"};
  EXPECT_EQ(policy.policy_string, expected);
}

TEST(Outcome, every_code_has_its_registered_result_type) {
  const std::pair<int, const char*> codes[] = {{201, "starttls-not-supported"},
                                               {202, "certificate-host-mismatch"},
                                               {203, "certificate-not-trusted"},
                                               {204, "certificate-expired"},
                                               {205, "validation-failure"},
                                               {301, "sts-policy-fetch-error"},
                                               {302, "sts-policy-invalid"},
                                               {303, "sts-webpki-invalid"},
                                               {304, "tlsa-invalid"},
                                               {305, "dnssec-invalid"},
                                               {306, "dane-required"}};
  for (const auto& [code, word] : codes) {
    const FailureDetails details = read_one_detail(fmt::format("\"c\":{}", code));
    EXPECT_EQ(details.result_type, word);
    EXPECT_EQ(details.failure_reason_code, "");
    EXPECT_TRUE(is_registered_result_type(details.result_type));
  }
}

TEST(Outcome, an_unknown_code_is_a_validation_failure_with_its_number_as_reason) {
  struct Case {
    const char* members;
    const char* reason;
  };
  const Case cases[] = {{R"("c":777)", "libtlsrpt-code-777"},
                        {R"("c":901)", "libtlsrpt-code-901"},
                        {R"("c":-5)", "libtlsrpt-code--5"},
                        {R"("c":777,"f":"why")", "libtlsrpt-code-777:why"},
                        {R"("c":18446744073709551615)", "libtlsrpt-code-9223372036854775807"},
                        {R"("c":"201")", ""},
                        {R"("f":"why")", "why"}};
  for (const Case& c : cases) {
    const FailureDetails details = read_one_detail(c.members);
    EXPECT_EQ(details.result_type, "validation-failure") << c.members;
    EXPECT_EQ(details.failure_reason_code, c.reason) << c.members;
  }
}

TEST(Outcome, what_is_no_address_and_no_host_is_left_out) {
  struct Case {
    const char* given;
    const char* address;
    const char* host;
  };
  const Case cases[] = {{"198.51.100.7", "198.51.100.7", "198.51.100.7"},
                        {"::ffff:198.51.100.7", "198.51.100.7", "::ffff:198.51.100.7"},
                        {"fe80::1%eth0", "fe80::1", "fe80::1%eth0"},
                        {"[IPv6:2001:DB8::1]", "2001:db8::1", "[ipv6:2001:db8::1]"},
                        {"two words", "", ""},
                        {"a\\u0000b", "", ""},
                        {"mx_1.A.example", "", "mx_1.a.example"}};
  for (const Case& c : cases) {
    const FailureDetails details =
        read_one_detail(fmt::format(R"("c":201,"s":"{0}","r":"{0}","n":"{0}")", c.given));
    EXPECT_EQ(details.sending_mta_ip, c.address) << c.given;
    EXPECT_EQ(details.receiving_ip, c.address) << c.given;
    EXPECT_EQ(details.receiving_mx_hostname, c.host) << c.given;
  }
}

TEST(Outcome, each_kind_of_bad_datagram_has_its_word) {
  struct Case {
    std::string datagram;
    BadOutcome bad;
    std::string_view word;
  };
  std::string deep = R"({"d":"a.example","policies":[{"policy-type":9,"f":0,"x":)";
  deep += std::string(100000, '[') + std::string(100000, ']') + "}]}";
  const std::string large = one_policy(R"("x":")" + std::string(300000, 'x') + "\"");
  const Case cases[] = {
      {"", BadOutcome::empty, "empty"},
      {" \r\n", BadOutcome::empty, "empty"},
      {large, BadOutcome::too_large, "too-large"},
      {"not json", BadOutcome::not_json, "not-json"},
      {one_policy(R"("policy-type":9,"f":0)") + "}", BadOutcome::not_json, "not-json"},
      {one_policy(R"("policy-type":9,"f":0)") + std::string(1, '\0'), BadOutcome::not_json,
       "not-json"},
      {R"({"d":"a.example","policies":[{"policy-type":9,"f":1e999}]})", BadOutcome::invalid_result,
       "invalid-result"},
      {"[]", BadOutcome::wrong_type, "wrong-type"},
      {"5", BadOutcome::wrong_type, "wrong-type"},
      {"\"text\"", BadOutcome::wrong_type, "wrong-type"},
      {R"({"d":5,"policies":[]})", BadOutcome::wrong_type, "wrong-type"},
      {R"({"d":"a.example","policies":{}})", BadOutcome::wrong_type, "wrong-type"},
      {deep, BadOutcome::wrong_type, "wrong-type"},
      {R"({"dpv":"2","d":"a.example"})", BadOutcome::unknown_version, "unknown-version"},
      {R"({"policies":[{"policy-type":9,"f":0}]})", BadOutcome::missing_domain, "missing-domain"},
      {R"({"d":"","policies":[]})", BadOutcome::missing_domain, "missing-domain"},
      {"null", BadOutcome::missing_domain, "missing-domain"},
      {R"({"d":"a b","policies":[]})", BadOutcome::invalid_domain, "invalid-domain"},
      {R"({"d":"../etc","policies":[]})", BadOutcome::invalid_domain, "invalid-domain"},
      {R"({"d":"[192.0.2.1]","policies":[]})", BadOutcome::invalid_domain, "invalid-domain"},  // R6
      {R"({"d":"192.0.2.1","policies":[]})", BadOutcome::invalid_domain, "invalid-domain"},
      {R"({"d":"a.example"})", BadOutcome::no_policies, "no-policies"},
      {R"({"d":"a.example","policies":[]})", BadOutcome::no_policies, "no-policies"},
      {R"({"d":"a.example","policies":null})", BadOutcome::no_policies, "no-policies"}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.datagram.substr(0, 100));
    const ReadOutcomeResult read = read_outcome(c.datagram);
    ASSERT_EQ(read.bad, std::vector{c.bad}) << read.detail;
    EXPECT_EQ(to_word(read.bad[0]), c.word);
    EXPECT_TRUE(read.outcome.policies.empty());
    EXPECT_FALSE(read.detail.empty());
  }
}

TEST(Outcome, a_bad_policy_costs_itself_only) {
  struct Case {
    const char* policy;
    BadOutcome bad;
  };
  const Case cases[] = {
      {"5", BadOutcome::wrong_type},
      {R"("text")", BadOutcome::wrong_type},
      {"[]", BadOutcome::wrong_type},
      {R"({"policy-type":"sts","f":0})", BadOutcome::wrong_type},
      {R"({"policy-type":2,"policy-domain":7,"f":0})", BadOutcome::wrong_type},
      {R"({"policy-type":2,"policy-string":{"a":[1]},"f":0})", BadOutcome::wrong_type},
      {R"({"policy-type":2,"mx-host":["a",7],"f":0})", BadOutcome::wrong_type},
      {R"({"f":0})", BadOutcome::unknown_policy_type},
      {R"({"policy-type":9,"policy-domain":"a b","f":0})", BadOutcome::invalid_domain},
      {R"({"policy-type":9})", BadOutcome::invalid_result},
      {R"({"policy-type":9,"f":2})", BadOutcome::invalid_result},
      {R"({"policy-type":9,"f":-1})", BadOutcome::invalid_result},
      {R"({"policy-type":9,"f":"1"})", BadOutcome::invalid_result},
      {R"({"policy-type":9,"f":1.0})", BadOutcome::invalid_result},
      {R"({"policy-type":9,"f":true})", BadOutcome::invalid_result}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.policy);
    const ReadOutcomeResult read = read_outcome(std::string(R"({"d":"a.example","policies":[)") +
                                                c.policy + R"(,{"policy-type":9,"f":1}]})");
    EXPECT_EQ(read.bad, std::vector{c.bad});
    ASSERT_EQ(read.outcome.policies.size(), 1u);
    EXPECT_TRUE(read.outcome.policies[0].failed);
  }
}

TEST(Outcome, a_policy_type_that_nobody_knows_is_told_and_kept_as_it_came) {
  const ReadOutcomeResult read = read_outcome(
      R"({"d":"a.example","policies":[{"policy-type":7,"policy-string":["b","a"],"f":1}]})");
  EXPECT_EQ(read.bad, std::vector{BadOutcome::unknown_policy_type});
  EXPECT_EQ(read.detail, "policy-type 7");
  ASSERT_EQ(read.outcome.policies.size(), 1u);
  EXPECT_TRUE(read.outcome.policies[0].failed);
  const Policy& policy = read.outcome.policies[0].policy;
  EXPECT_EQ(policy.policy_type, "libtlsrpt-policy-type-7");
  EXPECT_EQ(policy.policy_string, (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(policy.policy_domain, "a.example");
}

TEST(Outcome, odd_members_of_a_failure_cost_themselves_only) {
  const Outcome outcome = read_good(one_policy(
      R"("policy-type":9,"f":1,"failure-details":[7,{"c":204,"s":5,"n":{"x":[1]},"r":null,"z":[]}])"));
  ASSERT_EQ(outcome.policies[0].failure_details.size(), 1u);
  EXPECT_EQ(outcome.policies[0].failure_details[0].result_type, "certificate-expired");
}

TEST(Outcome, of_a_repeated_member_the_last_one_counts) {
  const ReadOutcomeResult read =
      read_outcome(R"({"d":"x.example","policies":[{"policy-type":9,"f":1}],"d":"a.example",)"
                   R"("policies":[{"policy-type":1,"policy-type":9,"f":1,"f":0}]})");
  EXPECT_TRUE(read.bad.empty());
  EXPECT_EQ(read.outcome.domain, "a.example");
  ASSERT_EQ(read.outcome.policies.size(), 1u);
  EXPECT_EQ(read.outcome.policies[0].policy.policy_type, "no-policy-found");
  EXPECT_FALSE(read.outcome.policies[0].failed);
}

std::string repeat(const std::string& item, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += (i == 0 ? "" : ",") + fmt::format(fmt::runtime(item), i);
  return out;
}

TEST(Outcome, every_list_and_text_is_bounded) {
  OutcomeLimits limits;
  limits.max_policies = 2;
  limits.max_failure_details = 3;
  limits.max_strings = 4;
  limits.max_string = 10;
  const std::string policy = R"({{"policy-type":2,"f":1,"policy-string":[)" +
                             repeat(R"("x: {{{{{}}}}}")", 9) + R"(],"mx-host":[)" +
                             repeat(R"("m{}")", 9) + R"(],"failure-details":[)" +
                             repeat(R"({{{{"c":201,"a":"{}123456789012345"}}}})", 9) + "]}}";
  const ReadOutcomeResult read =
      read_outcome(R"({"d":"a.example","pr":"v=TLSRPTv1;rua=mailto:a@a.example","policies":[)" +
                       repeat(policy, 5) + "]}",
                   limits);
  EXPECT_EQ(read.bad, std::vector{BadOutcome::too_many_policies});
  ASSERT_EQ(read.outcome.policies.size(), 2u);
  EXPECT_EQ(read.outcome.policies[0].policy.mx_host.size(), 4u);
  EXPECT_EQ(read.outcome.policies[0].policy.policy_string.size(), 4u);
  ASSERT_EQ(read.outcome.policies[0].failure_details.size(), 3u);
  EXPECT_EQ(read.outcome.policies[0].failure_details[0].additional_information, "0123456789");
  // A record that was cut could name another address.
  EXPECT_EQ(read.outcome.tlsrpt_record, "");
}

}  // namespace
}  // namespace tlsrpt::sender
