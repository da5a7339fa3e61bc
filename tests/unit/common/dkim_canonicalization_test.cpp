// SPDX-License-Identifier: BSD-2-Clause
#include "common/dkim_canonicalization.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tlsrpt::dkim {
namespace {

std::string field(Canonicalization canonicalization, std::string_view text) {
  std::string out;
  append_canonical_field(canonicalization, text, out);
  return out;
}

std::string body(Canonicalization canonicalization, std::string_view text) {
  std::string out;
  canonicalize_body(canonicalization, text, [&out](std::string_view bytes) { out += bytes; });
  return out;
}

struct Case {
  std::string input;
  std::string simple;
  std::string relaxed;
};

TEST(DkimCanonicalization, of_header_fields) {
  const std::vector<Case> kCases = {
      // The example of RFC 6376 section 3.4.5.
      {"A: X", "A: X", "a:X"},
      {"B : Y\t\r\n\tZ  ", "B : Y\t\r\n\tZ  ", "b:Y Z"},
      // Folds, bare LF, no value, colons, other case.
      {"Subject:a\r\n b\r\n\tc", "Subject:a\r\n b\r\n\tc", "subject:a b c"},
      {"Subject:\r\n a", "Subject:\r\n a", "subject:a"},
      {"Subject: a\n b", "Subject: a\r\n b", "subject:a b"},
      {"Subject:", "Subject:", "subject:"},
      {"Subject: \t ", "Subject: \t ", "subject:"},
      {"SUBJECT: A:B", "SUBJECT: A:B", "subject:A:B"},
      {"Subject: a\r\n  \t\r\n b", "Subject: a\r\n  \t\r\n b", "subject:a b"},
      {"X: a\rb", "X: a\rb", "x:a\rb"},
      {"X: \xc3\xa4\x80", "X: \xc3\xa4\x80", "x:\xc3\xa4\x80"},
      {std::string("X: a\0b", 6), std::string("X: a\0b", 6), std::string("x:a\0b", 5)},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(field(Canonicalization::simple, c.input), c.simple);
    EXPECT_EQ(field(Canonicalization::relaxed, c.input), c.relaxed);
  }
}

TEST(DkimCanonicalization, of_bodies) {
  const std::vector<Case> kCases = {
      // The example of RFC 6376 section 3.4.5.
      {" C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n"},
      // Section 3.4.3: an empty body is one line end. Section 3.4.4: it is nothing.
      {"", "\r\n", ""},
      {"\r\n", "\r\n", ""},
      {"\r\n\r\n\r\n", "\r\n", ""},
      {"\n\n", "\r\n", ""},
      // A line of blanks is empty only to 'relaxed'.
      {" \t\r\n", " \t\r\n", ""},
      {"a\r\n \r\n", "a\r\n \r\n", "a\r\n"},
      {"a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n"},
      {"a\r\n \t\r\nb\r\n\r\n", "a\r\n \t\r\nb\r\n", "a\r\n\r\nb\r\n"},
      // No line end at the end, bare LF, bare CR.
      {"a", "a\r\n", "a\r\n"},
      {"a\nb\n", "a\r\nb\r\n", "a\r\nb\r\n"},
      {"a\rb\r\n", "a\rb\r\n", "a\rb\r\n"},
      {"a\r\r\n", "a\r\r\n", "a\r\r\n"},
      {"\ta \t b\t\r\n", "\ta \t b\t\r\n", " a b\r\n"},
      {"\xff\xfe  \x80\r\n", "\xff\xfe  \x80\r\n", "\xff\xfe \x80\r\n"},
      {std::string("a\0 \0\r\n", 6), std::string("a\0 \0\r\n", 6), std::string("a\0 \0\r\n", 6)},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(body(Canonicalization::simple, c.input), c.simple) << c.input;
    EXPECT_EQ(body(Canonicalization::relaxed, c.input), c.relaxed) << c.input;
  }
}

TEST(DkimCanonicalization, hands_large_bodies_on_in_blocks) {
  std::string text;
  for (int i = 0; i < 20000; ++i) text += "line with  blanks\t\r\n";
  text += std::string(100000, 'x') + "\r\n";
  std::size_t calls = 0;
  std::string out;
  canonicalize_body(Canonicalization::simple, text + "\r\n\r\n", [&](std::string_view bytes) {
    ++calls;
    out += bytes;
  });
  EXPECT_EQ(out, text);
  EXPECT_LT(calls, 50u);
}

TEST(DkimCanonicalization, keeps_any_number_of_inner_empty_lines) {
  std::string lines;
  for (int i = 0; i < 100000; ++i) lines += "\r\n";
  EXPECT_EQ(body(Canonicalization::relaxed, lines + "x\r\n" + lines), lines + "x\r\n");
}

}  // namespace
}  // namespace tlsrpt::dkim
