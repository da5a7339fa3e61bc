// SPDX-License-Identifier: BSD-2-Clause
#include "sender/genkey_request.hpp"

#include <gtest/gtest.h>

namespace tlsrpt::sender {
namespace {

TEST(GenkeyRequest, needs_a_selector_only) {
  const auto request = parse_genkey({"tlsrpt1"});
  ASSERT_TRUE(request);
  EXPECT_EQ(request->selector, "tlsrpt1");
  EXPECT_EQ(request->domain, "");
  EXPECT_EQ(request->path, "./tlsrpt1.pem");
  EXPECT_EQ(request->kind.type, KeyKind::Type::rsa);
  EXPECT_EQ(request->kind.bits, 2048);
}

TEST(GenkeyRequest, takes_options_in_any_order_and_both_forms) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"--type", "rsa", "--bits=4096", "S1", "--domain", "Example.COM", "--output=/k.pem"},
           {"--output", "/k.pem", "--domain=example.com.", "--bits", "4096", "s1"}}) {
    const auto request = parse_genkey(words);
    ASSERT_TRUE(request) << request.error().detail;
    EXPECT_EQ(request->kind.bits, 4096);
    EXPECT_EQ(request->selector, "s1");
    EXPECT_EQ(request->domain, "example.com");
    EXPECT_EQ(request->path, "/k.pem");
  }
  EXPECT_EQ(parse_genkey({"--type=ed25519", "s1"})->kind.type, KeyKind::Type::ed25519);
}

TEST(GenkeyRequest, what_makes_no_sense_is_refused_with_its_cause) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{}, "one selector"},
      {{"s1", "s2"}, "one selector"},
      {{"../s1"}, "cannot be a selector"},
      {{std::string(40, 'x') + "." + std::string(40, 'x')}, "cannot be a selector"},
      {{"s1", "--type", "dsa"}, "neither rsa nor ed25519"},
      {{"s1", "--bits", "1024"}, "2048 to 4096"},
      {{"s1", "--bits", "2048x"}, "2048 to 4096"},
      {{"s1", "--type=ed25519", "--bits=2048"}, "--bits goes with --type rsa"},
      {{"s1", "--domain", "a b"}, "not a domain"},
      {{"s1", "--domain="}, "not a domain"},
      {{"s1", "--output="}, "--output needs a file"},
      {{"s1", "--output"}, "--output needs a value"},
      {{"s1", "--force"}, "no option \"--force\""},
  };
  for (const auto& [words, expected] : cases) {
    const auto request = parse_genkey(words);
    ASSERT_FALSE(request) << expected;
    EXPECT_NE(request.error().detail.find(expected), std::string::npos) << request.error().detail;
  }
}

TEST(GenkeyRequest, the_domain_is_that_of_contact_info) {
  Config config;
  ASSERT_FALSE(contact_domain(config));
  EXPECT_NE(contact_domain(config).error().detail.find("--domain"), std::string::npos);
  ASSERT_TRUE(config.set(Key::contact_info, "tlsrpt@Example.com"));
  EXPECT_EQ(contact_domain(config).value(), "example.com");
}

}  // namespace
}  // namespace tlsrpt::sender
