// SPDX-License-Identifier: BSD-2-Clause
#include "sender/tally.hpp"

#include <gtest/gtest.h>

#include <set>

namespace tlsrpt::sender {
namespace {

using namespace std::chrono_literals;

constexpr Day kDay = std::chrono::sys_days(2026y / 3 / 1);

std::string datagram(const std::string& domain, int f = 0) {
  return fmt::format(R"({{"d":"{}","policies":[{{"policy-type":9,"f":{}}}]}})", domain, f);
}

std::uint64_t sessions(const std::vector<CountedOutcome>& outcomes) {
  std::uint64_t sum = 0;
  for (const CountedOutcome& counted : outcomes) sum += counted.sessions;
  return sum;
}

TEST(Tally, repeats_are_counted_under_one_entry) {
  Tally tally;
  EXPECT_TRUE(tally.empty());
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(tally.add(kDay, datagram("a.example")).counted);
  EXPECT_TRUE(tally.add(kDay, datagram("b.example")).counted);
  const auto outcomes = tally.take();
  ASSERT_EQ(outcomes.size(), 2u);
  EXPECT_EQ(outcomes[0].outcome.domain, "a.example");
  EXPECT_EQ(outcomes[0].sessions, 5u);
  EXPECT_EQ(outcomes[1].sessions, 1u);
}

TEST(Tally, take_gives_increments_only_and_the_memory_stays) {
  Tally tally;
  tally.add(kDay, datagram("a.example"));
  EXPECT_EQ(sessions(tally.take()), 1u);
  EXPECT_TRUE(tally.empty());
  EXPECT_EQ(tally.remembered(), 1u);
  tally.add(kDay, datagram("a.example"));
  tally.add(kDay, datagram("a.example"));
  const auto outcomes = tally.take();
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].sessions, 2u);
  EXPECT_EQ(outcomes[0].outcome.policies.size(), 1u);
  EXPECT_TRUE(tally.take().empty());
}

TEST(Tally, outcomes_read_before_midnight_stay_in_their_day) {
  Tally tally;
  const Day next = kDay + std::chrono::days(1);
  for (const Day day : {kDay, kDay, next, next, next}) tally.add(day, datagram("a.example"));
  const auto outcomes = tally.take();
  ASSERT_EQ(outcomes.size(), 2u);
  EXPECT_EQ(outcomes[0].day, kDay);
  EXPECT_EQ(outcomes[0].sessions, 2u);
  EXPECT_EQ(outcomes[1].day, next);
  EXPECT_EQ(outcomes[1].sessions, 3u);
}

TEST(Tally, bad_datagrams_are_reported_each_time_and_not_remembered) {
  Tally tally;
  for (int i = 0; i < 3; ++i) {
    const Tallied tallied = tally.add(kDay, "junk");
    EXPECT_FALSE(tallied.counted);
    EXPECT_FALSE(tallied.dropped);
    EXPECT_EQ(tallied.bad, std::vector{BadOutcome::not_json});
  }
  EXPECT_EQ(tally.remembered(), 0u);
  EXPECT_TRUE(tally.empty());
}

TEST(Tally, the_good_policies_of_a_half_bad_datagram_are_counted_each_time) {
  Tally tally;
  const std::string half =
      R"({"d":"a.example","policies":[{"policy-type":9,"f":0},{"policy-type":5,"f":0}]})";
  for (int i = 0; i < 3; ++i) {
    const Tallied tallied = tally.add(kDay, half);
    EXPECT_TRUE(tallied.counted);
    EXPECT_EQ(tallied.bad, std::vector{BadOutcome::unknown_policy_type});
  }
  EXPECT_EQ(sessions(tally.take()), 3u);
}

TEST(Tally, a_full_memory_of_known_datagrams_starts_anew_and_loses_no_count) {
  TallyBounds bounds;
  bounds.max_remembered_bytes = 10000;
  Tally tally(bounds);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 200; ++i) tally.add(kDay, datagram(fmt::format("d{}.example", i)));
    EXPECT_LT(tally.remembered(), 40u);
  }
  EXPECT_EQ(sessions(tally.take()), 600u);
}

TEST(Tally, what_does_not_fit_into_memory_is_dropped_and_said) {
  TallyBounds bounds;
  bounds.max_pending_bytes = 5000;
  Tally tally(bounds);
  std::uint64_t counted = 0;
  std::uint64_t dropped = 0;
  for (int i = 0; i < 200; ++i) {
    const Tallied tallied = tally.add(kDay, datagram(fmt::format("d{}.example", i)));
    counted += tallied.counted ? 1 : 0;
    dropped += tallied.dropped ? 1 : 0;
  }
  EXPECT_EQ(counted + dropped, 200u);
  EXPECT_GT(dropped, 0u);
  EXPECT_LE(tally.pending_bytes(), 5000u);
  // What is there already still counts, and after a flush there is room again.
  EXPECT_TRUE(tally.add(kDay, datagram("d0.example")).counted);
  EXPECT_EQ(sessions(tally.take()), counted + 1);
  EXPECT_TRUE(tally.add(kDay, datagram("d199.example")).counted);
}

TEST(SeededHash, depends_on_every_byte_the_length_and_the_seed) {
  std::set<std::uint64_t> seen;
  std::size_t tried = 0;
  for (std::size_t length = 0; length < 70; ++length) {
    const std::string zeros(length, '\0');
    for (const std::uint64_t seed : {0u, 1u}) {
      seen.insert(seeded_hash(zeros, seed));
      ++tried;
      for (std::size_t at = 0; at < length; ++at) {
        std::string changed = zeros;
        changed[at] = 1;
        seen.insert(seeded_hash(changed, seed));
        ++tried;
      }
    }
  }
  EXPECT_EQ(seen.size(), tried);
  EXPECT_EQ(seeded_hash("abc", 7), seeded_hash(std::string("abc"), 7));
}

}  // namespace
}  // namespace tlsrpt::sender
