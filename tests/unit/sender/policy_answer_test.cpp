// SPDX-License-Identifier: BSD-2-Clause
#include "sender/policy_answer.hpp"

#include <gtest/gtest.h>

#include "sender/outcome_writer.hpp"

namespace tlsrpt::sender {
namespace {

constexpr std::string_view kRecord = "v=TLSRPTv1; rua=mailto:r@a.example";

StsStanding standing(StsMode mode) {
  StsStanding result;
  result.policy = StsPolicy{mode,
                            std::chrono::seconds(86400),
                            {"mx1.a.example", "*.b.example"},
                            {"version: STSv1", fmt::format("mode: {}", to_word(mode)),
                             "mx: mx1.a.example", "mx: *.b.example", "max_age: 86400"}};
  return result;
}

StsStanding with_problem(StsStanding result, std::string type = "sts-policy-fetch-error") {
  result.problem = PolicyProblem{std::move(type), "timeout", ""};
  return result;
}

PolicyAnswer answer(const StsStanding& sts, DomainDane dane = DomainDane::none,
                    PolicyMap map = PolicyMap::tlsrpt, const AnswerSettings& settings = {}) {
  return answer_policy(map, "a.example", sts, dane, settings);
}

constexpr std::string_view kPlain = "secure match=mx1.a.example:.b.example servername=hostname";
constexpr std::string_view kAttributes =
    " policy_type=sts policy_domain=a.example { policy_string = version: STSv1 }"
    " { policy_string = mode: enforce } { policy_string = mx: mx1.a.example }"
    " { policy_string = mx: *.b.example } { policy_string = max_age: 86400 }"
    " mx_host_pattern=mx1.a.example mx_host_pattern=*.b.example";

TEST(PolicyAnswer, keys_that_are_no_domain_have_no_policy) {
  for (const char* key :
       {"", ".", ".example.com", ".com", "[mx.a.example]", "[mx.a.example]:25", "a.example:25",
        "192.0.2.1", "[192.0.2.1]", "2001:db8::1", "[IPv6:2001:db8::1]", "a b", "a..example",
        "a.example/x", "a.example\n"}) {
    EXPECT_FALSE(policy_domain_of(key)) << key;
  }
  EXPECT_EQ(policy_domain_of("A.Example."), "a.example");
  EXPECT_EQ(policy_domain_of("m\xc3\xbcller.example"), "xn--mller-kva.example");
}

// Otherwise whoever forges the MX records for the MTA, and lets ours fail, would be rid of the
// policy.
TEST(PolicyAnswer, R300_an_enforced_policy_waits_for_mx_records_that_cannot_be_had) {
  for (const PolicyMap map : {PolicyMap::tlsrpt, PolicyMap::plain}) {
    const PolicyAnswer put_off = answer(standing(StsMode::enforce), DomainDane::mx_failed, map);
    EXPECT_EQ(put_off.reply.status, SocketmapStatus::temporary);
    EXPECT_EQ(put_off.kind, AnswerKind::put_off);
    for (const StsMode mode : {StsMode::testing, StsMode::none}) {
      EXPECT_EQ(answer(standing(mode), DomainDane::mx_failed, map).reply.status,
                SocketmapStatus::not_found)
          << "nothing is enforced";
    }
  }
}

TEST(PolicyAnswer, an_enforced_policy_is_told_by_the_kind_of_map) {
  EXPECT_EQ(policy_map("tlsrpt"), PolicyMap::tlsrpt);
  EXPECT_EQ(policy_map("plain"), PolicyMap::plain);
  EXPECT_EQ(policy_map("TLSRPT"), PolicyMap::plain) << "what is not known must not defer mail";
  const StsStanding sts = standing(StsMode::enforce);
  const PolicyAnswer plain = answer(sts, DomainDane::none, PolicyMap::plain);
  EXPECT_EQ(plain.reply, (SocketmapReply{SocketmapStatus::ok, std::string(kPlain)}));
  const PolicyAnswer full = answer(sts);
  EXPECT_EQ(full.reply.text, fmt::format("{}{}", kPlain, kAttributes));
  EXPECT_EQ(full.kind, AnswerKind::enforced);
}

TEST(PolicyAnswer, no_pattern_is_taken_for_one_of_postfix_strategies) {
  StsStanding sts = standing(StsMode::enforce);
  sts.policy->mx = {"hostname", "nexthop", "dot-nexthop", "hostname.example"};
  EXPECT_EQ(answer(sts, DomainDane::none, PolicyMap::plain).reply.text,
            "secure match=hostname.:nexthop.:dot-nexthop.:hostname.example servername=hostname");
}

TEST(PolicyAnswer, dane_is_left_to_the_mta_but_not_when_nobody_knows) {
  const StsStanding sts = standing(StsMode::enforce);
  for (const DomainDane dane : {DomainDane::usable, DomainDane::failed}) {
    EXPECT_EQ(answer(sts, dane).reply.status, SocketmapStatus::not_found) << to_word(dane);
    EXPECT_EQ(answer(sts, dane).kind, AnswerKind::dane);
  }
  for (const DomainDane dane : {DomainDane::none, DomainDane::unusable, DomainDane::unreachable}) {
    EXPECT_EQ(answer(sts, dane).kind, AnswerKind::enforced) << to_word(dane);
  }
}

TEST(PolicyAnswer, nothing_is_enforced_without_a_policy_of_that_mode) {
  EXPECT_EQ(answer({}).kind, AnswerKind::no_policy);
  EXPECT_EQ(answer(standing(StsMode::none)).kind, AnswerKind::no_policy);
  EXPECT_EQ(answer(standing(StsMode::testing)).kind, AnswerKind::no_policy);
  EXPECT_EQ(answer(with_problem({})).kind, AnswerKind::no_policy);
  StsStanding unknown;
  unknown.unknown = true;
  EXPECT_EQ(answer(unknown).kind, AnswerKind::unknown);
  EXPECT_EQ(answer(unknown).reply.status, SocketmapStatus::not_found);
  unknown.policy = standing(StsMode::enforce).policy;
  EXPECT_EQ(answer(unknown).kind, AnswerKind::enforced) << "a policy in force wins over that";
}

TEST(PolicyAnswer, testing_is_told_if_a_log_shows_what_became_of_it) {
  const AnswerSettings told{.answer_testing = true};
  const StsStanding sts = standing(StsMode::testing);
  const PolicyAnswer full = answer(sts, DomainDane::none, PolicyMap::tlsrpt, told);
  EXPECT_EQ(full.kind, AnswerKind::testing);
  EXPECT_TRUE(full.reply.text.starts_with("may policy_type=sts policy_domain=a.example { "))
      << full.reply.text;
  EXPECT_TRUE(full.reply.text.ends_with(" mx_host_pattern=*.b.example"));
  EXPECT_EQ(full.reply.text.find("secure"), std::string::npos);
  EXPECT_EQ(answer(sts, DomainDane::none, PolicyMap::plain, told).kind, AnswerKind::no_policy);
  for (const DomainDane dane :
       {DomainDane::usable, DomainDane::failed, DomainDane::unusable, DomainDane::unreachable}) {
    EXPECT_EQ(answer(sts, dane, PolicyMap::tlsrpt, told).kind, AnswerKind::dane) << to_word(dane);
  }
}

TEST(PolicyAnswer, lines_that_postfix_cannot_parse_are_left_out) {
  StsStanding sts = standing(StsMode::enforce);
  sts.policy->lines = {"version: STSv1", "x: {", "y: }", "z: a\tb", "u: \xc3\xbc", "mode: enforce"};
  const std::string text = answer(sts).reply.text;
  EXPECT_NE(text.find("{ policy_string = version: STSv1 } { policy_string = mode: enforce } mx_"),
            std::string::npos)
      << text;
  sts.policy->lines = {"{"};
  EXPECT_EQ(answer(sts).reply.text, kPlain) << "Postfix before 3.10.6 insists on a line";
}

TEST(PolicyAnswer, is_never_longer_than_postfix_takes) {
  StsStanding sts = standing(StsMode::enforce);
  for (int i = 0; i < 1000; ++i) sts.policy->lines.push_back("note: " + std::string(500, 'x'));
  const std::string lines = to_text(answer(sts).reply);
  EXPECT_LE(lines.size(), kMaxSocketmapReply);
  EXPECT_TRUE(lines.ends_with(" mx_host_pattern=*.b.example")) << "every pattern is there";
  sts.policy->mx.assign(256, std::string(60, 'a') + "." + std::string(60, 'b') + "." +
                                 std::string(60, 'c') + "." + std::string(60, 'd') + ".example");
  const std::string patterns = to_text(answer(sts).reply);
  EXPECT_LE(patterns.size(), kMaxSocketmapReply);
  EXPECT_EQ(patterns.find("policy_type"), std::string::npos)
      << "some patterns would forbid hosts that the policy allows";
  EXPECT_TRUE(patterns.starts_with("OK secure match=a"));
}

TEST(PolicyAnswer, a_problem_is_told_to_postfix_only_if_that_is_wished) {  // R281
  const StsStanding sts = with_problem(standing(StsMode::enforce));
  EXPECT_EQ(answer(sts).reply.text, fmt::format("{}{}", kPlain, kAttributes));
  const AnswerSettings attribute{.failure_attribute = true};
  const PolicyAnswer told = answer(sts, DomainDane::none, PolicyMap::tlsrpt, attribute);
  EXPECT_EQ(told.reply.text,
            fmt::format("{}{} policy_failure=sts-policy-fetch-error", kPlain, kAttributes));
  EXPECT_TRUE(told.failure_told);
  const PolicyAnswer odd = answer(with_problem(standing(StsMode::enforce), "dnssec-invalid"),
                                  DomainDane::none, PolicyMap::tlsrpt, attribute);
  EXPECT_TRUE(odd.reply.text.ends_with(" policy_failure=validation-failure"));
  EXPECT_FALSE(answer(sts, DomainDane::none, PolicyMap::plain, attribute).failure_told);
  EXPECT_FALSE(answer(sts, DomainDane::usable, PolicyMap::tlsrpt, attribute).failure_told);
}

std::optional<Outcome> recorded(const StsStanding& sts, const PolicyAnswer& given,
                                PolicyMap map = PolicyMap::tlsrpt,
                                const std::string& record = std::string(kRecord)) {
  return outcome_of_problem(map, "a.example", sts, given, record);
}

TEST(PolicyAnswer, a_problem_without_a_policy_is_recorded_without_its_lines) {  // R283
  const StsStanding sts = with_problem({}, "sts-webpki-invalid");
  const auto outcome = recorded(sts, answer(sts));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->domain, "a.example");
  EXPECT_EQ(outcome->tlsrpt_record, kRecord);
  ASSERT_EQ(outcome->policies.size(), 1u);
  EXPECT_EQ(outcome->policies[0].policy, (Policy{"sts", {}, "a.example", {}}));
  EXPECT_TRUE(outcome->policies[0].failed);
  ASSERT_EQ(outcome->policies[0].failure_details.size(), 1u);
  EXPECT_EQ(outcome->policies[0].failure_details[0].result_type, "sts-webpki-invalid");
  EXPECT_EQ(outcome->policies[0].failure_details[0].failure_reason_code, "timeout");
  EXPECT_EQ(read_outcome(write_outcome(*outcome)).outcome, *outcome);
}

TEST(PolicyAnswer, a_problem_beside_a_policy_is_recorded_with_its_lines) {  // R282
  const StsStanding sts = with_problem(standing(StsMode::enforce));
  const auto outcome = recorded(sts, answer(sts));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->policies[0].policy.policy_string.size(), 5u);
  EXPECT_TRUE(outcome->policies[0].failed);
}

TEST(PolicyAnswer, nothing_is_recorded_where_nobody_asked_or_others_do) {
  const StsStanding sts = with_problem({});
  const PolicyAnswer given = answer(sts);
  EXPECT_FALSE(recorded(sts, given, PolicyMap::plain)) << "the log of the MTA is evaluated";
  EXPECT_FALSE(recorded(sts, given, PolicyMap::tlsrpt, "")) << "no TLSRPT record";
  EXPECT_FALSE(recorded({}, answer({})));
  const StsStanding none = with_problem(standing(StsMode::none));
  EXPECT_FALSE(recorded(none, answer(none))) << "R272";
  const StsStanding enforced = with_problem(standing(StsMode::enforce));
  PolicyAnswer told = answer(enforced);
  told.failure_told = true;
  EXPECT_FALSE(recorded(enforced, told)) << "Postfix reports it";
}

}  // namespace
}  // namespace tlsrpt::sender
