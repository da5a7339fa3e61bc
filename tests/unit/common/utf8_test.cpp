// SPDX-License-Identifier: BSD-2-Clause
#include "common/utf8.hpp"

#include <gtest/gtest.h>

namespace tlsrpt {
namespace {

#define FFFD "\xef\xbf\xbd"

TEST(Utf8, what_is_well_formed_stays_as_it_is) {
  for (const char* text :
       {"", "plain", "caf\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x93\xa7", "\xed\x9f\xbf",
        "\xee\x80\x80", "\xf4\x8f\xbf\xbf", "\xef\xbf\xbf", FFFD, "\x01\x7f\r\n\t"}) {
    bool replaced = true;
    EXPECT_TRUE(is_valid_utf8(text)) << text;
    EXPECT_EQ(to_valid_utf8(text, &replaced), text);
    EXPECT_FALSE(replaced) << text;
  }
  const std::string with_nul("a\0b", 3);
  EXPECT_EQ(to_valid_utf8(with_nul), with_nul);
}

TEST(Utf8, each_ill_formed_sequence_becomes_one_replacement_character) {
  const struct {
    const char* text;
    const char* valid;
    const char* why;
  } table[] = {
      {"a\xe9z", "a" FFFD "z", "ISO-8859-1"},
      {"\x80", FFFD, "continuation alone"},
      {"\xc0\xaf", FFFD FFFD, "longer than needed"},
      {"\xc1\xbf", FFFD FFFD, "longer than needed"},
      {"\xe0\x9f\xbf", FFFD FFFD FFFD, "longer than needed"},
      {"\xf0\x8f\xbf\xbf", FFFD FFFD FFFD FFFD, "longer than needed"},
      {"\xed\xa0\x80", FFFD FFFD FFFD, "surrogate"},
      {"\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD, "beyond U+10FFFF"},
      {"\xff\xfe", FFFD FFFD, "never in UTF-8"},
      {"\xe2\x82", FFFD, "cut at the end"},
      {"\xe2\x82z", FFFD "z", "cut in the middle"},
      {"\xf0\x9f\x93", FFFD, "cut at the end"},
      {"\xf0\x9f\x93\xe2\x82\xac", FFFD "\xe2\x82\xac", "the next character is kept"},
      {"\xc3\xc3\xa9", FFFD "\xc3\xa9", "the next character is kept"},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(row.why);
    bool replaced = false;
    EXPECT_FALSE(is_valid_utf8(row.text));
    EXPECT_EQ(to_valid_utf8(row.text, &replaced), row.valid);
    EXPECT_TRUE(replaced);
  }
}

TEST(Utf8, code_points_are_decoded) {
  EXPECT_EQ(decode_utf8("A", 0).code_point, U'A');
  EXPECT_EQ(decode_utf8("x\xc3\xa9", 1).code_point, U'\u00e9');
  EXPECT_EQ(decode_utf8("\xe2\x82\xac", 0).code_point, U'\u20ac');
  EXPECT_EQ(decode_utf8("\xf0\x9f\x93\xa7", 0).code_point, U'\U0001f4e7');
  EXPECT_EQ(decode_utf8("\xf0\x9f\x93\xa7", 0).length, 4u);
}

TEST(Utf8, every_two_bytes_become_valid) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text = {static_cast<char>(first), static_cast<char>(second)};
      const std::string valid = to_valid_utf8(text);
      ASSERT_TRUE(is_valid_utf8(valid)) << first << " " << second;
      ASSERT_EQ(is_valid_utf8(text), valid == text) << first << " " << second;
    }
  }
}

TEST(Utf8, a_cut_does_not_split_a_character) {
  EXPECT_EQ(cut_utf8("caf\xc3\xa9", 10), "caf\xc3\xa9");
  EXPECT_EQ(cut_utf8("caf\xc3\xa9", 5), "caf\xc3\xa9");
  EXPECT_EQ(cut_utf8("caf\xc3\xa9", 4), "caf");
  EXPECT_EQ(cut_utf8("\xf0\x9f\x93\xa7", 3), "");
  EXPECT_EQ(cut_utf8("abc", 0), "");
  EXPECT_EQ(cut_utf8("\x80\x80\x80\x80\x80\x80", 5).size(), 5u) << "no character to split";
}

}  // namespace
}  // namespace tlsrpt
