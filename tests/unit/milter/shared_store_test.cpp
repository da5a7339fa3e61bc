// SPDX-License-Identifier: BSD-2-Clause
#include "milter/shared_store.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "milter/received_schema.hpp"
#include "received_samples.hpp"
#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::milter {
namespace {

using namespace std::chrono_literals;

class SharedStoreTest : public testing::Test {
 protected:
  [[nodiscard]] std::string path() const { return directory_.file("received.db"); }
  [[nodiscard]] ReceivedStore open() const {
    return ReceivedStore::open(path(), SqliteMode::read_write_create).value();
  }
  [[nodiscard]] Sqlite connect() const {
    return Sqlite::open(path(), SqliteMode::read_write_create, received_migrations()).value();
  }
  TempDir directory_;
};

StoreItem item(const std::string& id) {
  StoreItem item;
  item.reports = {received(1, "a.example", id, {policy_result("x.example", "sts", 1)})};
  item.counters = {{"mails_seen", 1}};
  return item;
}

std::vector<const StoreItem*> pointers(const std::vector<StoreItem>& items) {
  std::vector<const StoreItem*> all;
  for (const StoreItem& one : items) all.push_back(&one);
  return all;
}

TEST_F(SharedStoreTest, gives_everybody_his_own_result_after_its_commit) {
  constexpr int kThreads = 8;
  constexpr int kItems = 25;
  SharedStore shared(open(), {}, 20s);
  std::atomic<int> fresh{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      ReceivedStore other = open();
      for (int i = 0; i < kItems; ++i) {
        const std::string id = fmt::format("{}-{}", thread / 2, i);
        const auto stored = shared.store(item(id));
        ASSERT_TRUE(stored) << stored.error().detail;
        if (!stored->at(0).duplicate) ++fresh;
        const auto seen = other.report(stored->at(0).id);
        ASSERT_TRUE(seen && seen->has_value()) << "another connection sees it: it is committed";
        EXPECT_EQ((*seen)->report.report_id, id);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(fresh, kThreads / 2 * kItems);
  EXPECT_EQ(open().counters().value().at("mails_seen"), std::uint64_t{kThreads * kItems});
}

TEST_F(SharedStoreTest, waits_for_nobody_when_it_is_alone) {
  SharedStore shared(open(), {}, 0ms);
  EXPECT_TRUE(shared.store(item("1")));
  EXPECT_TRUE(shared.store(item("1")).value().at(0).duplicate);
}

TEST_F(SharedStoreTest, a_bad_item_costs_only_itself) {
  ReceivedStore store = open();
  ASSERT_TRUE(connect().execute(
      "CREATE TRIGGER no BEFORE INSERT ON report WHEN NEW.report_id = 'bad' BEGIN "
      "SELECT RAISE(ABORT, 'no'); END"));
  const std::vector<StoreItem> items = {item("1"), item("bad"), item("2"), item("bad"), item("1")};
  const auto results = store.store_all(pointers(items), {});
  ASSERT_EQ(results.size(), items.size());
  EXPECT_TRUE(results[0]);
  EXPECT_FALSE(results[1]);
  EXPECT_TRUE(results[2]);
  EXPECT_FALSE(results[3]);
  ASSERT_TRUE(results[4]);
  EXPECT_TRUE(results[4]->at(0).duplicate);
  EXPECT_EQ(store.list({}).value().size(), 2u);
  EXPECT_EQ(store.counters().value().at("mails_seen"), 3u)
      << "counted once, and only what is there";
}

TEST_F(SharedStoreTest, all_are_told_to_come_again_when_the_store_is_held_up) {
  ReceivedStore store =
      ReceivedStore::open(path(), SqliteMode::read_write_create, /*busy_timeout_ms=*/10).value();
  Sqlite other = connect();
  auto held = Transaction::begin(other);
  ASSERT_TRUE(held);
  const std::vector<StoreItem> items = {item("1"), item("2"), item("3")};
  const auto results = store.store_all(pointers(items), {});
  ASSERT_EQ(results.size(), items.size());
  for (const auto& result : results) EXPECT_EQ(result.error().code, ErrorCode::temporary);
  ASSERT_TRUE(held->commit());
  for (const auto& result : store.store_all(pointers(items), {})) EXPECT_TRUE(result);
}

TEST_F(SharedStoreTest, takes_a_refused_input_away_with_the_report_that_was_in_it) {
  ReceivedStore store = open();
  StoreItem refused;
  for (const std::string bytes : {"one", "two", "three"}) {
    RefusedInput input;
    input.provenance.received_at = march(2);
    input.refusal = Refusal::not_json;
    input.bytes = bytes;
    refused.refused.push_back(input);
  }
  // Of the oldest one no byte fits any more: it cannot be tried again.
  refused.refused.front().provenance.received_at = march(1);
  ASSERT_TRUE(store.store(refused, StoreLimits{8, 100}));
  std::vector<std::string> kept;
  for (auto next = store.refused_after(0).value(); next;
       next = store.refused_after(next->id).value()) {
    kept.push_back(next->input.bytes);
    StoreItem found = item(next->input.bytes);
    found.instead_of_refused = next->id;
    if (kept.size() > 1) continue;
    ASSERT_TRUE(store.store(found, {}));
  }
  EXPECT_EQ(kept, (std::vector<std::string>{"two", "three"}));
  EXPECT_EQ(store.list_refused({}).value().size(), 2u);
  EXPECT_EQ(store.list({}).value().at(0).report.report_id, "two");
}

}  // namespace
}  // namespace tlsrpt::milter
