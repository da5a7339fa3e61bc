// SPDX-License-Identifier: BSD-2-Clause
#include "common/tlsrpt_record.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace tlsrpt {
namespace {

using namespace std::string_literals;
using Texts = std::vector<std::string>;

/// What one mode makes of a record: destinations joined by blanks, and "!" for each warning; or why
/// there is none.
std::string outcome(const Texts& texts, RecordMode mode, const RecordLimits& limits = {}) {
  const auto record = select_tlsrpt_record(texts, mode, limits);
  if (!record) return std::string(to_word(record.error().code));
  std::string text;
  for (const Rua& rua : record->rua) {
    if (!text.empty()) text += ' ';
    text += rua.scheme == Rua::Scheme::mailto ? rua.address : rua.uri;
  }
  return text + std::string(record->warnings.size(), '!');
}

TEST(TlsrptRecord, is_found_and_read_in_both_modes) {
  const struct {
    std::string_view requirement;
    Texts texts;
    std::string_view strict, lenient;
  } rows[] = {
      {"R8", {"v=TLSRPTv1;rua=mailto:r@x.example"}, "r@x.example", "r@x.example"},
      {"R13",
       {"v=TLSRPTv1; rua=https://x.example/v1?a=b"},
       "https://x.example/v1?a=b",
       "https://x.example/v1?a=b"},
      {"R13", {"v=TLSRPTv1; \t rua=mailto:r@x.example\t; x=y"}, "r@x.example", "r@x.example"},
      {"R15", {"v=TLSRPTv1;rua=mailto:r@x.example;"}, "r@x.example", "r@x.example"},
      {"R15", {"v=TLSRPTv1;rua=mailto:r@x.example ; "}, "r@x.example", "r@x.example"},
      {"R18",
       {"v=TLSRPTv1;rua=mailto:a@x.example , https://x.example/"},
       "a@x.example https://x.example/",
       "a@x.example https://x.example/"},
      {"R29",
       {"v=TLSRPTv1;rua=mailto:a@x.example;rua=mailto:b@x.example"},
       "a@x.example b@x.example",
       "a@x.example b@x.example"},
      {"R17", {"v=TLSRPTv1;ext.1=foo;rua=mailto:r@x.example"}, "r@x.example", "r@x.example"},
      {"R25", {"v=TLSRPTv1;rua=mailto:r@x.example;p=none;sp=!"}, "r@x.example", "r@x.example"},
      {"R19", {"v=TLSRPTv1;rua=mailto:r%2Cs@x.example"}, "\"r,s\"@x.example", "\"r,s\"@x.example"},
      {"R19", {"v=TLSRPTv1;rua=mailto:r%3Bs@x.example"}, "\"r;s\"@x.example", "\"r;s\"@x.example"},
      {"R24", {"v=TLSRPTv1;rua=MAILTO:r@x.example"}, "r@x.example", "r@x.example"},
      {"R22",
       {"v=TLSRPTv1;rua=ftp://x.example/,mailto:r@x.example"},
       "r@x.example!",
       "r@x.example!"},
      {"R23", {"v=TLSRPTv1;rua=http://x.example/"}, "!", "!"},
      {"R42", {"v=TLSRPTv1;rua=mailto:a@x%0D%0ABcc:b@y"}, "!", "!"},
      {"R45",
       {"v=TLSRPTv1;rua=https://u:p@h/,https:///x,mailto:r@x.example"},
       "r@x.example!!",
       "r@x.example!!"},
      {"R14", {"v=TLSRPTv1 ;rua=mailto:r@x.example"}, "not-found", "r@x.example!"},
      {"R14", {"v=TLSRPTv1\t ;rua=mailto:r@x.example"}, "not-found", "r@x.example!"},
      {"R15", {"v=TLSRPTv1;rua=mailto:r@x.example;;"}, "malformed", "r@x.example!"},
      {"R15", {"v=TLSRPTv1;; ;rua=mailto:r@x.example"}, "malformed", "r@x.example!!"},
      {"R13", {"v=TLSRPTv1;rua=mailto:r@x.example "}, "malformed", "r@x.example!"},
      {"R16", {"v=TLSRPTv1; rua= mailto:r@x.example"}, "malformed", "r@x.example!"},
      {"R16", {"v=TLSRPTv1;rua = mailto:r@x.example"}, "malformed", "r@x.example!"},
      {"R18", {"v=TLSRPTv1;rua=mailto:r@x.example,"}, "malformed", "r@x.example!"},
      {"R21", {"v=TLSRPTv1;rua=mailto:r@x.example!10m"}, "malformed", "!"},
      {"R21",
       {"v=TLSRPTv1;rua=mailto:r@x.example!10m,mailto:s@x.example"},
       "malformed",
       "s@x.example!"},
      {"R27", {"v=TLSRPTv1;x=a b;rua=mailto:r@x.example"}, "malformed", "r@x.example!"},
      {"R27", {"v=TLSRPTv1;x=a=b;rua=mailto:r@x.example"}, "malformed", "r@x.example!"},
      {"R27", {"v=TLSRPTv1;x=;rua=mailto:r@x.example"}, "malformed", "r@x.example!"},
      {"R26", {"v=TLSRPTv1;x;rua=mailto:r@x.example"}, "malformed", "r@x.example!"},
      {"R26", {"v=TLSRPTv1;_x=y;rua=mailto:r@x.example"}, "malformed", "r@x.example!"},
      {"R26", {"v=TLSRPTv1;=y;rua=mailto:r@x.example"}, "malformed", "r@x.example!"},
      {"R26",
       {"v=TLSRPTv1;" + std::string(32, 'x') + "=y;rua=mailto:r@x.example"},
       "r@x.example",
       "r@x.example"},
      {"R26",
       {"v=TLSRPTv1;" + std::string(33, 'x') + "=y;rua=mailto:r@x.example"},
       "malformed",
       "r@x.example!"},
      {"R28", {"v=TLSRPTv1;RUA=mailto:r@x.example"}, "malformed", "malformed"},
      {"R8", {"V=TLSRPTv1;rua=mailto:r@x.example"}, "not-found", "not-found"},
      {"R8", {"v=tlsrptv1;rua=mailto:r@x.example"}, "not-found", "not-found"},
      {"R8", {" v=TLSRPTv1;rua=mailto:r@x.example"}, "not-found", "not-found"},
      {"R8", {"v =TLSRPTv1;rua=mailto:r@x.example"}, "not-found", "not-found"},
      {"R9", {"v=TLSRPTv1"}, "not-found", "not-found"},
      {"R9", {"v=TLSRPTv1 "}, "not-found", "not-found"},
      {"R9", {""}, "not-found", "not-found"},
      {"R12", {"v=TLSRPTv1;"}, "malformed", "malformed"},
      {"R12", {"v=TLSRPTv1;;"}, "malformed", "malformed"},
      {"R12", {"v=TLSRPTv1;x=y"}, "malformed", "malformed"},
      {"R31", {"v=TLSRPTv10;rua=mailto:r@x.example"}, "not-found", "not-found"},
      {"R31", {"v=TLSRPTv2;rua=mailto:r@x.example"}, "not-found", "not-found"},
      {"R31",
       {"v=TLSRPTv2;rua=mailto:s@x.example", "v=TLSRPTv1;rua=mailto:r@x.example"},
       "r@x.example",
       "r@x.example"},
      {"R12", {"v=TLSRPTv1;rua="}, "malformed", "malformed"},
      {"R12", {"v=TLSRPTv1;rua=,"}, "malformed", "malformed"},
      {"R12", {"v=TLSRPTv1;rua"}, "malformed", "malformed"},
      {"R8", {"rua=mailto:r@x.example;v=TLSRPTv1"}, "not-found", "not-found"},
      {"R10",
       {"v=TLSRPTv1;rua=mailto:r@x.example", "v=TLSRPTv1;rua=mailto:r@x.example"},
       "not-found",
       "not-found"},
      {"R10", {"v=TLSRPTv1;rua=mailto:r@x.example", "v=TLSRPTv1;broken"}, "not-found", "not-found"},
      {"R10", {}, "not-found", "not-found"},
      {"R9", {"v=spf1 -all", "v=TLSRPTv1;rua=mailto:r@x.example"}, "r@x.example", "r@x.example"},
      {"R30",
       {"v=TLSRPTv1;rua=mailto:r@x.example,mailto:%72@X.example,https://x.example/a;"
        "rua=https://X.example/a"},
       "r@x.example https://x.example/a",
       "r@x.example https://x.example/a"},
      {"R32", {"v=TLSRPTv1;x=\x80;rua=mailto:r@x.example"}, "malformed", "malformed"},
      {"R32", {"v=TLSRPTv1;rua=mailto:r@b\u00fccher.example"}, "malformed", "malformed"},
      {"R32", {"v=TLSRPTv1;rua=mailto:r@x.example\n"}, "malformed", "malformed"},
      {"R32", {"v=TLSRPTv1;rua=mailto:r@x.example\x7f"}, "malformed", "malformed"},
      {"R32", {"v=TLSRPTv1;rua=mailto:r@x.example\0"s}, "malformed", "malformed"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(std::string(row.requirement) + " " +
                 (row.texts.empty() ? "no record" : row.texts.front()));
    EXPECT_EQ(outcome(row.texts, RecordMode::strict), row.strict);
    EXPECT_EQ(outcome(row.texts, RecordMode::lenient), row.lenient);
  }
}

TEST(TlsrptRecord, every_character_of_an_address_survives_a_record) {  // R19, R20
  for (int c = ' '; c <= '~'; ++c) {
    const std::string uri = fmt::format("mailto:a%{:02x}b@x.example", c);
    SCOPED_TRACE(uri);
    const auto record = parse_tlsrpt_record("v=TLSRPTv1;rua=" + uri, RecordMode::strict);
    ASSERT_TRUE(record.has_value()) << record.error().detail;
    ASSERT_EQ(record->rua.size(), 1U);
    std::string address = record->rua.front().address;
    if (c == '\\' || c == '"') {
      EXPECT_EQ(address, std::string("\"a\\") + static_cast<char>(c) + "b\"@x.example");
    } else {
      std::erase(address, '"');
      EXPECT_EQ(address, std::string("a") + static_cast<char>(c) + "b@x.example");
    }
  }
  for (const std::string_view uri :
       {"mailto:a,b@x.example", "mailto:a!b@x.example", "https://x.example/;a,b!c?d;e"}) {
    const auto record =
        parse_tlsrpt_record("v=TLSRPTv1;rua=" + encode_rua(uri), RecordMode::strict);
    ASSERT_TRUE(record.has_value()) << record.error().detail;
    EXPECT_EQ(record->rua.size(), 1U) << uri;
  }
}

TEST(TlsrptRecord, too_many_uris_are_dropped_with_a_warning) {  // R40
  std::string text = "v=TLSRPTv1;rua=";
  for (int i = 0; i < 200; ++i) text += "mailto:" + std::to_string(i) + "@x.example,";
  text.pop_back();
  const auto record = parse_tlsrpt_record(text, RecordMode::strict);
  ASSERT_TRUE(record.has_value()) << record.error().detail;
  ASSERT_EQ(record->rua.size(), 16U);
  EXPECT_EQ(record->rua.back().address, "15@x.example");
  ASSERT_EQ(record->warnings.size(), 1U);
  EXPECT_EQ(record->warnings.front(), "184 URIs dropped, at most 16 are used");
}

TEST(TlsrptRecord, length_is_bounded) {  // R40
  const std::string text = "v=TLSRPTv1;rua=mailto:r@x.example";
  EXPECT_EQ(outcome({text}, RecordMode::lenient, {.max_bytes = text.size(), .max_rua = 1}),
            "r@x.example");
  EXPECT_EQ(outcome({text}, RecordMode::lenient, {.max_bytes = text.size() - 1, .max_rua = 1}),
            "limit-exceeded");
}

TEST(TlsrptRecord, warnings_are_bounded) {
  const std::string text = "v=TLSRPTv1;" + std::string(1000, ';') + "rua=mailto:r@x.example";
  const auto record = parse_tlsrpt_record(text);
  ASSERT_TRUE(record.has_value()) << record.error().detail;
  ASSERT_EQ(record->warnings.size(), 17U);
  EXPECT_EQ(record->warnings.back(), "984 further warnings");
}

TEST(TlsrptRecord, warnings_name_what_was_skipped) {
  const auto record = parse_tlsrpt_record("v=TLSRPTv1;rua=http://x.example/");
  ASSERT_TRUE(record.has_value()) << record.error().detail;
  ASSERT_EQ(record->warnings.size(), 1U);
  EXPECT_EQ(record->warnings.front(),
            "URI \"http://x.example/\" skipped: scheme \"http\" is neither mailto nor https");
}

TEST(TlsrptRecord, parsing_needs_the_version_too) {
  EXPECT_EQ(parse_tlsrpt_record("v=spf1 -all").error().code, ErrorCode::malformed);
  EXPECT_TRUE(parse_tlsrpt_record("v=TLSRPTv1 ;rua=mailto:r@x.example").has_value());
  EXPECT_FALSE(
      parse_tlsrpt_record("v=TLSRPTv1 ;rua=mailto:r@x.example", RecordMode::strict).has_value());
}

TEST(TlsrptRecord, stands_at_one_name_below_the_policy_domain) {  // R1
  EXPECT_EQ(tlsrpt_name("rcpt.example"), "_smtp._tls.rcpt.example");
}

}  // namespace
}  // namespace tlsrpt
