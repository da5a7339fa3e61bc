// SPDX-License-Identifier: BSD-2-Clause
#include "common/json_text.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#define FFFD "\xef\xbf\xbd"

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

TEST(JsonText, what_is_json_stays_byte_for_byte) {
  for (const char* text :
       {"{}", R"({"a":[1,2.5e3,-0,"\u00e9\ud83d\udce7\n\\",true,null]})", "[ 1 , 2 ]",
        "\"caf\xc3\xa9\"", R"(",]")", "1e99", R"({"1e999":"1e999"})"}) {
    const RepairedJson repaired = repair_json(text);
    EXPECT_EQ(repaired.text, text);
    EXPECT_FALSE(repaired.changed()) << text;
  }
}

TEST(JsonText, what_can_be_put_right_without_guessing_is) {
  const struct {
    std::string text;
    const char* repaired;
    const char* why;
  } table[] = {
      {R"([1,])", R"([1])", "comma before a bracket"},
      {"{\"a\":1 ,\r\n\t}", "{\"a\":1 \r\n\t}", "comma, blanks, brace"},
      {"[\"a\nb\tc\x01\"]", R"(["a\u000ab\u0009c\u0001"])", "raw controls"},
      {std::string("[\"\0\"]", 5), R"(["\u0000"])", "NUL byte"},
      {"[\"\xe9\"]", "[\"" FFFD "\"]", "ISO-8859-1"},
      {R"(["\ud800"])", "[\"" FFFD "\"]", "high surrogate alone"},
      {R"(["\udc00x"])", "[\"" FFFD "x\"]", "low surrogate alone"},
      {R"(["\ud800\ud83d\udce7"])", "[\"" FFFD R"(\ud83d\udce7"])", "the pair behind it stays"},
      {R"(["\uD800\n"])", "[\"" FFFD R"(\n"])", "another escape behind it"},
      {"[1e400,-1E+400,1e-400]", R"(["1e400","-1E+400","1e-400"])", "no double holds it"},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(row.why);
    const RepairedJson repaired = repair_json(row.text);
    EXPECT_EQ(repaired.text, row.repaired);
    EXPECT_TRUE(repaired.changed());
    EXPECT_TRUE(nlohmann::json::accept(repaired.text));
  }
  EXPECT_TRUE(nlohmann::json::accept(repair_json("[" + std::string(1000, '9') + "]").text));
}

TEST(JsonText, what_is_no_json_is_not_made_json) {
  for (const char* text : {"", "{", "[1", "[,]", "{,}", "[1,,]", "[1 2]", R"(["\x"])",
                           R"(["\ud8"])", R"(["\u12g4"])", R"({"a"})", "[1e400e]", "[-]",
                           "[01e400]", "[1.e400]", "NaN", "[1,", "\"\\", "[\"\\\n\"]"}) {
    EXPECT_FALSE(nlohmann::json::accept(repair_json(text).text)) << text;
  }
}

}  // namespace
}  // namespace tlsrpt
