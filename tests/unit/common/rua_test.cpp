// SPDX-License-Identifier: BSD-2-Clause
#include "common/rua.hpp"

#include <gtest/gtest.h>

#include <string>

#include "common/domain_name.hpp"

namespace tlsrpt {
namespace {

TEST(Rua, mailto_gives_one_address_that_smtp_takes) {
  const struct {
    std::string_view requirement, uri, address, host;
  } rows[] = {
      {"-", "mailto:r@x.example", "r@x.example", "x.example"},
      {"R24", "MAILTO:r@x.example", "r@x.example", "x.example"},
      {"R24", "MailTo:R@X.Example", "R@x.example", "x.example"},
      {"-", " \tmailto:r@x.example \t", "r@x.example", "x.example"},
      {"R19", "mailto:r%2Cs@x.example", "\"r,s\"@x.example", "x.example"},
      {"R19", "mailto:a%252Cb@x.example", "a%2Cb@x.example", "x.example"},
      {"R21", "mailto:a%21b@x.example", "a!b@x.example", "x.example"},
      {"R19", "mailto:a%3bb@x.example", "\"a;b\"@x.example", "x.example"},
      {"R41", "mailto:a@x.example?subject=hi&cc=v@y.example", "a@x.example", "x.example"},
      {"R41", "mailto:a@x.example?to=v%40y.example", "a@x.example", "x.example"},
      {"R41", "mailto:a%3Fb@x.example", "a?b@x.example", "x.example"},
      {"R43", "mailto:a@x.example#f", "a@x.example", "x.example"},
      {"R43", "mailto:a@x.example#f?g", "a@x.example", "x.example"},
      {"R43", "mailto:a%23b@x.example", "a#b@x.example", "x.example"},
      {"R44", "mailto:a@b%C3%BCcher.example", "a@xn--bcher-kva.example", "xn--bcher-kva.example"},
      {"R42", "mailto:%22not%40me%22@x.example", "\"not@me\"@x.example", "x.example"},
      {"R42", "mailto:not%40me@x.example", "\"not@me\"@x.example", "x.example"},
      {"-", "mailto:a%20b@x.example", "\"a b\"@x.example", "x.example"},
      {"-", "mailto:a%22b%5C@x.example", R"("a\"b\\"@x.example)", "x.example"},
      {"-", "mailto:a..b@x.example", "\"a..b\"@x.example", "x.example"},
      {"-", "mailto:r%40x.example", "r@x.example", "x.example"},
      {"-", "mailto:a+b=c@x.example.", "a+b=c@x.example", "x.example"},
      {"-", "mailto:a@localhost", "a@localhost", "localhost"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(std::string(row.requirement) + " " + std::string(row.uri));
    const auto rua = parse_rua(row.uri);
    ASSERT_TRUE(rua.has_value()) << rua.error().detail;
    EXPECT_EQ(rua->scheme, Rua::Scheme::mailto);
    EXPECT_EQ(rua->address, row.address);
    EXPECT_EQ(rua->host, row.host);
    EXPECT_TRUE(is_plain_address(rua->address));
  }
}

TEST(Rua, https_gives_the_host_and_keeps_the_uri) {
  const struct {
    std::string_view uri, host;
  } rows[] = {
      {"https://x.example/v1?a=b", "x.example"},
      {"HTTPS://X.Example", "x.example"},
      {"https://x.example?a=b", "x.example"},
      {"https://x.example#f", "x.example"},
      {"https://x.example:8443/r", "x.example"},
      {"https://x.example:65535/", "x.example"},
      {"https://x.example:/", "x.example"},
      {"https://x.example./", "x.example"},
      {"https://x.example/a@b:c//d", "x.example"},
      {"https://x.example/a%2Cb%20c", "x.example"},
      {"https://192.0.2.1/", "192.0.2.1"},
      {"https://[2001:DB8:0::1]/", "2001:db8::1"},
      {"https://[2001:db8::1]:8443/", "2001:db8::1"},
      {"https://xn--bcher-kva.example/", "xn--bcher-kva.example"},
      {"https://3com.example/", "3com.example"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.uri);
    const auto rua = parse_rua(row.uri);
    ASSERT_TRUE(rua.has_value()) << rua.error().detail;
    EXPECT_EQ(rua->scheme, Rua::Scheme::https);
    EXPECT_EQ(rua->uri, row.uri);
    EXPECT_EQ(rua->host, row.host);
    EXPECT_EQ(rua->address, "");
  }
}

TEST(Rua, text_that_is_no_uri_is_malformed) {
  using namespace std::string_literals;
  const std::string rows[] = {
      "",
      "r@x.example",
      ":r@x.example",
      "1mailto:r@x.example",
      "mailto:r@x.example!10m",  // R21
      "mailto:a@x.example,mailto:b@x.example",
      "mailto:a;b@x.example",
      "mailto:a b@x.example",
      "mailto:<a@x.example>",
      "mailto:\"a\"@x.example",
      "mailto:a@b\u00fccher.example",
      "mailto:a@x.example\r\n",
      "mailto:a\0@x.example"s,
      "mailto:a%@x.example",
      "mailto:a@x.example%",
      "mailto:a@x.example%4",
      "mailto:a%4g@x.example",
      "https://x.example/a b",
      "https://x.example/\x7f",
      "https://x.example\\@y.example/",
      "https://x.example/{a}",
      "https://x.example/" + std::string(2048, 'a'),
  };
  for (const std::string& row : rows) {
    SCOPED_TRACE(row.substr(0, 80));
    const auto rua = parse_rua(row);
    ASSERT_FALSE(rua.has_value());
    EXPECT_EQ(rua.error().code, ErrorCode::malformed);
  }
}

TEST(Rua, uris_that_are_no_destination_are_unsupported) {
  const struct {
    std::string_view requirement;
    std::string uri;
  } rows[] = {
      {"R22", "ftp://x.example/"},
      {"R23", "http://x.example/"},
      {"R22", "mailtos:r@x.example"},
      {"R42", "mailto:"},
      {"R42", "mailto:?to=a@x.example"},
      {"R42", "mailto:@x.example"},
      {"R42", "mailto:a@"},
      {"R42", "mailto:x.example"},
      {"R42", "mailto:a@x.example%2Cb@y.example"},
      {"R42", "mailto:a%40x.example%2Cb%40y.example"},
      {"R42", "mailto:a@x%0D%0ABcc:b@y"},
      {"R42", "mailto:a@x%0D%0ABcc:by"},
      {"R42", "mailto:a%0D%0Ab@x.example"},
      {"R42", "mailto:a%00@x.example"},
      {"R42", "mailto:a@x.example%00"},
      {"R42", "mailto:a%7F@x.example"},
      {"-", "mailto:%C3%BC@x.example"},  // would need SMTPUTF8
      {"-", "mailto:a@%FF.example"},
      {"-", "mailto:a@[192.0.2.1]"},
      {"-", "mailto:" + std::string(65, 'a') + "@x.example"},
      {"-", "mailto:" + std::string(62, 'a') + "%2C@x.example"},  // too long with the quotes
      {"-", "mailto://a@x.example/"},
      {"R45", "https:///x"},
      {"R45", "https://"},
      {"R45", "https:x.example"},
      {"R45", "https:/x.example/"},
      {"R45", "https://u:p@h/"},
      {"R45", "https://u@x.example/"},
      {"R45", "https://@x.example/"},
      {"R45", "https://:443/"},
      {"R45", "https://?x"},
      {"R45", "https://x.example:0/"},
      {"R45", "https://x.example:65536/"},
      {"R45", "https://x.example:4a/"},
      {"R45", "https://x.example:-1/"},
      {"R45", "https://x.example:44:3/"},
      {"R45", "https://x%2Eexample/"},
      {"R45", "https://x..example/"},
      {"R45", "https://[::1/"},
      {"R45", "https://[::1]a/"},
      {"R45", "https://[::g]/"},
      {"R45", "https://[]/"},
      {"R45", "https://[192.0.2.1]/"},
      {"R45", "https://::1/"},
      {"R45", "https://2130706433/"},
      {"R45", "https://127.1/"},
      {"R45", "https://0x7f000001/"},
      {"R45", "https://127.0.0.0x1/"},
      {"R45", "https://256.0.0.1/"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(std::string(row.requirement) + " " + row.uri);
    const auto rua = parse_rua(row.uri);
    ASSERT_FALSE(rua.has_value()) << rua->address << " " << rua->host;
    EXPECT_EQ(rua.error().code, ErrorCode::unsupported);
  }
}

TEST(Rua, the_same_destination_may_be_spelled_differently) {  // R30
  const struct {
    std::string_view a, b;
    bool same;
  } rows[] = {
      {"mailto:r@x.example", "MAILTO:%72@X.example.?subject=x", true},
      {"mailto:r@x.example", "mailto:R@x.example", false},
      {"mailto:r%2Cs@x.example", "mailto:%22r%2Cs%22@x.example", true},
      {"https://x.example/a", "HTTPS://X.EXAMPLE/a", true},
      {"https://x.example/a", "https://x.example/A", false},
      {"https://x.example/a", "https://x.example:8443/a", false},
      {"https://x.example/?a", "https://x.example/?b", false},
      {"https://[2001:db8::1]/", "https://[2001:DB8:0:0::1]/", true},
      {"https://x.example/", "mailto:a@x.example", false},
  };
  for (const auto& row : rows) {
    const auto a = parse_rua(row.a);
    const auto b = parse_rua(row.b);
    ASSERT_TRUE(a.has_value() && b.has_value()) << row.a << " " << row.b;
    EXPECT_EQ(same_destination(*a, *b), row.same) << row.a << " " << row.b;
    EXPECT_EQ(same_destination(*b, *a), row.same) << row.a << " " << row.b;
  }
}

TEST(Rua, encoding_leaves_nothing_that_separates_fields_of_a_record) {  // R20
  EXPECT_EQ(encode_rua("mailto:a,b!c;d@x.example"), "mailto:a%2Cb%21c%3Bd@x.example");
  EXPECT_EQ(encode_rua("https://x.example/v1?a=b"), "https://x.example/v1?a=b");
  EXPECT_EQ(encode_rua("mailto:a%2Cb@x.example"), "mailto:a%2Cb@x.example");
  EXPECT_EQ(parse_rua(encode_rua("mailto:a,b!c;d@x.example")).value().address,
            "\"a,b!c;d\"@x.example");
}

}  // namespace
}  // namespace tlsrpt
