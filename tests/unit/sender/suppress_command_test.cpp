// SPDX-License-Identifier: BSD-2-Clause
#include "sender/suppress_command.hpp"

#include "sender/text_table.hpp"
#include "tests/unit/sender/ledger_entries.hpp"

namespace tlsrpt::sender {
namespace {

using Lines = std::vector<std::string>;

class SuppressTest : public LedgerTest {
 protected:
  Lines printed;
  PrintLine print = [this](const std::string& line) { printed.push_back(line); };
  Seconds now = at("2026-03-02T12:00:00Z");
};

TEST_F(SuppressTest, adds_and_removes_and_says_so) {
  const Lines names = {"a@x.example", "https://y.example/r"};
  ASSERT_TRUE(suppress_destinations(suppressions, names, now, "asked", print));
  EXPECT_EQ(printed[0], "a@x.example is suppressed until 2026-03-02T12:00:00Z");
  const auto removed =
      unsuppress_destinations(suppressions, {"a@x.example", "b@x.example", "c@x.example"}, print);
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().detail,
            "not suppressed: b@x.example, c@x.example; see 'suppress list'");
  EXPECT_EQ(suppressions.list()->size(), 1u);
}

TEST_F(SuppressTest, lists_what_is_suppressed_and_what_is_only_counted) {
  EXPECT_EQ(suppression_table({}, now, 80).size(), 1u);
  ASSERT_TRUE(suppressions.add("b@x.example", now + std::chrono::hours(1), "asked"));
  ASSERT_TRUE(suppressions.count_bounce("a@x.example", now, "550 \x1b[1m", {}));
  EXPECT_EQ(suppression_table(suppressions.list().value(), now, kNoWidth),
            (Lines{"DESTINATION  SUPPRESSED                  WHY        DETAIL",
                   "a@x.example  counted only                1 bounced  550 \\x1b[1m",
                   "b@x.example  until 2026-03-02T13:00:00Z  by hand    asked"}));
}

}  // namespace
}  // namespace tlsrpt::sender
