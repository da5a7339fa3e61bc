// SPDX-License-Identifier: BSD-2-Clause
#include "common/escape.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace tlsrpt {
namespace {

using namespace std::string_view_literals;

TEST(EscapeLog, table) {
  const std::vector<std::pair<std::string_view, std::string_view>> rows = {
      {"mx1.example", "mx1.example"},
      {"", "\"\""},
      {"two words", "\"two words\""},
      {"a=b", "\"a=b\""},
      {"say \"hi\"", "\"say \\\"hi\\\"\""},
      {"back\\slash", "\"back\\\\slash\""},
      {"line\r\nbreak", "\"line\\x0d\\x0abreak\""},
      {"\x1b[31m", "\"\\x1b[31m\""},
      {"nul\0x"sv, "\"nul\\x00x\""},
      {"m\xc3\xbcller", "\"m\\xc3\\xbcller\""},
  };
  for (const auto& [text, wanted] : rows) EXPECT_EQ(escape_log(text), wanted);
}

TEST(EscapeLog, long_values_are_cut) {
  EXPECT_EQ(escape_log(std::string(1000, 'a'), 4), "\"aaaa...\"");
}

TEST(EscapeTerminal, table) {
  const std::vector<std::pair<std::string_view, std::string_view>> rows = {
      {"m\xc3\xbcller \xe2\x82\xac", "m\xc3\xbcller \xe2\x82\xac"},
      {"\x1b]0;title\x07", "\\x1b]0;title\\x07"},
      {"a\nb\tc\x7f", "a\\x0ab\\x09c\\x7f"},
      {"\xc2\x9b", "\\u{9b}"},  // CSI as one C1 character
      {"\xe2\x80\xae"
       "gpj.exe",
       "\\u{202e}gpj.exe"},                 // right-to-left override
      {"\xff\xc0\x80", "\\xff\\xc0\\x80"},  // invalid, overlong
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},  // surrogate
      {"\xe2\x82", "\\xe2\\x82"},           // cut
  };
  for (const auto& [text, wanted] : rows) EXPECT_EQ(escape_terminal(text), wanted);
}

TEST(EscapeJsonForTerminal, table) {
  const std::vector<std::pair<std::string_view, std::string_view>> rows = {
      {"{\"a\":\"m\xc3\xbcller\"}\n", "{\"a\":\"m\xc3\xbcller\"}\n"},
      {"\"\xc2\x9b\x7f\"", R"("\u009b\u007f")"},
      {"\"\xe2\x80\xae\"", R"("\u202e")"},
      {"\"\xf3\xa0\x80\xa1\"", R"("\udb40\udc21")"},  // a tag character, two UTF-16 units
      {"\"\\u001b\"", R"("\u001b")"},
      {"\xff", "\xff"},
  };
  for (const auto& [text, wanted] : rows) EXPECT_EQ(escape_json_for_terminal(text), wanted);
}

}  // namespace
}  // namespace tlsrpt
