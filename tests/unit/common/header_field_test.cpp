// SPDX-License-Identifier: BSD-2-Clause
#include "common/header_field.hpp"

#include <gtest/gtest.h>

#include <string>

#include "common/mailbox.hpp"

namespace tlsrpt {
namespace {

constexpr std::size_t kLimit = 1000;

TEST(SplitHeader, finds_fields_and_body_with_either_line_end) {
  for (const std::string& newline : {std::string("\n"), std::string("\r\n")}) {
    const std::string text = "From: a@b.example" + newline + "SUBJECT : one" + newline + "\ttwo" +
                             newline + "Empty:" + newline + newline + "body";
    const HeaderSection header = split_header(text, kLimit);
    ASSERT_EQ(header.fields.size(), 3u);
    EXPECT_EQ(header.value_of("from"), "a@b.example");
    EXPECT_EQ(header.value_of("Subject"), "one\ttwo");
    EXPECT_EQ(header.value_of("empty"), "");
    EXPECT_EQ(header.value_of("To"), std::nullopt);
    EXPECT_EQ(text.substr(header.size), "body");
    EXPECT_FALSE(header.too_large);
  }
}

TEST(SplitHeader, ends_before_a_line_that_is_no_field) {
  const struct {
    const char* what;
    std::string text;
    std::string body;
  } cases[] = {
      {"empty line first", "\nbody", "body"},
      {"text", "A: b\nno field here\n", "no field here\n"},
      {"delimiter", "A: b\n--x\n", "--x\n"},
      {"delimiter with a colon", "A: b\n--x:y\n", "--x:y\n"},
      {"colon without name", "A: b\n: c\n", ": c\n"},
      {"8-bit name", "A: b\n\xc3\xa4: c\n", "\xc3\xa4: c\n"},
      {"end of text", "A: b", ""},
      {"nothing", "", ""},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.what);
    EXPECT_EQ(test.text.substr(split_header(test.text, kLimit).size), test.body);
  }
}

TEST(SplitHeader, goes_on_behind_few_lines_that_are_no_fields) {
  const std::string bad = "no field\n";
  for (int lines = 1; lines <= 3; ++lines) {
    std::string text = "A: b\n";
    for (int i = 0; i < lines; ++i) text += bad;
    text += "C: d\n\nbody";
    const HeaderSection header = split_header(text, kLimit);
    EXPECT_EQ(header.value_of("C"), "d") << lines;
    EXPECT_TRUE(header.damaged);
  }
  const HeaderSection header = split_header("A: b\n" + bad + bad + bad + bad + "C: d\n", kLimit);
  EXPECT_EQ(header.fields.size(), 1u);
  EXPECT_TRUE(header.damaged) << "no empty line is its end";
  EXPECT_FALSE(split_header("A: b\n\nno field\n", kLimit).damaged);
  EXPECT_FALSE(split_header("A: b\n", kLimit).damaged);
  EXPECT_TRUE(split_header(" folded\nA: b\n\n", kLimit).damaged);
}

TEST(SplitHeader, skips_mbox_lines_at_the_start) {
  const HeaderSection header = split_header("From a@b Mon Mar  2 01:00:00 2026\nTo: c\n\n", kLimit);
  ASSERT_EQ(header.fields.size(), 1u);
  EXPECT_EQ(header.fields[0].name, "To");
}

TEST(SplitHeader, counts_a_field_in_any_case) {
  const HeaderSection header = split_header("From: a\nFROM: b\nfrom : c\n\n", kLimit);
  EXPECT_EQ(header.count("From"), 3u);
  EXPECT_EQ(header.value_of("From"), "a") << "the first one counts";
}

TEST(SplitHeader, stops_at_its_limit) {
  const std::string fitting = "A: " + std::string(kLimit - 5, 'x') + "\n\n";
  EXPECT_FALSE(split_header(fitting + "body", kLimit).too_large);
  EXPECT_FALSE(split_header(fitting + "body", fitting.size()).too_large);
  EXPECT_TRUE(split_header(fitting + "body", fitting.size() - 1).too_large);
  EXPECT_TRUE(split_header("B: c\n" + fitting, kLimit).too_large);
  const HeaderSection endless = split_header("A: b\nC: " + std::string(1u << 20, 'x'), kLimit);
  EXPECT_TRUE(endless.too_large);
  ASSERT_EQ(endless.fields.size(), 1u);
  EXPECT_LE(endless.size, kLimit);
}

TEST(ParseParameters, reads_values_in_all_their_forms) {  // R111, R221
  const struct {
    const char* text;
    const char* value;
    const char* name;
    const char* parameter;
  } cases[] = {
      {"multipart/report; report-type=tlsrpt", "multipart/report", "report-type", "tlsrpt"},
      {"Multipart/REPORT; Report-Type=\"tlsrpt\"", "multipart/report", "report-type", "tlsrpt"},
      {"a/b;x=y", "a/b", "x", "y"},
      {"a/b ; x = y ; z = w", "a/b", "z", "w"},
      {"a/b (c; x=no) ; (d) x=y (e)", "a/b", "x", "y"},
      {"a/b; x=\"c;d\"", "a/b", "x", "c;d"},
      {"a/b; x=\"c\\\"d\\\\\"", "a/b", "x", "c\"d\\"},
      {"a/b; x=\"c", "a/b", "x", "c"},
      {"a/b; x=\"(c)\"", "a/b", "x", "(c)"},
      {"a/b; x=c d.json", "a/b", "x", "c d.json"},
      {"a/b; x=", "a/b", "x", ""},
      {"a/b; x; y=z", "a/b", "y", "z"},
      {"a/b;;; y=z;", "a/b", "y", "z"},
      {"a/b; x=first; x=second", "a/b", "x", "first"},
      {"; x=y", "", "x", "y"},
      {"", "", "x", ""},
      {"a/b; boundary=\"--_NmP-1\"", "a/b", "boundary", "--_NmP-1"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.text);
    const ParameterizedValue result = parse_parameters(test.text);
    EXPECT_EQ(result.value, test.value);
    EXPECT_EQ(result.parameter(test.name), test.parameter);
  }
}

TEST(ParseParameters, joins_what_rfc_2231_splits) {  // R221
  const struct {
    const char* text;
    const char* name;
  } cases[] = {
      {"a/b; name*0=\"one\"; name*1=\".json\"", "one.json"},
      {"a/b; name*1=\".json\"; name*0=\"one\"", "one.json"},
      {"a/b; NAME*0*=utf-8''o%6Ee; name*1=\".json\"", "one.json"},
      {"a/b; name*=UTF-8'en'%e2%82%ac.json", "\xe2\x82\xac.json"},
      {"a/b; name*=no%20charset", "no charset"},
      {"a/b; name*=''%zz%4", "%zz%4"},
      {"a/b; name=plain; name*=utf-8''extended", "extended"},
      {"a/b; name=plain; name*1=second", "plain"},
      {"a/b; name*0=one; name*2=three", "one"},
      {"a/b; name*0=one; name*0=two", "one"},
      {"a/b; name*99999999999999999999=x; name=y", "y"},
      {"a/b; name*x=z; name=y", "y"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.text);
    EXPECT_EQ(parse_parameters(test.text).parameter("name"), test.name);
  }
}

TEST(ParseParameters, bounds_their_number) {
  std::string text = "a/b";
  for (int i = 0; i < 100'000; ++i) text += "; name*" + std::to_string(i) + "=x";
  EXPECT_EQ(parse_parameters(text).parameter("name"), std::string(100, 'x'));
}

TEST(OnlyMailbox, is_the_address_if_there_is_just_one) {
  const struct {
    const char* field;
    std::optional<std::string> address;
  } cases[] = {
      {"a@b.example", "a@b.example"},
      {"  a@b.example (comment)", "a@b.example"},
      {"<a@b.example>", "a@b.example"},
      {"Reports <a@b.example>", "a@b.example"},
      {"\"Doe, John\" <a@b.example> (c (d) \\) e)", "a@b.example"},
      {"\"x@evil.example\" <a@b.example>", "a@b.example"},
      {"x@evil.example <a@b.example>", "a@b.example"},
      {"(x@evil.example, y) a@b.example", "a@b.example"},
      {"=?utf-8?q?a=40b?= <a@b.example>", "a@b.example"},
      {"a@b.example, c@d.example", std::nullopt},
      {"<a@b.example> <c@d.example>", std::nullopt},
      {"<a@b.example> c@d.example", std::nullopt},
      {"<a@b.example> \"c@d.example\"", std::nullopt},
      {"group: a@b.example;", std::nullopt},
      {"<@relay.example:a@b.example>", std::nullopt},
      {"<a@b.example", std::nullopt},
      {"a@b.example>", std::nullopt},
      {"a b@c.example", std::nullopt},
      {"nobody", std::nullopt},
      {"<>", std::nullopt},
      {"", std::nullopt},
      {"\"", std::nullopt},
      {"(", std::nullopt},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.field);
    EXPECT_EQ(only_mailbox(test.field), test.address);
  }
}

}  // namespace
}  // namespace tlsrpt
