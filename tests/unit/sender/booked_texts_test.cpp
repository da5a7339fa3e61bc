// SPDX-License-Identifier: BSD-2-Clause
#include "sender/booked_texts.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tlsrpt::sender {
namespace {

using namespace std::chrono_literals;

constexpr Day kDay = std::chrono::sys_days(2026y / 3 / 1);

TEST(BookedTexts, remember_rows_with_and_without_details) {
  BookedTexts booked;
  EXPECT_EQ(booked.find(kDay, booked.key_of("a")), nullptr);
  booked.remember(kDay, booked.key_of("a"), {{5, false, {}}});
  booked.remember(kDay, booked.key_of("b"), {{6, true, {}}});
  booked.remember(kDay, booked.key_of("c"), {{7, true, {-1, 2}}, {8, false, {}}});
  const auto* a = booked.find(kDay, booked.key_of("a"));
  ASSERT_NE(a, nullptr);
  ASSERT_EQ(a->size(), 1u);
  EXPECT_EQ(a->front().outcome, 5);
  EXPECT_FALSE(a->front().failed);
  const auto* b = booked.find(kDay, booked.key_of("b"));
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(b->front().outcome, 6);
  EXPECT_TRUE(b->front().failed);
  const auto* c = booked.find(kDay, booked.key_of("c"));
  ASSERT_NE(c, nullptr);
  ASSERT_EQ(c->size(), 2u);
  EXPECT_EQ(c->front().detail_keys, (std::vector<std::int64_t>{-1, 2}));
  EXPECT_EQ(booked.size(), 3u);
}

TEST(BookedTexts, are_those_of_one_day) {
  BookedTexts booked;
  booked.remember(kDay, booked.key_of("a"), {{5, false, {}}});
  EXPECT_EQ(booked.find(kDay + std::chrono::days(1), booked.key_of("a")), nullptr);
  booked.remember(kDay + std::chrono::days(1), booked.key_of("b"), {{6, false, {}}});
  EXPECT_EQ(booked.find(kDay, booked.key_of("a")), nullptr);
  EXPECT_EQ(booked.size(), 1u);
}

TEST(BookedTexts, begin_anew_when_there_are_too_many) {
  constexpr int kMost = 5000;
  BookedTexts booked(kMost);
  for (int i = 0; i < kMost; ++i) {
    booked.remember(kDay, booked.key_of(fmt::format("{}", i)), {{i + 1, false, {}}});
  }
  for (int i = 0; i < kMost; ++i) {
    const auto* rows = booked.find(kDay, booked.key_of(fmt::format("{}", i)));
    ASSERT_NE(rows, nullptr) << i;
    EXPECT_EQ(rows->front().outcome, i + 1);
  }
  booked.remember(kDay, booked.key_of("one more"), {{1, false, {}}});
  EXPECT_EQ(booked.size(), 1u);
}

}  // namespace
}  // namespace tlsrpt::sender
