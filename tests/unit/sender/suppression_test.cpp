// SPDX-License-Identifier: BSD-2-Clause
#include "sender/suppression.hpp"

#include <gtest/gtest.h>

#include "sender/outbound_store.hpp"
#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::sender {
namespace {

using namespace std::chrono_literals;

constexpr Seconds kNow{Day{std::chrono::year{2026} / 3 / 1}};
constexpr SuppressionSettings kSettings{.bounce_limit = 3, .time = std::chrono::hours(240)};

class SuppressionsTest : public ::testing::Test {
 protected:
  SuppressionsTest() : list(database) {}

  Suppression bounce(const std::string& name, Seconds now, std::string_view detail = "550 no") {
    return list.count_bounce(name, now, detail, kSettings).value();
  }
  bool is_active(std::string_view name, Seconds now) {
    return list.active(now).value().count(name) > 0;
  }

  TempDir folder;
  Sqlite database = Sqlite::open(folder.path() + "/outbound.db", SqliteMode::read_write_create,
                                 outbound_migrations())
                        .value();
  Suppressions list;
};

TEST(SuppressionName, is_one_for_every_spelling) {
  for (const char* text :
       {"Tls@Dead.Example", "mailto:tls@dead.example", "MAILTO:%74ls@DEAD.example"}) {
    EXPECT_EQ(suppression_name(text), "tls@dead.example") << text;
  }
  EXPECT_EQ(suppression_name("HTTPS://R.Example/In?A=B"), "https://r.example/In?A=B");
  EXPECT_FALSE(suppression_name("dead.example"));
}

TEST_F(SuppressionsTest, the_third_bounce_suppresses) {
  EXPECT_EQ(bounce("a@x.example", kNow).until, std::nullopt);
  EXPECT_EQ(bounce("a@x.example", kNow + 24h).until, std::nullopt);
  EXPECT_FALSE(is_active("a@x.example", kNow + 24h));
  const auto third = bounce("a@x.example", kNow + 48h, "550 gone");
  EXPECT_EQ(third.bounces, 3);
  EXPECT_EQ(third.until, kNow + 48h + 240h);
  EXPECT_EQ(third.detail, "550 gone");
  EXPECT_TRUE(is_active("a@x.example", kNow + 48h));
  EXPECT_FALSE(is_active("a@x.example", kNow + 288h));
  EXPECT_FALSE(is_active("b@x.example", kNow + 48h));
}

TEST_F(SuppressionsTest, the_first_bounce_can_be_the_limit) {
  const SuppressionSettings strict{.bounce_limit = 1, .time = 1h};
  EXPECT_EQ(list.count_bounce("a@x.example", kNow, "", strict)->until, kNow + 1h);
}

TEST_F(SuppressionsTest, old_bounces_do_not_count) {
  bounce("a@x.example", kNow);
  bounce("a@x.example", kNow + 1h);
  EXPECT_EQ(bounce("a@x.example", kNow + 242h).bounces, 1);
  EXPECT_FALSE(is_active("a@x.example", kNow + 242h));
}

TEST_F(SuppressionsTest, a_report_that_was_taken_forgives_bounces) {
  bounce("a@x.example", kNow);
  bounce("a@x.example", kNow);
  ASSERT_TRUE(list.clear_bounces("a@x.example"));
  EXPECT_EQ(bounce("a@x.example", kNow).bounces, 1);
}

TEST_F(SuppressionsTest, what_the_operator_said_stands_until_it_has_run_out) {
  ASSERT_TRUE(list.add("a@x.example", kNow + 2h, "asked us to stop"));
  for (int i = 0; i < 4; ++i) {
    const auto entry = bounce("a@x.example", kNow + 1h);
    EXPECT_TRUE(entry.by_hand);
    EXPECT_EQ(entry.until, kNow + 2h);
    EXPECT_EQ(entry.detail, "asked us to stop");
  }
  ASSERT_TRUE(list.clear_bounces("a@x.example"));
  EXPECT_TRUE(is_active("a@x.example", kNow + 1h));
  const auto later = bounce("a@x.example", kNow + 3h);
  EXPECT_FALSE(later.by_hand);
  EXPECT_EQ(later.bounces, 1);
  EXPECT_FALSE(is_active("a@x.example", kNow + 3h));
}

TEST_F(SuppressionsTest, entries_can_be_listed_and_removed) {
  ASSERT_TRUE(list.add("https://b.example/r", kNow, ""));
  bounce("a@x.example", kNow);
  const auto entries = list.list().value();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].name, "a@x.example");
  EXPECT_TRUE(entries[1].by_hand);
  EXPECT_EQ(list.remove("a@x.example"), true);
  EXPECT_EQ(list.remove("a@x.example"), false);
}

TEST_F(SuppressionsTest, pruning_keeps_what_still_counts) {
  bounce("counted@x.example", kNow);
  for (int i = 0; i < 3; ++i) bounce("active@x.example", kNow);
  ASSERT_TRUE(list.add("by-hand@x.example", kNow + 300h, ""));
  ASSERT_TRUE(list.prune(kNow + 239h, kSettings));
  EXPECT_EQ(list.list()->size(), 3u);
  ASSERT_TRUE(list.prune(kNow + 241h, kSettings));
  ASSERT_EQ(list.list()->size(), 1u);
  EXPECT_EQ(list.list()->front().name, "by-hand@x.example");
}

}  // namespace
}  // namespace tlsrpt::sender
