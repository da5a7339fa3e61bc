// SPDX-License-Identifier: BSD-2-Clause
#include "sender/ledger.hpp"

#include "tests/unit/sender/sending_house.hpp"

namespace tlsrpt::sender {
namespace {

const DeliveryKey kKey{day("2026-03-01"), "rcpt.example", "mailto:tls@rcpt.example"};

class LedgerTest : public SendingTest {
 protected:
  Plan plan(PlanState state = PlanState::planned) {
    Plan result;
    result.day = kKey.day;
    result.domain = kKey.domain;
    result.state = state;
    result.due = clock.time;
    if (state == PlanState::planned) {
      Delivery open;
      open.key = kKey;
      open.due = at("2026-03-02T01:00:00Z");
      result.deliveries.push_back(open);
    }
    return result;
  }
  Ledger& ledger() { return process->ledger; }
  std::optional<Delivery> claim(std::string_view now, ClaimMode mode = ClaimMode::due_only) {
    const Seconds time = at(now);
    return ledger().claim(kKey, time, time + std::chrono::seconds(180), mode).value();
  }
};

TEST_F(LedgerTest, a_plan_is_made_once_and_never_planned_again) {
  ASSERT_TRUE(ledger().record({plan(PlanState::dns_failure)}));
  ASSERT_TRUE(ledger().record({plan()}));
  Plan second = plan();
  second.deliveries[0].key.destination = "mailto:other@rcpt.example";
  ASSERT_TRUE(ledger().record({second, plan(PlanState::no_record)}));
  EXPECT_EQ(ledger().find_plan(kKey.day, kKey.domain).value()->state, PlanState::planned);
  EXPECT_EQ(delivery("2026-03-01", "rcpt.example").key, kKey);
}

TEST_F(LedgerTest, a_failed_lookup_is_open_again_when_it_is_due) {
  Plan failed = plan(PlanState::dns_failure);
  failed.due = at("2026-03-02T00:10:00Z");
  ASSERT_TRUE(ledger().record({failed}));
  EXPECT_EQ(ledger().settled_domains(kKey.day, at("2026-03-02T00:09:59Z"))->size(), 1u);
  EXPECT_TRUE(ledger().settled_domains(kKey.day, at("2026-03-02T00:10:00Z"))->empty());
}

TEST_F(LedgerTest, what_is_not_due_cannot_be_claimed_but_by_hand) {
  ASSERT_TRUE(ledger().record({plan()}));
  EXPECT_FALSE(claim("2026-03-02T00:59:59Z"));
  const auto claimed = claim("2026-03-02T00:59:59Z", ClaimMode::now);
  ASSERT_TRUE(claimed);
  EXPECT_EQ(claimed->state, DeliveryState::sending);
  EXPECT_EQ(claimed->attempts, 1);
  EXPECT_EQ(claimed->first_attempt, at("2026-03-02T00:59:59Z"));
}

TEST_F(LedgerTest, only_one_process_has_a_claim_until_it_runs_out) {
  ASSERT_TRUE(ledger().record({plan()}));
  const auto first = claim("2026-03-02T01:00:00Z");
  ASSERT_TRUE(first);
  restart();  // another process, the same database
  EXPECT_FALSE(claim("2026-03-02T01:02:59Z"));
  EXPECT_FALSE(claim("2026-03-02T01:02:59Z", ClaimMode::now));
  const auto second = claim("2026-03-02T01:03:00Z");
  ASSERT_TRUE(second);
  EXPECT_EQ(second->attempts, 2);
  EXPECT_EQ(second->first_attempt, first->first_attempt);
  EXPECT_FALSE(ledger().finish(*first, DeliveryState::failed, clock.time, "late").value());
  EXPECT_TRUE(ledger().finish(*second, DeliveryState::delivered, clock.time, "250").value());
  EXPECT_EQ(delivery("2026-03-01", "rcpt.example").state, DeliveryState::delivered);
}

TEST_F(LedgerTest, what_was_delivered_can_never_be_claimed_again) {
  ASSERT_TRUE(ledger().record({plan()}));
  const auto claimed = claim("2026-03-02T01:00:00Z");
  ASSERT_TRUE(ledger().finish(*claimed, DeliveryState::delivered, clock.time, "250 Ok").value());
  EXPECT_FALSE(claim("2026-03-03T01:00:00Z"));
  EXPECT_FALSE(claim("2026-03-03T01:00:00Z", ClaimMode::now));
  EXPECT_TRUE(ledger().due(at("2026-03-09T00:00:00Z"), 10)->empty());
  EXPECT_FALSE(ledger().next_due().value());
}

TEST_F(LedgerTest, what_failed_can_be_claimed_by_hand_and_its_time_begins_again) {
  ASSERT_TRUE(ledger().record({plan()}));
  const auto claimed = claim("2026-03-02T01:00:00Z");
  ASSERT_TRUE(ledger().finish(*claimed, DeliveryState::failed, clock.time, "550").value());
  EXPECT_FALSE(claim("2026-03-04T00:00:00Z"));
  const auto again = claim("2026-03-04T00:00:00Z", ClaimMode::now);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->first_attempt, at("2026-03-04T00:00:00Z"));
}

TEST_F(LedgerTest, destinations_that_are_not_served_are_never_claimed) {
  Plan https = plan();
  https.deliveries[0].state = DeliveryState::unsupported;
  ASSERT_TRUE(ledger().record({https}));
  EXPECT_FALSE(claim("2026-03-03T00:00:00Z"));
  EXPECT_FALSE(claim("2026-03-03T00:00:00Z", ClaimMode::now));
}

TEST_F(LedgerTest, the_first_report_kept_is_the_one_that_counts) {
  const StoredReport first{kKey.day,  kKey.domain, "id@sender.example", std::string("a\0b", 3),
                           "summary", clock.time};
  StoredReport second = first;
  second.gzipped = "other bytes";
  second.created += std::chrono::hours(1);
  ASSERT_TRUE(ledger().keep_report(first));
  const auto kept = ledger().keep_report(second);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->gzipped, first.gzipped);
  EXPECT_EQ(kept->created, first.created);
  EXPECT_EQ(ledger().find_report(kKey.day, kKey.domain).value()->report_id, "id@sender.example");
  EXPECT_FALSE(ledger().find_report(kKey.day, "other.example").value());
}

TEST_F(LedgerTest, pruning_forgets_old_days_only) {
  ASSERT_TRUE(ledger().record({plan()}));
  ASSERT_TRUE(ledger().prune(kKey.day));
  EXPECT_TRUE(ledger().find_plan(kKey.day, kKey.domain).value());
  ASSERT_TRUE(ledger().prune(kKey.day + std::chrono::days(1)));
  EXPECT_FALSE(ledger().find_plan(kKey.day, kKey.domain).value());
  EXPECT_TRUE(ledger().deliveries(kKey.day, kKey.domain)->empty());
}

}  // namespace
}  // namespace tlsrpt::sender
