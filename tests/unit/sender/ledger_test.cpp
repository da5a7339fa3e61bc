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
  enum class When { due, now };
  /// As the daemon does, or as somebody who wants it now.
  std::optional<Delivery> claim(std::string_view now, When when = When::due) {
    const Seconds time = at(now);
    const auto found = when == When::due ? ledger().due(Rua::Scheme::mailto, time, 10).value()
                                         : deliveries("2026-03-01", "rcpt.example");
    return found.empty() ? std::nullopt : ledger().claim(found[0], time, 7).value();
  }
  bool finish(Delivery end, DeliveryState state) {
    end.state = state;
    end.due = clock.time;
    end.detail = "said so";
    return ledger().finish(end, clock.time).value();
  }
  std::int64_t record_and_find(const Plan& made) {
    EXPECT_TRUE(ledger().record({made}));
    return ledger().deliveries(kKey.day, kKey.domain)->at(0).plan;
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

TEST_F(LedgerTest, what_is_undecided_is_listed_in_pages_and_a_failed_lookup_when_it_is_due) {
  for (const char* domain : {"c.example", "a.example", "b.example"}) {
    count("2026-03-01", outcome(domain));
  }
  count("2026-03-02", outcome("other-day.example"));
  const auto undecided = [&](std::string_view now, std::string_view after, std::size_t limit) {
    return ledger().undecided_domains(kKey.day, at(now), after, limit).value();
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(undecided("2026-03-02T00:09:59Z", "", 2), (Names{"a.example", "b.example"}));
  EXPECT_EQ(undecided("2026-03-02T00:09:59Z", "b.example", 2), Names{"c.example"});
  Plan failed = plan(PlanState::dns_failure);
  failed.domain = "a.example";
  failed.due = at("2026-03-02T00:10:00Z");
  Plan none = plan(PlanState::no_record);
  none.domain = "b.example";
  ASSERT_TRUE(ledger().record({failed, none}));
  EXPECT_EQ(undecided("2026-03-02T00:09:59Z", "", 9), Names{"c.example"});
  EXPECT_EQ(undecided("2026-03-02T00:10:00Z", "", 9), (Names{"a.example", "c.example"}));
}

TEST_F(LedgerTest, what_is_not_due_cannot_be_claimed_but_by_hand) {
  ASSERT_TRUE(ledger().record({plan()}));
  EXPECT_FALSE(claim("2026-03-02T00:59:59Z"));
  const auto claimed = claim("2026-03-02T00:59:59Z", When::now);
  ASSERT_TRUE(claimed);
  EXPECT_EQ(claimed->state, DeliveryState::sending);
  EXPECT_EQ(claimed->attempts, 1);
  EXPECT_EQ(claimed->first_attempt, at("2026-03-02T00:59:59Z"));
}

TEST_F(LedgerTest, only_one_process_has_a_claim_until_that_dies) {
  ASSERT_TRUE(ledger().record({plan()}));
  const Delivery seen_by_both = delivery("2026-03-01", "rcpt.example");
  const auto first = claim("2026-03-02T01:00:00Z");
  ASSERT_TRUE(first);
  EXPECT_FALSE(ledger().claim(seen_by_both, clock.time, 8).value()) << "the second was too late";
  EXPECT_FALSE(claim("2026-03-02T09:00:00Z"));
  EXPECT_FALSE(claim("2026-03-02T09:00:00Z", When::now));
  EXPECT_EQ(ledger().release_claims(7, at("2026-03-02T01:03:00Z")).value(), 1u);
  const auto second = claim("2026-03-02T01:03:00Z");
  ASSERT_TRUE(second);
  EXPECT_EQ(second->attempts, 2);
  EXPECT_EQ(second->first_attempt, at("2026-03-02T01:03:00Z")) << "nobody may have been asked";
  EXPECT_FALSE(finish(*first, DeliveryState::failed)) << "it comes back from the dead";
  EXPECT_TRUE(finish(*second, DeliveryState::delivered));
  EXPECT_EQ(delivery("2026-03-01", "rcpt.example").state, DeliveryState::delivered);
}

TEST_F(LedgerTest, what_was_put_off_meanwhile_is_not_claimed) {
  ASSERT_TRUE(ledger().record({plan()}));
  const Delivery seen = delivery("2026-03-01", "rcpt.example");
  ASSERT_TRUE(ledger().postpone(seen.id, at("2026-03-02T03:00:00Z")));
  EXPECT_FALSE(ledger().claim(seen, at("2026-03-02T01:00:00Z"), 7).value());
}

TEST_F(LedgerTest, what_was_delivered_can_never_be_claimed_again) {
  ASSERT_TRUE(ledger().record({plan()}));
  const auto claimed = claim("2026-03-02T01:00:00Z");
  ASSERT_TRUE(finish(*claimed, DeliveryState::delivered));
  EXPECT_FALSE(claim("2026-03-03T01:00:00Z"));
  EXPECT_FALSE(claim("2026-03-03T01:00:00Z", When::now));
  EXPECT_TRUE(ledger().due(Rua::Scheme::mailto, at("2026-03-09T00:00:00Z"), 10)->empty());
  EXPECT_FALSE(ledger().next_due(Rua::Scheme::mailto).value());
}

TEST_F(LedgerTest, what_failed_can_be_claimed_by_hand_and_its_time_begins_again) {
  ASSERT_TRUE(ledger().record({plan()}));
  const auto claimed = claim("2026-03-02T01:00:00Z");
  ASSERT_TRUE(finish(*claimed, DeliveryState::failed));
  EXPECT_FALSE(claim("2026-03-04T00:00:00Z"));
  const auto again = claim("2026-03-04T00:00:00Z", When::now);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->first_attempt, at("2026-03-04T00:00:00Z"));
}

TEST_F(LedgerTest, destinations_that_are_excluded_are_never_claimed) {
  Plan left_out = plan();
  left_out.deliveries[0].state = DeliveryState::excluded;
  ASSERT_TRUE(ledger().record({left_out}));
  EXPECT_FALSE(claim("2026-03-03T00:00:00Z"));
  EXPECT_FALSE(claim("2026-03-03T00:00:00Z", When::now));
}

TEST_F(LedgerTest, kinds_of_destinations_are_due_each_for_itself) {
  Plan both = plan();
  both.deliveries.push_back(both.deliveries[0]);
  both.deliveries[1].key.destination = "HTTPS://rcpt.example/tls";
  both.deliveries[1].due = at("2026-03-02T00:30:00Z");
  ASSERT_TRUE(ledger().record({both}));
  const Seconds late = at("2026-03-02T12:00:00Z");
  const auto posts = ledger().due(Rua::Scheme::https, late, 10).value();
  ASSERT_EQ(posts.size(), 1u);
  EXPECT_EQ(posts[0].key.destination, "HTTPS://rcpt.example/tls");
  EXPECT_EQ(ledger().next_due(Rua::Scheme::https).value(), at("2026-03-02T00:30:00Z"));
  EXPECT_EQ(ledger().next_due(Rua::Scheme::mailto).value(), at("2026-03-02T01:00:00Z"));
}

TEST_F(LedgerTest, tells_who_has_entered_and_not_left) {
  const auto before = ledger().slots().value();
  EXPECT_TRUE(ledger().enter(7).value());
  EXPECT_FALSE(ledger().enter(7).value()) << "somebody died under this number";
  EXPECT_EQ(ledger().slots()->size(), before.size() + 1);
  ASSERT_TRUE(ledger().leave(7));
  EXPECT_EQ(ledger().slots().value(), before);
  ASSERT_TRUE(ledger().record({plan()}));
  ASSERT_TRUE(claim("2026-03-02T01:00:00Z"));
  EXPECT_EQ(ledger().release_claims(8, clock.time).value(), 0u);
  EXPECT_EQ(ledger().release_claims(7, clock.time).value(), 1u);
}

TEST_F(LedgerTest, what_did_not_arrive_can_be_tried_again_and_what_did_cannot) {
  ASSERT_TRUE(ledger().record({plan()}));
  const auto claimed = claim("2026-03-02T01:00:00Z");
  ASSERT_TRUE(finish(*claimed, DeliveryState::failed));
  EXPECT_EQ(ledger().retry({kKey.day + std::chrono::days(1), "", {}}, clock.time).value(), 0u);
  EXPECT_EQ(ledger().retry({{}, "other.example", {}}, clock.time).value(), 0u);
  EXPECT_EQ(ledger().retry({kKey.day, "rcpt.example", {}}, clock.time).value(), 1u);
  const Delivery open = delivery("2026-03-01", "rcpt.example");
  EXPECT_EQ(open.state, DeliveryState::deferred);
  EXPECT_EQ(open.due, clock.time);
  EXPECT_FALSE(open.first_attempt);
  const auto again = claim("2026-03-02T02:00:00Z");
  ASSERT_TRUE(finish(*again, DeliveryState::delivered));
  EXPECT_EQ(ledger().retry({}, clock.time).value(), 0u);
}

TEST_F(LedgerTest, counts_and_lists_what_is_in_it) {
  Plan none = plan(PlanState::no_record);
  none.domain = "none.example";
  ASSERT_TRUE(ledger().record({plan(), none}));
  const auto claimed = claim("2026-03-02T01:00:00Z");
  ASSERT_TRUE(finish(*claimed, DeliveryState::failed));
  const auto days = ledger().day_counts().value();
  ASSERT_EQ(days.size(), 1u);
  EXPECT_EQ(days[0].plans, (std::map<PlanState, std::uint64_t>{{PlanState::planned, 1},
                                                               {PlanState::no_record, 1}}));
  EXPECT_EQ(days[0].deliveries,
            (std::map<DeliveryState, std::uint64_t>{{DeliveryState::failed, 1}}));
  EXPECT_EQ(days[0].reports, 0u);
  EXPECT_EQ(ledger().count({{}, "", {DeliveryState::failed, DeliveryState::waiting}}).value(), 1u);
  EXPECT_EQ(ledger().count({{}, "", {DeliveryState::waiting}}).value(), 0u);
  EXPECT_EQ(ledger().list({kKey.day, "rcpt.example", {}}, 10)->size(), 1u);
  const auto errors = ledger().last_errors(kKey.day, 10).value();
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].detail, "said so");
}

TEST_F(LedgerTest, the_first_report_kept_is_the_one_that_counts) {
  const StoredReport first{kKey.day,  kKey.domain, "id@sender.example", std::string("a\0b", 3),
                           "summary", clock.time};
  StoredReport second = first;
  second.gzipped = "other bytes";
  second.created += std::chrono::hours(1);
  const std::int64_t row = record_and_find(plan());
  ASSERT_TRUE(ledger().keep_report(row, first));
  const auto kept = ledger().keep_report(row, second);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->gzipped, first.gzipped);
  EXPECT_EQ(kept->created, first.created);
  EXPECT_EQ(ledger().find_report(kKey.day, kKey.domain).value()->report_id, "id@sender.example");
  EXPECT_FALSE(ledger().find_report(kKey.day, "other.example").value());
}

TEST_F(LedgerTest, pruning_forgets_old_days_only) {
  ASSERT_TRUE(ledger().record({plan()}));
  EXPECT_FALSE(ledger().prune(kKey.day).value());
  EXPECT_TRUE(ledger().find_plan(kKey.day, kKey.domain).value());
  EXPECT_TRUE(ledger().prune(kKey.day + std::chrono::days(1)).value());
  EXPECT_FALSE(ledger().find_plan(kKey.day, kKey.domain).value());
  EXPECT_TRUE(ledger().deliveries(kKey.day, kKey.domain)->empty());
}

}  // namespace
}  // namespace tlsrpt::sender
