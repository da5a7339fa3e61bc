// SPDX-License-Identifier: BSD-2-Clause
#include "common/mime_walker.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tlsrpt {
namespace {

constexpr MimeLimits kLimits = {4096, 100, 10};

std::string with_crlf(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '\n' ? std::string("\r\n") : std::string(1, c);
  return out;
}

/// "TYPE[BODY]" of each part, with '!' behind those that are not closed and '>' before forwarded
/// ones.
std::string outline(const MimeMessage& message) {
  std::string out;
  for (const MimePart& part : message.parts)
    out += fmt::format("{}{}[{}]{} ", part.forwarded ? ">" : "", part.media_type, part.body,
                       part.closed ? "" : "!");
  if (message.too_deep) out += "too-deep ";
  if (message.too_many_parts) out += "too-many ";
  if (message.headers_too_large) out += "too-large ";
  if (!out.empty()) out.pop_back();
  return out;
}

constexpr const char* kMixed = "Content-Type: multipart/mixed; boundary=b\n\n";

TEST(MimeWalker, finds_the_parts) {
  const std::string mixed = kMixed;
  const std::string inner = "Content-Type: multipart/report; boundary=\"b1\"\n\n";
  const struct {
    const char* what;
    std::string message;
    std::string outline;
  } cases[] = {
      {"no MIME at all", "From: a\n\nbody\n", "text/plain[body\n]"},
      {"empty", "", "text/plain[]"},
      {"header only", "Content-Type: text/html", "text/html[]"},
      {"single part", "Content-Type: Application/TLSRPT+gzip\n\nx", "application/tlsrpt+gzip[x]"},
      {"preamble and epilogue",
       mixed + "pre\n--b\n\none\n--b\nContent-Type: a/b\n\ntwo\n--b--\nepi",
       "text/plain[one] a/b[two]"},
      {"blanks behind the delimiter", mixed + "--b \t\n\none\n--b-- \n", "text/plain[one]"},
      {"empty parts", mixed + "--b\n--b\n\n--b\n\n\n--b--",
       "text/plain[] text/plain[] text/plain[]"},
      {"header without a body", mixed + "--b\nContent-Type: a/b\n--b--", "a/b[]"},
      {"other lines with dashes", mixed + "--b\n\n--\n--c\n---b\n--bb\n --b\n--b--x\n--b--",
       "text/plain[--\n--c\n---b\n--bb\n --b\n--b--x]"},
      {"never closed", mixed + "--b\n\none\n--b\n\ntwo\n", "text/plain[one] text/plain[two\n]!"},
      {"cut behind a delimiter", mixed + "--b\n\none\n--b", "text/plain[one] text/plain[]!"},
      {"nested", mixed + "--b\n" + inner + "--b1\n\none\n--b1--\n--b\n\ntwo\n--b--",
       "text/plain[one] text/plain[two]"},
      {"inner one not closed", mixed + "--b\n" + inner + "--b1\n\none\n--b\n\ntwo\n--b--",
       "text/plain[one]! text/plain[two]"},
      {"boundary that is a prefix of another",
       mixed + "--b\n" + inner + "--b1\n\n--b2\n--b1--\n--b--", "text/plain[--b2]"},
      {"inner one has the same boundary", mixed + "--b\n" + kMixed + "--b\n\none\n--b--\n--b--",
       "text/plain[one]"},
      {"delimiter that never comes", mixed + "{}\n", "multipart/mixed[{}\n]!"},
      {"closed without parts", mixed + "--b--\n", ""},
      {"no boundary",
       "Content-Type: multipart/mixed\n\n--no\nx\n--q\nContent-Type: a/b\n\none\n--q--",
       "a/b[one]"},
      {"empty boundary", "Content-Type: multipart/mixed; boundary=\"\"\n\n--q\n\none\n--q--",
       "text/plain[one]"},
      {"boundary with dashes, blanks and a colon",
       "Content-Type: multipart/mixed; boundary=\"--a b:c \"\n\n----a b:c\n\none\n----a b:c--",
       "text/plain[one]"},
      {"folded header", "Content-Type: multipart/mixed;\n\tboundary=b\n\n--b\n\none\n--b--",
       "text/plain[one]"},
      {"forwarded", "Content-Type: message/rfc822\n\nSubject: x\nContent-Type: a/b\n\none",
       ">a/b[one]"},
      {"forwarded in a multipart",
       mixed + "--b\nContent-Type: message/rfc822\n\n" + inner +
           "--b1\n\none\n--b1--\n--b\n\ntwo\n--b--",
       ">text/plain[one] text/plain[two]"},
      {"forwarded in base64 stays whole",
       "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nAAAA",
       "message/rfc822[AAAA]"},
      {"digest",
       "Content-Type: multipart/digest; boundary=b\n\n--b\n\nContent-Type: a/b\n\none\n--b--",
       ">a/b[one]"},
      {"misspelt name", "ContentType: multipart/mixed; boundary=b\n\n--b\n\none\n--b--",
       "text/plain[one]"},
      {"type that is none", "Content-Type: report\n\nx", "text/plain[x]"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.what);
    EXPECT_EQ(outline(walk_mime(test.message, kLimits)), test.outline);
    EXPECT_EQ(outline(walk_mime(with_crlf(test.message), kLimits)), with_crlf(test.outline));
  }
}

TEST(MimeWalker, takes_the_name_from_disposition_before_type) {  // R221
  const auto name_of = [](const std::string& header) {
    return walk_mime(header + "\n\n", kLimits).parts.at(0).name;
  };
  EXPECT_EQ(name_of("Content-Type: a/b; name=t.json"), "t.json");
  EXPECT_EQ(name_of("Content-Type: a/b; name=t\nContent-Disposition: inline; FILENAME=d.json"),
            "d.json");
  EXPECT_EQ(name_of("Content-Disposition: attachment"), "");
}

TEST(MimeWalker, notices_who_speaks_of_tlsrpt) {  // R217
  const auto mentions = [](const std::string& type) {
    return walk_mime("Content-Type: " + type + "\n\n", kLimits).mentions_tlsrpt;
  };
  EXPECT_TRUE(mentions("multipart/report; report-type=tlsrpt; boundary=b"));
  EXPECT_TRUE(mentions("multipart/report; Report-Type=\"TLSRPT\"; boundary=b"));
  EXPECT_TRUE(mentions("application/tlsrpt+json"));
  EXPECT_TRUE(
      mentions("multipart/mixed; boundary=b\n\n--b\nContent-Type: Application/TLSRPT+gzip"));
  EXPECT_FALSE(mentions("multipart/report; report-type=delivery-status; boundary=b"));
  EXPECT_FALSE(mentions("text/plain; name=tlsrpt"));
}

TEST(MimeWalker, notices_a_preamble_of_the_outermost_multipart) {
  const auto has_preamble = [](const std::string& type, const std::string& body) {
    return walk_mime("Content-Type: " + type + "\r\n\r\n" + body, kLimits).has_preamble;
  };
  const std::string inner =
      "--a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\ntext\r\n--b\r\n\r\n1\r\n--b--\r\n"
      "--a--\r\n";
  EXPECT_FALSE(has_preamble("multipart/mixed; boundary=a", inner));
  EXPECT_FALSE(has_preamble("multipart/mixed; boundary=a", "\r\n \r\n" + inner));
  EXPECT_FALSE(has_preamble("multipart/mixed", inner));
  EXPECT_FALSE(has_preamble("text/plain", "text\r\n" + inner));
  EXPECT_TRUE(has_preamble("multipart/mixed; boundary=a", "text\r\n" + inner));
  EXPECT_TRUE(has_preamble("multipart/mixed; boundary=b", inner));
}

TEST(MimeWalker, bounds_depth) {
  std::string message;
  for (int i = 0; i < 1000; ++i)
    message += fmt::format("Content-Type: multipart/mixed; boundary=b{}\n\n--b{}\n", i, i);
  const MimeMessage walked = walk_mime(message, kLimits);
  EXPECT_TRUE(walked.too_deep);
  EXPECT_LE(walked.parts.size(), 11u);

  std::string forwarded;
  for (int i = 0; i < 1000; ++i) forwarded += "Content-Type: message/rfc822\n\n";
  EXPECT_EQ(outline(walk_mime(forwarded, kLimits)), "too-deep");
}

TEST(MimeWalker, goes_on_behind_what_is_too_deep) {
  const std::string deep = "Content-Type: multipart/mixed; boundary=c\n\n--c\n\nx\n--c--\n";
  const std::string message = kMixed + ("--b\n" + deep + "--b\n\none\n--b--");
  EXPECT_EQ(outline(walk_mime(message, {4096, 100, 1})), "text/plain[one] too-deep");
}

TEST(MimeWalker, bounds_the_number_of_parts) {
  std::string message = kMixed;
  for (int i = 0; i < 100; ++i) message += "--b\n\nx\n";
  EXPECT_FALSE(walk_mime(message + "--b--", kLimits).too_many_parts);
  for (int i = 0; i < 10'000; ++i) message += "--b\n\nx\n";
  const MimeMessage walked = walk_mime(message + "--b--", kLimits);
  EXPECT_TRUE(walked.too_many_parts);
  EXPECT_EQ(walked.parts.size(), 100u);
}

TEST(MimeWalker, leaves_out_a_part_with_too_large_a_header) {
  const std::string large = "X: " + std::string(60'000, 'x') + "\n\nhidden\n";
  EXPECT_EQ(outline(walk_mime(kMixed + ("--b\n" + large + "--b\n\none\n--b--"), kLimits)),
            "text/plain[one] too-large");
  EXPECT_EQ(outline(walk_mime(large, kLimits)), "too-large");
}

TEST(MimeWalker, takes_a_boundary_of_any_length) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{70}, std::size_t{3000}}) {
    const std::string boundary(size, '-');
    const std::string message = "Content-Type: multipart/mixed; boundary=\"" + boundary +
                                "\"\n\n--" + boundary + "\n\none\n--" + boundary + "--";
    EXPECT_EQ(outline(walk_mime(message, kLimits)), "text/plain[one]") << size;
  }
}

TEST(MimeWalker, leaves_forwarded_messages_closed_if_told_so) {
  MimeLimits limits = kLimits;
  limits.open_messages = false;
  const std::string message = std::string(kMixed) +
                              "--b\nContent-Type: message/rfc822\n\n"
                              "Content-Type: multipart/mixed; boundary=i\n\n--i\n\nx\n--i--\n--b--";
  EXPECT_EQ(outline(walk_mime(message, limits)),
            "message/rfc822[Content-Type: multipart/mixed; boundary=i\n\n--i\n\nx\n--i--]");
}

}  // namespace
}  // namespace tlsrpt
