// SPDX-License-Identifier: BSD-2-Clause
#include "common/json_text.hpp"

#include <gtest/gtest.h>

namespace tlsrpt {
namespace {

TEST(JsonText, a_value_ends_behind_its_last_bracket) {
  const struct {
    const char* text;
    std::size_t end;
  } table[] = {
      {"{}", 2},
      {"{} {}", 2},
      {"[[],{}]x", 7},
      {R"({"a":"}"}x)", 9},
      {R"({"\"}":1}x)", 9},
      {R"({"\\":"}"})", 10},
      {R"({"a":[{"b":"]"}]})", 17},
  };
  for (const auto& row : table) EXPECT_EQ(find_json_end(row.text, 0), row.end) << row.text;
  EXPECT_EQ(find_json_end("xx{}", 2), 4u);
}

TEST(JsonText, a_value_that_is_cut_has_no_end) {
  for (const char* text : {"", "{", "{{}", "[", R"({"a)", R"({"a\)", R"({"a\"})", R"({"a":"b}")"}) {
    EXPECT_EQ(find_json_end(text, 0), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace tlsrpt
