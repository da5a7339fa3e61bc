// SPDX-License-Identifier: BSD-2-Clause
#include "sender/sts_entry.hpp"

#include <set>

#include "tests/unit/sender/sts_house.hpp"

namespace tlsrpt::sender {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using Verdict = StsRecord::Verdict;

constexpr Seconds kNow = kStsStart;
constexpr auto kAnnounced = Verdict::announced;

StsEntry fetched(StsPolicy policy = sts_policy(), std::string id = "1") {
  StsEntry entry;
  take_policy(entry, "d.example", std::move(id), std::move(policy), kNow);
  return entry;
}

TEST(StsEntry, that_is_new_knows_nothing) {
  const StsEntry entry;
  EXPECT_FALSE(in_force(entry, kNow));
  EXPECT_TRUE(wants_fetch(entry, "1", kNow));
  EXPECT_FALSE(backs_off(entry, "1", kNow));
  EXPECT_TRUE(standing_of(entry, std::nullopt, kNow).unknown);
}

TEST(StsEntry, is_in_force_until_it_expires) {
  const StsEntry entry = fetched(sts_policy("enforce", "mx.example", 7200));
  const StsStanding standing = standing_of(entry, kAnnounced, kNow + seconds{7199});
  EXPECT_EQ(standing.policy, sts_policy("enforce", "mx.example", 7200));
  EXPECT_EQ(standing.id, "1");
  EXPECT_EQ(standing.expires_at, kNow + seconds{7200});
  EXPECT_FALSE(standing.unknown);
  EXPECT_FALSE(standing_of(entry, kAnnounced, kNow + seconds{7200}).policy);
}

TEST(StsEntry, lasts_for_the_messages_that_wait_for_it) {
  const StsEntry entry = fetched(sts_policy("enforce", "mx.example", 0));
  EXPECT_TRUE(in_force(entry, kNow + kStsGrace - seconds{1}));
  EXPECT_FALSE(in_force(entry, kNow + kStsGrace));
}

TEST(StsEntry, R280_is_refreshed_after_about_a_day_each_domain_at_its_own_time) {
  std::set<Seconds> times;
  for (int i = 0; i < 200; ++i) {
    StsEntry entry;
    take_policy(entry, fmt::format("d{}.example", i), "1", sts_policy(), kNow);
    EXPECT_GE(entry.refresh_at, kNow + hours{20});
    EXPECT_LT(entry.refresh_at, kNow + hours{28});
    EXPECT_FALSE(wants_fetch(entry, "1", entry.refresh_at - seconds{1}));
    EXPECT_TRUE(wants_fetch(entry, "1", entry.refresh_at));
    times.insert(entry.refresh_at);
  }
  EXPECT_GT(times.size(), 150u);
}

TEST(StsEntry, of_short_life_is_refreshed_at_its_half) {
  EXPECT_EQ(fetched(sts_policy("enforce", "mx.example", 7200)).refresh_at, kNow + hours{1});
}

TEST(StsEntry, is_not_extended_by_seeing_the_same_id) {
  StsEntry entry = fetched();
  const Seconds expires_at = entry.expires_at;
  take_record(entry, announced("1"), kNow + hours{10});
  EXPECT_EQ(entry.expires_at, expires_at);
  EXPECT_EQ(entry.checked_at, kNow + hours{10});
}

TEST(StsEntry, R275_with_another_id_is_fetched_at_once) {
  const StsEntry entry = fetched();
  EXPECT_FALSE(wants_fetch(entry, "1", kNow));
  EXPECT_TRUE(wants_fetch(entry, "2", kNow));
}

TEST(StsEntry, R266_waits_five_minutes_before_the_same_id_is_fetched_again) {
  StsEntry entry;
  take_failure(entry, "1", http_404(), kNow);
  EXPECT_TRUE(backs_off(entry, "1", kNow));
  EXPECT_TRUE(backs_off(entry, "1", kNow + minutes{5} - seconds{1}));
  EXPECT_FALSE(backs_off(entry, "1", kNow + minutes{5}));
  EXPECT_FALSE(backs_off(entry, "2", kNow)) << "a new id may be fetched at once";
  EXPECT_FALSE(backs_off(entry, "1", kNow - days{1})) << "the clock was wrong";
}

TEST(StsEntry, R280_is_fetched_again_when_the_clock_was_ahead_at_the_last_time) {
  StsEntry entry = fetched();
  EXPECT_FALSE(wants_fetch(entry, "1", kNow - seconds{60}));
  EXPECT_TRUE(wants_fetch(entry, "1", kNow - days{365}));
  take_failure(entry, "1", http_404(), kNow);
  EXPECT_FALSE(backs_off(entry, "1", kNow - days{365}));
  const StsStanding standing = standing_of(entry, kAnnounced, kNow - days{365});
  EXPECT_TRUE(standing.policy);
  EXPECT_FALSE(standing.problem) << "it has not happened yet";
}

TEST(StsEntry, R271_without_a_policy_has_its_problem_only) {
  StsEntry entry;
  take_failure(entry, "1", http_404(), kNow);
  const StsStanding standing = standing_of(entry, kAnnounced, kNow);
  EXPECT_FALSE(standing.policy);
  EXPECT_EQ(standing.problem, http_404());
  EXPECT_FALSE(standing.unknown);
}

TEST(StsEntry, R270_R285_stays_in_force_beside_whatever_goes_wrong) {
  const auto expect_beside = [](const StsEntry& entry, std::string_view reason) {
    const StsStanding standing = standing_of(entry, kAnnounced, kNow + hours{1});
    EXPECT_EQ(standing.policy, sts_policy());
    EXPECT_EQ(standing.id, "1");
    ASSERT_TRUE(standing.problem);
    EXPECT_EQ(standing.problem->reason_code, reason);
  };
  StsEntry entry = fetched();
  take_failure(entry, "2", http_404(), kNow + hours{1});
  expect_beside(entry, "http-status-404");
  entry = fetched();
  take_record(entry, no_record(), kNow + hours{1});
  expect_beside(entry, "no-sts-record");
  entry = fetched();
  take_record(entry, dns_failed(), kNow + hours{1});
  expect_beside(entry, "dns-failure");
}

TEST(StsEntry, R272_of_mode_none_has_no_problem_beside_it) {
  StsEntry entry = fetched(sts_policy("none"));
  take_failure(entry, "2", http_404(), kNow);
  const StsStanding standing = standing_of(entry, kAnnounced, kNow);
  EXPECT_EQ(standing.policy->mode, StsMode::none);
  EXPECT_FALSE(standing.problem);
}

TEST(StsEntry, R284_without_record_and_policy_is_as_if_nothing_had_been) {
  StsEntry entry;
  take_failure(entry, "1", http_404(), kNow);
  take_record(entry, no_record(), kNow + minutes{1});
  EXPECT_FALSE(entry.problem);
  EXPECT_EQ(standing_of(entry, Verdict::none, kNow + minutes{1}), StsStanding{});
}

TEST(StsEntry, R284_is_unknown_when_dns_fails_and_no_policy_is_in_force) {
  StsEntry entry;
  take_failure(entry, "1", http_404(), kNow);
  take_record(entry, dns_failed(), kNow + minutes{1});
  const StsStanding standing = standing_of(entry, Verdict::failed, kNow + minutes{1});
  EXPECT_TRUE(standing.unknown);
  EXPECT_FALSE(standing.problem);
}

TEST(StsEntry, that_has_expired_is_as_none) {  // B7
  StsEntry entry = fetched(sts_policy("enforce", "mx.example", 3600));
  const Seconds later = kNow + hours{2};
  take_failure(entry, "1", http_404(), later);
  const StsStanding standing = standing_of(entry, kAnnounced, later);
  EXPECT_FALSE(standing.policy);
  EXPECT_EQ(standing.id, "");
  EXPECT_EQ(standing.problem, http_404());
}

TEST(StsEntry, forgets_a_problem_that_is_over) {
  StsEntry entry = fetched();
  take_record(entry, no_record(), kNow + minutes{1});
  take_record(entry, announced("1"), kNow + minutes{2});
  EXPECT_FALSE(entry.problem);
  take_failure(entry, "2", http_404(), kNow + minutes{3});
  take_record(entry, announced("2"), kNow + minutes{4});
  EXPECT_EQ(entry.problem, http_404()) << "the new policy is still missing";
  take_record(entry, announced("1"), kNow + minutes{5});
  EXPECT_FALSE(entry.problem) << "the domain has gone back to its old policy";
}

TEST(StsEntry, does_not_tell_a_problem_of_long_ago) {
  StsEntry entry = fetched();
  take_failure(entry, "2", http_404(), kNow);
  EXPECT_TRUE(standing_of(entry, kAnnounced, kNow + kStsProblemAge - seconds{1}).problem);
  EXPECT_FALSE(standing_of(entry, kAnnounced, kNow + kStsProblemAge).problem);
  EXPECT_TRUE(standing_of(entry, kAnnounced, kNow + kStsProblemAge).policy);
}

TEST(StsEntry, takes_no_problem_of_this_machine) {
  StsEntry entry = fetched();
  take_failure(entry, "2", {"", "stopped", "stopped"}, kNow);
  EXPECT_FALSE(entry.problem);
  EXPECT_FALSE(backs_off(entry, "2", kNow));
}

TEST(StsEntry, is_checked_as_often_as_its_record_says) {
  const StsEntry nothing;
  EXPECT_EQ(next_check(nothing, no_record(300), kNow), kNow + seconds{300});
  EXPECT_EQ(next_check(nothing, no_record(0), kNow), kNow + seconds{60});
  EXPECT_EQ(next_check(nothing, no_record(86400), kNow), kNow + hours{1});
  EXPECT_EQ(next_check(nothing, dns_failed(), kNow), kNow + seconds{30});
  EXPECT_EQ(next_check(nothing, announced("1"), kNow), kNow + seconds{60});
  for (const StsRecord& record : {no_record(86400), dns_failed(), announced("1")})
    EXPECT_EQ(next_check(fetched(), record, kNow), kNow + seconds{60});
}

}  // namespace
}  // namespace tlsrpt::sender
