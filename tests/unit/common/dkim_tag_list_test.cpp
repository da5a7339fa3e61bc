// SPDX-License-Identifier: BSD-2-Clause
#include "common/dkim_tag_list.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tlsrpt::dkim {
namespace {

TEST(DkimTagList, takes_folding_white_space_around_names_and_values) {
  const std::string text = "\r\n\tv = 1 ;\r\n a\t=\r\n b c\r\n d ; e= ; f_2=x=y; ";
  const auto list = TagList::parse(text);
  ASSERT_TRUE(list);
  ASSERT_EQ(list->tags().size(), 4u);
  EXPECT_EQ(list->value_or("v", ""), "1");
  EXPECT_EQ(list->value_or("a", ""), "b c\r\n d");
  EXPECT_EQ(list->value_or("e", "?"), "");
  EXPECT_EQ(list->value_or("f_2", ""), "x=y");
  EXPECT_EQ(list->value_or("V", "names have a case"), "names have a case");
  const Tag* v = list->find("v");
  EXPECT_EQ(text.substr(v->begin, v->end - v->begin), " 1 ");
}

TEST(DkimTagList, takes_utf8_in_values) {  // RFC 8616
  EXPECT_TRUE(
      TagList::parse("d=b\xc3\xbc"
                     "cher.example"));
}

TEST(DkimTagList, refuses_what_breaks_the_grammar) {
  const std::vector<std::string> kBroken = {"",
                                            " ",
                                            ";",
                                            "a",
                                            "a=1;;",
                                            "a=1;;b=2",
                                            ";a=1",
                                            "=1",
                                            "1a=1",
                                            "a b=1",
                                            "a-b=1",
                                            "\xc3\xa4=1",
                                            "a=1; a=1",
                                            "a=1; b=2; a=",
                                            "a=1; b",
                                            "_a=1",
                                            std::string("a=\0", 3),
                                            "a=\x01",
                                            "a=\x7f"};
  for (const std::string& text : kBroken) EXPECT_FALSE(TagList::parse(text)) << text;
}

TEST(DkimTagList, has_a_limit) {
  EXPECT_TRUE(TagList::parse("a=1; b=2; c=3;", 3));
  EXPECT_FALSE(TagList::parse("a=1; b=2; c=3; d=4", 3));
}

}  // namespace
}  // namespace tlsrpt::dkim
