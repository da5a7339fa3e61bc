// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// A database with what a test puts into its ledger.

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "sender/ledger.hpp"
#include "sender/outbound_store.hpp"
#include "sender/suppression.hpp"
#include "tests/unit/sender/times.hpp"
#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::sender {

class LedgerTest : public ::testing::Test {
 protected:
  LedgerTest()
      : store(OutboundStore::open(folder.path() + "/outbound.db", SqliteMode::read_write_create)
                  .value()),
        ledger(store.database()),
        suppressions(store.database()) {}

  using Destinations = std::initializer_list<std::pair<std::string, DeliveryState>>;

  /// A planned domain's day, due an hour after the day's end.
  void add(std::string_view on, std::string domain, Destinations destinations,
           std::string detail = "") {
    Plan plan = plan_for(on, std::move(domain));
    for (const auto& [uri, state] : destinations) {
      Delivery delivery;
      delivery.key = {plan.day, plan.domain, uri};
      delivery.state = state;
      delivery.due = plan.day + std::chrono::hours(25);
      delivery.detail = detail;
      plan.deliveries.push_back(std::move(delivery));
    }
    ASSERT_TRUE(ledger.record({plan}));
  }

  void add_without_report(std::string_view on, std::string domain, PlanState state) {
    Plan plan = plan_for(on, std::move(domain));
    plan.state = state;
    ASSERT_TRUE(ledger.record({plan}));
  }

  /// Sessions of a domain, so that the day has data.
  void count(std::string_view on, std::string domain, std::string record = "") {
    PolicyOutcome policy;
    policy.policy.policy_type = "no-policy-found";
    policy.policy.policy_domain = domain;
    ASSERT_TRUE(
        store.add({{day(on), {std::move(domain), std::move(record), {policy}}, 1}}, {}, {}));
  }

  static Plan plan_for(std::string_view on, std::string domain) {
    Plan plan;
    plan.day = day(on);
    plan.domain = std::move(domain);
    return plan;
  }

  TempDir folder;
  OutboundStore store;
  Ledger ledger;
  Suppressions suppressions;
};

}  // namespace tlsrpt::sender
