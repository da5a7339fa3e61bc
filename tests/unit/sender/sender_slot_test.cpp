// SPDX-License-Identifier: BSD-2-Clause
#include "sender/sender_slot.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::sender {
namespace {

TEST(SenderSlot, is_held_by_one_and_free_when_that_is_gone) {
  const TempDir folder;
  const std::string path = folder.file("outbound.db");
  auto first = SenderSlot::take(path).value();
  std::optional<SenderSlot> second = SenderSlot::take(path).value();
  EXPECT_NE(first.number(), second->number());
  EXPECT_TRUE(first.held_by_other(second->number()));
  EXPECT_TRUE(second->held_by_other(first.number()));
  EXPECT_FALSE(first.held_by_other(first.number())) << "its own";
  EXPECT_FALSE(first.held_by_other(77)) << "nobody's";
  const int number = second->number();
  second.reset();
  EXPECT_FALSE(first.held_by_other(number));
  EXPECT_EQ(SenderSlot::take(path)->number(), number);
}

TEST(SenderSlot, needs_a_folder_to_write_to) {
  EXPECT_FALSE(SenderSlot::take("/nonexistent/outbound.db"));
}

}  // namespace
}  // namespace tlsrpt::sender
