// SPDX-License-Identifier: BSD-2-Clause
#include "sender/segment.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "sender/seeded_hash.hpp"

namespace tlsrpt::sender {
namespace {

using namespace std::chrono_literals;

constexpr Day kDay = std::chrono::sys_days(2026y / 3 / 1);

Segment begun(std::size_t max_bytes = 1u << 20) {
  Segment segment(max_bytes);
  segment.begin(kDay);
  return segment;
}

TEST(Segment, keeps_each_text_once_with_how_often_it_came) {
  Segment segment = begun();
  EXPECT_TRUE(segment.empty());
  const auto first = segment.add("one");
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->fresh);
  EXPECT_TRUE(segment.add("")->fresh) << "an empty text is a text";
  const auto again = segment.add("one", 3);
  EXPECT_FALSE(again->fresh);
  EXPECT_EQ(again->id, first->id);
  segment.repeat(first->id, 6);
  ASSERT_EQ(segment.entries().size(), 2u);
  EXPECT_EQ(segment.entries()[0].text, "one");
  EXPECT_EQ(segment.entries()[0].count, 10u);
  EXPECT_EQ(segment.entries()[1].count, 1u);
  EXPECT_EQ(segment.day(), kDay);
}

TEST(Segment, finds_all_of_many_again) {
  constexpr int kTexts = 200'000;
  Segment segment = begun(64u << 20);
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < kTexts; ++i) {
      const auto added = segment.add(fmt::format("text {}", i));
      ASSERT_TRUE(added);
      EXPECT_EQ(added->id, static_cast<std::uint32_t>(i));
      EXPECT_EQ(added->fresh, round == 0);
    }
  }
  EXPECT_EQ(segment.entries().back().text, fmt::format("text {}", kTexts - 1));
  EXPECT_EQ(segment.entries().front().count, 2u);
}

TEST(Segment, takes_no_new_text_when_it_is_full_but_counts_those_that_it_has) {
  Segment segment = begun(10'000);
  int taken = 0;
  while (segment.add(fmt::format("text {}", taken))) ++taken;
  EXPECT_GT(taken, 10);
  EXPECT_LE(segment.bytes(), segment.max_bytes());
  EXPECT_TRUE(segment.add("text 0"));
  EXPECT_EQ(segment.entries()[0].count, 2u);
  EXPECT_FALSE(begun(10'000).add(std::string(10'000, 'x')));
}

TEST(Segment, begins_anew_with_nothing_in_it) {
  Segment segment = begun(200u << 20);
  for (int i = 0; i < 100'000; ++i) segment.add(fmt::format("{:0300}", i));
  segment.begin(kDay + std::chrono::days(1));
  EXPECT_TRUE(segment.empty());
  EXPECT_EQ(segment.bytes(), 0u);
  EXPECT_TRUE(segment.add("text")->fresh);
  EXPECT_EQ(segment.day(), kDay + std::chrono::days(1));
}

TEST(SeededHash, depends_on_each_byte_on_the_length_and_on_the_seed) {
  const std::string text(100, 'a');
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const std::string part = text.substr(0, size);
    EXPECT_NE(seeded_hash(part, 1), seeded_hash(part, 2));
    EXPECT_NE(seeded_hash(part, 1), seeded_hash(part + '\0', 1)) << size;
    for (std::size_t i = 0; i < size; ++i) {
      std::string changed = part;
      changed[i] = 'b';
      EXPECT_NE(seeded_hash(part, 1), seeded_hash(changed, 1)) << size << " " << i;
    }
  }
}

}  // namespace
}  // namespace tlsrpt::sender
