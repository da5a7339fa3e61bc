// SPDX-License-Identifier: BSD-2-Clause
#include "milter/text_table.hpp"

#include <gtest/gtest.h>

namespace tlsrpt::milter {
namespace {

TEST(TextTable, aligns_columns_by_characters) {
  TextTable table({{"NAME"}, {"COUNT", true}, {"EMPTY"}});
  table.add(
      {"b\xc3\xbc"
       "cher.example",
       "7"});
  table.add({"x", "1,000"});
  EXPECT_EQ(table.text(),
            "  NAME            COUNT\n"
            "  b\xc3\xbc"
            "cher.example      7\n"
            "  x               1,000\n");
}

TEST(TextTable, cuts_long_cells_between_characters) {
  TextTable table({{"N", false, 6}});
  table.add({"\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"});
  table.add({"123456"});
  EXPECT_EQ(table.text(), "  N\n  \xc3\xbc\xc3\xbc\xc3\xbc...\n  123456\n");
}

TEST(TextTable, escapes_what_strangers_wrote) {
  SCOPED_TRACE("R237");
  TextTable table({{"N"}});
  table.add({"a\x1b[2J\n\xff"});
  EXPECT_EQ(table.text(), "  N\n  a\\x1b[2J\\x0a\\xff\n");
}

TEST(SuccessRate, is_100_only_without_failures) {
  struct {
    std::uint64_t successful;
    std::uint64_t failed;
    const char* rate;
  } const cases[] = {{0, 0, "-"},         {5, 0, "100 %"},         {0, 5, "0.00 %"},
                     {1, 2, "33.33 %"},   {9999999, 1, "99.99 %"}, {1ull << 53, 1, "99.99 %"},
                     {1, 9999, "0.01 %"}, {1, 9999999, "0.00 %"}};
  for (const auto& one : cases) EXPECT_EQ(success_rate(one.successful, one.failed), one.rate);
}

TEST(GroupDigits, puts_a_comma_before_each_three) {
  EXPECT_EQ(group_digits(0), "0");
  EXPECT_EQ(group_digits(999), "999");
  EXPECT_EQ(group_digits(1000), "1,000");
  EXPECT_EQ(group_digits(18446744073709551615ull), "18,446,744,073,709,551,615");
}

}  // namespace
}  // namespace tlsrpt::milter
