// SPDX-License-Identifier: BSD-2-Clause
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/common/dkim_test_support.hpp"

namespace tlsrpt {
namespace {

using dkim_test::kMessage;
using dkim_test::load_key;
using dkim_test::sign_settings;

std::string unfolded(std::string_view field) {
  std::string result;
  for (const char c : field) {
    if (c != '\r' && c != '\n') result += c;
  }
  return result;
}

TEST(DkimSigner, writes_one_folded_field) {
  for (const std::string name : {"rsa2048", "rsa4096", "ed25519"}) {
    const std::string field = dkim_sign(kMessage, load_key(name), sign_settings()).value_or("");
    ASSERT_TRUE(field.starts_with("DKIM-Signature: v=1; a="));
    ASSERT_TRUE(field.ends_with("\r\n"));
    std::size_t lines = 0;
    for (std::size_t at = 0; at < field.size(); ++lines) {
      const std::size_t end = field.find("\r\n", at);
      EXPECT_LE(end - at, 78u) << field;
      if (lines > 0) {
        EXPECT_EQ(field[at], ' ');
      }
      at = end + 2;
    }
    EXPECT_GE(lines, 4u);
  }
}

TEST(DkimSigner, fills_lines_up_to_the_last_column) {
  const DkimKey key = load_key("ed25519");
  std::size_t longest = 0;
  for (std::size_t size = 1; size <= 60; ++size) {
    SignSettings settings = sign_settings();
    settings.selector = std::string(size, 's');
    const std::string field = dkim_sign(kMessage, key, settings).value_or("");
    for (std::size_t at = 0; at < field.size(); at = field.find("\r\n", at) + 2) {
      longest = std::max(longest, field.find("\r\n", at) - at);
    }
  }
  EXPECT_EQ(longest, 78u);
}

TEST(DkimSigner, writes_the_tags_that_were_asked_for) {
  SignSettings settings = sign_settings();
  settings.body = Canonicalization::simple;
  const std::string field = dkim_sign(kMessage, load_key("rsa2048"), settings).value_or("");
  const auto reading = dkim::read_signature(std::string_view(field).substr(0, field.size() - 2));
  EXPECT_EQ(reading.defect, "");
  const dkim::Signature& signature = reading.signature;
  EXPECT_EQ(signature.algorithm_word, "rsa-sha256");
  EXPECT_EQ(signature.header, Canonicalization::relaxed);
  EXPECT_EQ(signature.body, Canonicalization::simple);
  EXPECT_EQ(signature.domain, "example.com");
  EXPECT_EQ(signature.selector, "s1");
  EXPECT_EQ(signature.signed_headers, settings.signed_headers);
  EXPECT_EQ(signature.signature.size(), 256u);
  EXPECT_FALSE(signature.expiration);
  EXPECT_NE(unfolded(field).find(" t=1772323200;"), std::string::npos);
  EXPECT_FALSE(signature.body_length);  // R190
  EXPECT_EQ(field.find(" l="), std::string::npos);
  // b= comes last and has no ';' behind it.
  EXPECT_EQ(field.find(';', field.find(" b=")), std::string::npos);
}

TEST(DkimSigner, is_repeatable) {
  for (const std::string name : {"rsa2048", "ed25519"}) {
    const DkimKey key = load_key(name);
    EXPECT_EQ(dkim_sign(kMessage, key, sign_settings()).value_or("a"),
              dkim_sign(kMessage, key, sign_settings()).value_or("b"));
  }
}

TEST(DkimSigner, folds_long_header_lists_and_leaves_long_words_whole) {
  SignSettings settings = sign_settings();
  for (int i = 0; i < 60; ++i) settings.signed_headers.push_back(fmt::format("X-Header-{}", i));
  settings.domain = fmt::format("{0}.{0}.example.com", std::string(60, 'a'));
  const DkimKey key = load_key("ed25519");
  const std::string field = dkim_sign(kMessage, key, settings).value_or("");
  EXPECT_NE(field.find("\r\n d=" + settings.domain + ";\r\n"), std::string::npos);
  FakeDns dns;
  dns.add_txt("s1._domainkey." + settings.domain, dkim_test::key_record(key));
  VerifySettings verify;
  EXPECT_EQ(dkim_test::shown(dkim_verify(field + kMessage, dns, verify)), "pass");
}

TEST(DkimSigner, refuses_settings_that_would_break_the_signature) {
  const DkimKey key = load_key("ed25519");
  const auto code = [&key](const SignSettings& settings, const std::string& message = kMessage) {
    const auto field = dkim_sign(message, key, settings);
    return field ? "signed" : to_word(field.error().code);
  };
  EXPECT_EQ(code(sign_settings()), "signed");
  for (const std::string domain : {"", "example.com; l=0", "Example.COM", "example.com.", "a b"}) {
    SignSettings settings = sign_settings();
    settings.domain = domain;
    EXPECT_EQ(code(settings), "invalid-argument") << domain;
    settings = sign_settings();
    settings.selector = domain;
    EXPECT_EQ(code(settings), "invalid-argument") << domain;
  }
  for (const std::string name : {"", "a b", "a:b", "a;l=0", "a\r\nb", "\xc3\xa4"}) {
    SignSettings settings = sign_settings();
    settings.signed_headers.push_back(name);
    EXPECT_EQ(code(settings), "invalid-argument") << name;
  }
  SignSettings settings = sign_settings();
  settings.signed_headers = {"To", "Subject"};  // R186
  EXPECT_EQ(code(settings), "invalid-argument");
  settings = sign_settings();
  EXPECT_EQ(code(settings, "To: a@b.example\r\n\r\n"), "invalid-argument");
  settings.timestamp = Seconds{std::chrono::seconds{-1}};
  EXPECT_EQ(code(settings), "invalid-argument");
  EXPECT_EQ(code(sign_settings(), "From: " + std::string(5u << 20, 'x')), "limit-exceeded");
}

}  // namespace
}  // namespace tlsrpt
