// SPDX-License-Identifier: BSD-2-Clause
#include "sender/glob.hpp"

#include <gtest/gtest.h>

#include <string>

#include "sender/pattern_index.hpp"

namespace tlsrpt::sender {
namespace {

TEST(Glob, a_star_is_any_run_of_characters) {
  struct Case {
    const char* pattern;
    const char* text;
    bool fits;
  };
  for (const Case& one :
       {Case{"", "", true}, Case{"", "a", false}, Case{"*", "", true}, Case{"*", "abc", true},
        Case{"**", "a", true}, Case{"a*", "a", true}, Case{"a*", "ba", false},
        Case{"*a", "ba", true}, Case{"*a", "ab", false}, Case{"a*a", "a", false},
        Case{"a*a", "aa", true}, Case{"a*b*c", "a-b-b-c", true}, Case{"a*b*c", "a-c-b", false},
        Case{"*ab*ab*", "abab", true}, Case{"*ab*ba*", "aba", false}, Case{"abc", "abc", true},
        Case{"abc", "abd", false}, Case{"*.example", "example", false},
        Case{"x*yz", "xyyz", true}}) {
    EXPECT_EQ(matches_glob(one.pattern, one.text), one.fits) << one.pattern << " " << one.text;
  }
}

TEST(Glob, a_hostile_text_costs_no_more_than_its_length) {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "*" + std::string(1000, 'a') + "b";
  EXPECT_FALSE(matches_glob(pattern + "*", std::string(1 << 20, 'a')));
}

TEST(PatternIndex, gives_the_first_and_all_in_their_order) {
  PatternIndex index;
  index.add("*.example", 0);
  index.add("a.example", 1);
  index.add("*", 2);
  index.add("a.example", 3);
  EXPECT_EQ(index.first("a.example"), 0u);
  EXPECT_EQ(index.first("other"), 2u);
  EXPECT_EQ(index.all("a.example"), (std::vector<std::size_t>{0, 1, 2, 3}));
  EXPECT_EQ(PatternIndex().first("x"), std::nullopt);
}

}  // namespace
}  // namespace tlsrpt::sender
