// SPDX-License-Identifier: BSD-2-Clause
#include "common/transfer_encoding.hpp"

#include <gtest/gtest.h>

#include <string>

#include "common/base64.hpp"

namespace tlsrpt {
namespace {

using namespace std::string_literals;

TEST(TransferEncoding, is_named_in_any_case) {  // R219
  for (const char* word : {"base64", "BASE64", " Base64 ", "base64 (comment)", "base64;"})
    EXPECT_EQ(transfer_encoding(word).encoding, TransferEncoding::base64) << word;
  EXPECT_EQ(transfer_encoding("Quoted-Printable").encoding, TransferEncoding::quoted_printable);
  for (const char* word : {"", "7bit", "8bit", "binary", "x-uuencode", "base 64"})
    EXPECT_EQ(transfer_encoding(word).encoding, TransferEncoding::identity) << word;
  for (const char* word : {"", "7bit", "8bit", "binary", "base64"})
    EXPECT_TRUE(transfer_encoding(word).known) << word;
  for (const char* word : {"x-uuencode", "base 64", "base-64"})
    EXPECT_FALSE(transfer_encoding(word).known) << word;
}

TEST(Base64, says_whether_it_had_signs_that_it_does_not_know) {
  for (const char* text : {"", "YW\r\n Jj\n\tZA==\r\n", "YWI=YWI="}) {
    bool foreign = false;
    decode_transfer(TransferEncoding::base64, text, foreign);
    EXPECT_FALSE(foreign) << text;
  }
  for (const char* text : {"YW-j", "*", "YWJj_", "YWJj\x80"}) {
    bool foreign = false;
    decode_transfer(TransferEncoding::base64, text, foreign);
    EXPECT_TRUE(foreign) << text;
  }
}

TEST(TransferEncoding, leaves_identity_alone) {
  const std::string text = "a=41\r\n\0\xff"s;
  EXPECT_EQ(decode_transfer(TransferEncoding::identity, text), text);
}

TEST(Base64, is_decoded_as_far_as_it_goes) {
  const struct {
    const char* what;
    std::string text;
    std::string bytes;
  } cases[] = {
      {"nothing", "", ""},
      {"whole groups", "YWJj", "abc"},
      {"padding", "YWI=", "ab"},
      {"two of padding", "YQ==", "a"},
      {"no padding", "YWI", "ab"},
      {"one digit too few", "YWJjZ", "abc"},
      {"one digit of padding too few", "YQ=", "a"},
      {"line ends and blanks", "YW\r\n Jj\n\tZA==\r\n", "abcd"},
      {"junk", "*YW!J\xff\x00j-_"s, "abc"},
      {"pieces encoded one by one", "YQ==\r\nYg==\r\nY2Q=", "abcd"},
      {"only padding", "====", ""},
      {"only junk", "\r\n!!\r\n", ""},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.what);
    EXPECT_EQ(decode_transfer(TransferEncoding::base64, test.text), test.bytes);
  }
}

TEST(Base64, agrees_with_the_strict_decoder_on_what_the_encoder_writes) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    bytes += static_cast<char>(i * 167);
    EXPECT_EQ(decode_transfer(TransferEncoding::base64, base64_encode(bytes)), bytes);
  }
}

TEST(QuotedPrintable, is_decoded_as_far_as_it_goes) {
  const struct {
    const char* what;
    std::string text;
    std::string bytes;
  } cases[] = {
      {"nothing", "", ""},
      {"text", "a b", "a b"},
      {"octets", "=41=c3=A4", "A\xc3\xa4"},
      {"soft line breaks", "a=\r\nb=\nc", "abc"},
      {"soft line break with blanks behind", "a= \t\r\nb", "ab"},
      {"line breaks stay", "a\r\nb\nc\r\n", "a\r\nb\nc\r\n"},
      {"blanks at a line's end go", "a \t\r\nb ", "a\r\nb"},
      {"encoded blank at a line's end stays", "a=20\r\n", "a \r\n"},
      {"no hexadecimal", "=zz=4", "=zz=4"},
      {"unencoded JSON", "{\"a\": \"x=y\"}", "{\"a\": \"x=y\"}"},
      {"cut in a soft line break", "a=", "a"},
      {"cut in an octet", "a=4", "a=4"},
      {"lone carriage return", "a\rb", "a\rb"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.what);
    EXPECT_EQ(decode_transfer(TransferEncoding::quoted_printable, test.text), test.bytes);
  }
}

}  // namespace
}  // namespace tlsrpt
