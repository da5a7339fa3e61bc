// SPDX-License-Identifier: BSD-2-Clause
#include "common/json_scanner.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#define FFFD "\xef\xbf\xbd"

namespace tlsrpt {
namespace {

using Token = JsonScanner::Token;

struct Scanned {
  std::string tokens;  ///< "{ a: 'b' 1 true null }", and "?" for what is malformed
  JsonRepairs repairs;
  std::size_t position = 0;
};

Scanned scan(std::string_view text) {
  JsonScanner scanner(text);
  Scanned scanned;
  const auto add = [&](std::string_view word) {
    if (!scanned.tokens.empty()) scanned.tokens += ' ';
    scanned.tokens += word;
  };
  for (bool more = true; more;) {
    switch (scanner.next()) {
      case Token::begin_object:
        add("{");
        break;
      case Token::end_object:
        add("}");
        break;
      case Token::begin_array:
        add("[");
        break;
      case Token::end_array:
        add("]");
        break;
      case Token::name:
        add(fmt::format("{}:", scanner.value()));
        break;
      case Token::text:
        add(fmt::format("'{}'", scanner.value()));
        break;
      case Token::number:
      case Token::boolean:
        add(scanner.value());
        break;
      case Token::null:
        add("null");
        break;
      case Token::end:
        more = false;
        break;
      case Token::malformed:
        add("?");
        more = false;
        EXPECT_EQ(scanner.next(), Token::malformed) << "nothing follows";
        break;
    }
  }
  scanned.repairs = scanner.repairs();
  scanned.position = scanner.position();
  return scanned;
}

TEST(JsonScanner, says_what_comes_next) {
  const struct {
    std::string text;
    const char* tokens;
  } table[] = {
      {"{}", "{ }"},
      {"[]", "[ ]"},
      {" [ 1 ,\t-2.5e+3 , 0,1E400 ]", "[ 1 -2.5e+3 0 1E400 ]"},
      {R"({"a":{"b":[true,false,null]},"c":"d"})", "{ a: { b: [ true false null ] } c: 'd' }"},
      {"{\r\n\t\"a\" :\n1\n}", "{ a: 1 }"},
      {R"("plain text of more than eight bytes")", "'plain text of more than eight bytes'"},
      {R"("\"\\\/\b\f\n\r\t")", "'\"\\/\b\f\n\r\t'"},
      {R"(["\u00e9","\ud83d\udce7","\u20AC","A\u0042C"])",
       "[ '\xc3\xa9' '\xf0\x9f\x93\xa7' '\xe2\x82\xac' 'ABC' ]"},
      {"\"caf\xc3\xa9 in a longer text\"", "'caf\xc3\xa9 in a longer text'"},
      {"\"\x7f\"", "'\x7f'"},
      {R"({"na\u006de":0})", "{ name: 0 }"},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(row.text);
    const Scanned scanned = scan(row.text);
    EXPECT_EQ(scanned.tokens, row.tokens);
    EXPECT_EQ(scanned.repairs, JsonRepairs{});
    EXPECT_EQ(scanned.position, row.text.size());
  }
}

TEST(JsonScanner, stops_behind_the_first_value) {
  EXPECT_EQ(scan("{} {").tokens, "{ }");
  EXPECT_EQ(scan("{} {").position, 2u);
  EXPECT_EQ(scan("[1]]").position, 3u);
  EXPECT_EQ(scan("12,").position, 2u);
}

TEST(JsonScanner, puts_right_what_needs_no_guess_and_says_so) {
  const JsonRepairs syntax{true, false, false};
  const JsonRepairs bytes{false, true, false};
  const JsonRepairs half{false, false, true};
  const struct {
    std::string text;
    std::string tokens;
    JsonRepairs repairs;
    const char* why;
  } table[] = {
      {"[1,]", "[ 1 ]", syntax, "comma before a bracket"},
      {"{\"a\":1 ,\r\n\t}", "{ a: 1 }", syntax, "comma, blanks, brace"},
      {"[\"a\nb\tc\x01\"]", "[ 'a\nb\tc\x01' ]", syntax, "raw controls"},
      {std::string("[\"\0\"]", 5), std::string("[ '\0' ]", 7), syntax, "NUL byte"},
      {"[\"\xe9\"]", "[ '" FFFD "' ]", bytes, "ISO-8859-1"},
      {"[\"\xc3\"]", "[ '" FFFD "' ]", bytes, "the quote is no part of a character"},
      {"{\"\xff\":1}", "{ " FFFD ": 1 }", bytes, "in a name"},
      {R"(["\ud800"])", "[ '" FFFD "' ]", half, "high surrogate alone"},
      {R"(["\udc00x"])", "[ '" FFFD "x' ]", half, "low surrogate alone"},
      {R"(["\ud800\ud83d\udce7"])", "[ '" FFFD "\xf0\x9f\x93\xa7' ]", half, "the pair stays"},
      {R"(["\uD800\n"])", "[ '" FFFD "\n' ]", half, "another escape behind it"},
      {R"(["\uD800\u0041"])", "[ '" FFFD "A' ]", half, "another character behind it"},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(row.why);
    const Scanned scanned = scan(row.text);
    EXPECT_EQ(scanned.tokens, row.tokens);
    EXPECT_EQ(scanned.repairs, row.repairs);
  }
}

TEST(JsonScanner, does_not_guess) {
  for (const char* text : {"",
                           " ",
                           "{",
                           "[1",
                           "[,]",
                           "{,}",
                           "[1,,]",
                           "[1 2]",
                           R"({"a"})",
                           R"({"a":})",
                           R"({"a":1 "b":2})",
                           R"({"a":1]})",
                           R"([1})",
                           R"({a:1})",
                           R"({1:1})",
                           "NaN",
                           "tru",
                           "nul",
                           "True",
                           "[-]",
                           "[+]",
                           "[.]",
                           "[.e4]",
                           "[-true]",
                           "[truth]",
                           "[NaN",
                           "{True:1}",
                           "[1/2]",
                           "[1,",
                           "\"",
                           "\"\\",
                           "\"\\\"",
                           "\"a",
                           "\"abcdefghij",
                           "\"\\u",
                           "\"\\u12",
                           "\"\xff",
                           "\xef\xbb\xbf{}",
                           "'a'"}) {
    const Scanned scanned = scan(text);
    EXPECT_TRUE(scanned.tokens.ends_with("?")) << text << " -> " << scanned.tokens;
  }
  EXPECT_EQ(scan(R"({"a":1 "b"})").position, 7u) << "says where";
}

TEST(JsonScanner, takes_numbers_and_words_as_programs_print_them) {
  const struct {
    const char* text;
    const char* tokens;
  } table[] = {
      {"[01,+1 ,.5\t]", "[ 01 +1 .5 ]"},
      {"[1.,1.e4,1e,0x1F]", "[ 1. 1.e4 1e 0x1F ]"},
      {"[NaN,nan,-Infinity,inf]", "[ NaN nan -Infinity inf ]"},
      {"{\"a\":True,\"b\":FALSE}", "{ a: True b: FALSE }"},
      {"[None,NULL,nil,undefined]", "[ null null null null ]"},
      {"[2026-03-01T00:00:00Z]", "[ 2026-03-01T00:00:00Z ]"},
  };
  for (const auto& row : table) {
    const Scanned scanned = scan(row.text);
    EXPECT_EQ(scanned.tokens, row.tokens);
    EXPECT_TRUE(scanned.repairs.syntax) << row.text;
    EXPECT_EQ(scanned.position, std::string_view(row.text).size());
  }
  const std::string longest = "[" + std::string(40, '0') + "]";
  EXPECT_EQ(scan(longest).tokens, "[ " + std::string(40, '0') + " ]");
  EXPECT_TRUE(scan("[0" + longest.substr(1)).tokens.ends_with("?"));
}

TEST(JsonScanner, keeps_a_backslash_that_escapes_nothing) {
  for (const char* value : {R"(C:\Users\x)", R"(it\'s)", R"(\u12g4 \ud8)", "\\\n"}) {
    const std::string text = '"' + std::string(value) + '"';
    JsonScanner scanner(text);
    EXPECT_EQ(scanner.next(), JsonScanner::Token::text) << text;
    EXPECT_EQ(scanner.value(), value);
    EXPECT_TRUE(scanner.repairs().syntax);
  }
}

TEST(JsonScanner, agrees_with_another_parser_about_damaged_text) {
  std::mt19937 random(8460);
  const std::string original =
      R"({"a":[1,-2,30,"text that is long enough",true],"b":{"c":null,"d":"\u00e9\n\ud83d\udce7"},)"
      "\"e\":\"caf\xc3\xa9\", \"f\" : [ { } , [ ] ]}";
  ASSERT_TRUE(nlohmann::json::accept(original));
  // Without digits, so that no number gets too large for the other parser.
  constexpr std::string_view kTelling = "{}[]\",:\\ud-.e\n\xc3\xff\x1f t";
  unsigned good = 0;
  for (int i = 0; i < 50000; ++i) {
    std::string text = original;
    for (auto changes = random() % 3; changes < 3; ++changes) {
      const std::size_t at = random() % text.size();
      const char byte = kTelling[random() % kTelling.size()];
      if (random() % 2 == 0)
        text[at] = byte;
      else
        text.insert(at, 1, byte);
    }
    SCOPED_TRACE(text);
    const Scanned scanned = scan(text);
    const bool clean = !scanned.tokens.ends_with("?") && scanned.repairs == JsonRepairs{} &&
                       text.find_first_not_of(" \t\r\n", scanned.position) == std::string::npos;
    ASSERT_EQ(clean, nlohmann::json::accept(text));
    if (clean) ++good;
  }
  EXPECT_GT(good, 100u) << "the other verdict has to be tried as well";
}

TEST(JsonScanner, a_name_that_was_expected_is_taken_at_once) {
  JsonScanner scanner("[{\"name\":1 , \n \"longer-name\":{\"name\": 2},\"name\" :3},\"name\"]");
  const auto takes = [&scanner](std::string_view name) { return scanner.take_name(name); };
  EXPECT_FALSE(takes("name")) << "a value is next";
  ASSERT_EQ(scanner.next(), Token::begin_array);
  ASSERT_EQ(scanner.next(), Token::begin_object);
  EXPECT_FALSE(takes("names"));
  EXPECT_FALSE(takes("Name"));
  EXPECT_TRUE(takes("name"));
  EXPECT_FALSE(takes("name")) << "its value is next";
  ASSERT_EQ(scanner.next(), Token::number);
  EXPECT_EQ(scanner.value(), "1");
  EXPECT_FALSE(takes("name"));
  EXPECT_TRUE(takes("longer-name"));
  ASSERT_EQ(scanner.next(), Token::begin_object);
  EXPECT_TRUE(takes("name"));
  ASSERT_EQ(scanner.next(), Token::number);
  EXPECT_FALSE(takes("name")) << "a bracket is next";
  ASSERT_EQ(scanner.next(), Token::end_object);
  EXPECT_FALSE(takes("name")) << "a blank is left to next()";
  ASSERT_EQ(scanner.next(), Token::name);
  EXPECT_EQ(scanner.value(), "name");
  ASSERT_EQ(scanner.next(), Token::number);
  ASSERT_EQ(scanner.next(), Token::end_object);
  EXPECT_FALSE(takes("name")) << "in an array";
  ASSERT_EQ(scanner.next(), Token::text);
  ASSERT_EQ(scanner.next(), Token::end_array);
  EXPECT_FALSE(takes("name"));
  EXPECT_EQ(scanner.next(), Token::end);
  EXPECT_EQ(scanner.repairs(), JsonRepairs{});
}

TEST(JsonScanner, a_name_is_not_taken_from_behind_the_end) {
  constexpr std::string_view kWhole = "{\"long-name-of-a-member\":";
  for (std::size_t size = 1; size <= kWhole.size(); ++size) {
    const std::string text(kWhole.substr(0, size));  // so that memory checkers see its end
    JsonScanner scanner(text);
    ASSERT_EQ(scanner.next(), Token::begin_object);
    EXPECT_EQ(scanner.take_name("long-name-of-a-member"), size == kWhole.size()) << text;
    EXPECT_EQ(scanner.next(), Token::malformed);
  }
}

}  // namespace
}  // namespace tlsrpt
