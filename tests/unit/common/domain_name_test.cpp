// SPDX-License-Identifier: BSD-2-Clause
#include "common/domain_name.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tlsrpt {
namespace {

using namespace std::string_literals;

std::string labels(std::size_t count, std::size_t length) {
  std::string name;
  for (std::size_t i = 0; i < count; ++i) name += std::string(length, 'a') + ".";
  return name;
}

TEST(DomainName, normalises_to_lower_case_a_labels_without_trailing_dot) {
  const struct {
    std::string_view given, wanted;
  } rows[] = {
      {"rcpt.example", "rcpt.example"},
      {"Rcpt.Example.", "rcpt.example"},  // R3
      {"localhost", "localhost"},
      {"_smtp._tls.rcpt.example", "_smtp._tls.rcpt.example"},
      {"b\u00fccher.example", "xn--bcher-kva.example"},  // R2
      {"B\u00dcCHER.Example.", "xn--bcher-kva.example"},
      {"bu\u0308cher.example", "xn--bcher-kva.example"},            // not composed
      {"b\u00fccher\u3002example\u3002", "xn--bcher-kva.example"},  // ideographic full stops
      {"fa\u00df.example", "xn--fa-hia.example"},                   // nontransitional
      {"_tls.b\u00fccher.example", "_tls.xn--bcher-kva.example"},
      {"XN--BCHER-KVA.example", "xn--bcher-kva.example"},
      {"xn--zzzzzz99999.example", "xn--zzzzzz99999.example"},  // no valid A-label, kept
      {"3com.example", "3com.example"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.given);
    const auto name = normalize_domain(row.given);
    ASSERT_TRUE(name.has_value()) << name.error().detail;
    EXPECT_EQ(*name, row.wanted);
    EXPECT_EQ(normalize_domain(*name).value(), *name);
  }
}

TEST(DomainName, refuses_what_is_no_name) {
  const std::string rows[] = {"",
                              ".",
                              "a..b",
                              ".a",
                              "a..",
                              "a b.example",
                              "a\tb",
                              "x.example\n",
                              "x.example\r\nb",
                              "a@b.example",
                              "*.example",
                              "a/b",
                              "a:25",
                              "[192.0.2.1]",
                              "\x80",
                              "\xff\xfe.example",
                              "\xc3\xbc\0.example"s,
                              "a\0b"s,
                              "b\u00fc cher.example",
                              "\u2603.example",
                              "\uff0fetc.example",  // maps to '/'
                              "b\u00fccher..example",
                              std::string(64, 'a') + ".example",
                              labels(30, 1) + labels(4, 60),
                              "\u00fc" + std::string(62, 'a') + ".example",
                              std::string(100000, 'a'),
                              std::string(99999, '\xc3') + "\xbc"};
  for (const std::string& row : rows) {
    SCOPED_TRACE(row.substr(0, 100));
    const auto name = normalize_domain(row);
    ASSERT_FALSE(name.has_value()) << *name;
    EXPECT_EQ(name.error().code, ErrorCode::malformed);
  }
}

TEST(DomainName, length_limits_are_those_of_dns) {
  const std::string longest = labels(3, 63) + std::string(61, 'a');
  ASSERT_EQ(longest.size(), 253U);
  EXPECT_EQ(normalize_domain(longest).value(), longest);
  EXPECT_EQ(normalize_domain(longest + ".").value(), longest);
  EXPECT_FALSE(normalize_domain(longest + "a").has_value());
  EXPECT_FALSE(normalize_domain(longest + "a.").has_value());
  EXPECT_TRUE(normalize_domain(std::string(63, 'a')).has_value());
}

TEST(DomainName, mx_patterns_keep_one_leading_wildcard) {
  EXPECT_EQ(normalize_mx_pattern("*.MX.Example.").value(), "*.mx.example");
  EXPECT_EQ(normalize_mx_pattern("*.b\u00fccher.example").value(), "*.xn--bcher-kva.example");
  EXPECT_EQ(normalize_mx_pattern("mx1.example").value(), "mx1.example");
  for (const std::string_view pattern : {"*", "*.", "*.*.example", "a.*.example", "*a.example", ""})
    EXPECT_FALSE(normalize_mx_pattern(pattern).has_value()) << pattern;
}

TEST(DomainName, domain_of_an_address_stands_behind_the_last_at_sign) {
  EXPECT_EQ(domain_of_address("a@X.Example"), "x.example");
  EXPECT_EQ(domain_of_address("\"a@b\"@x.example"), "x.example");
  EXPECT_EQ(domain_of_address("a@b\u00fccher.example"), "xn--bcher-kva.example");
  for (const std::string_view address : {"", "a", "a@", "a@b c", "x.example", "a@[192.0.2.1]"})
    EXPECT_EQ(domain_of_address(address), std::nullopt) << address;
}

TEST(DomainName, an_organisation_has_one_name_below_the_public_suffix) {
  const struct {
    std::string_view name, organization;
  } rows[] = {
      {"x.example", "x.example"},
      {"a.b.x.example", "x.example"},
      {"a.b.x.co.uk", "x.co.uk"},
      {"a.x.github.io", "x.github.io"},
      {"co.uk", "co.uk"},
      {"com", "com"},
      {"a.nosuchtld", "a.nosuchtld"},
      {"b.a.nosuchtld", "a.nosuchtld"},
      {"localhost", "localhost"},
      {"", ""},
  };
  for (const auto& row : rows) EXPECT_EQ(organizational_domain(row.name), row.organization);
}

TEST(DomainName, a_signer_is_aligned_with_itself_and_what_is_below_it) {  // R207
  const struct {
    std::string_view signer, domain;
    bool aligned;
  } rows[] = {
      {"x.example", "x.example", true},
      {"x.example", "mail.x.example", true},
      {"x.example", "a.b.c.x.example", true},
      {"mail.x.example", "x.example", false},
      {"y.example", "x.example", false},
      {"ample", "x.example", false},
      {".example", "x.example", false},
      {"x.example", "ax.example", false},
      {"x.example", "mailx.example", false},
      {"com", "x.com", false},
      {"co.uk", "x.co.uk", false},
      {"x.co.uk", "mail.x.co.uk", true},
      {"github.io", "x.github.io", false},  // a private suffix is one as well
      {"x.github.io", "a.x.github.io", true},
      {"amazonaws.com", "x.s3.amazonaws.com", false},  // above a suffix
      {"x.s3.amazonaws.com", "a.x.s3.amazonaws.com", true},
      {"kawasaki.jp", "a.b.kawasaki.jp", false},
      {"b.kawasaki.jp", "a.b.kawasaki.jp", false},
      {"city.kawasaki.jp", "a.city.kawasaki.jp", true},
      {"nosuchtld", "x.nosuchtld", false},
      {"xn--p1ai", "x.xn--p1ai", false},
      {"co.uk", "co.uk", true},
      {"", "x.example", false},
      {"", "", false},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(is_aligned(row.signer, row.domain), row.aligned) << row.signer << " " << row.domain;
  }
}

TEST(DomainName, plain_addresses_fit_into_a_header_and_an_smtp_command) {
  const std::string local64(64, 'a');
  const std::string rows[] = {"a@x.example",
                              "a.b+c=d@x.example",
                              "!#$%&'*+-/=?^_`{|}~@x.example",
                              "a@localhost",
                              "a@X.Example",
                              "\"r,s\"@x.example",
                              "\"a b\"@x.example",
                              "\"a@b\"@x.example",
                              R"("q\"\\"@x.example)",
                              local64 + "@x.example",
                              "a@xn--bcher-kva.example"};
  for (const std::string& row : rows) EXPECT_TRUE(is_plain_address(row)) << row;
}

TEST(DomainName, other_addresses_are_not_plain) {
  const std::string local65(65, 'a');
  const std::string rows[] = {"",
                              "a",
                              "@x.example",
                              "a@",
                              ".a@x.example",
                              "a.@x.example",
                              "a..b@x.example",
                              "r,s@x.example",
                              "a b@x.example",
                              "<a@x.example>",
                              "N <a@x.example>",
                              "mailto:a@x.example",
                              "a@b@x.example",
                              "a@x.example\r\nBcc: b@x.example",
                              "a\r\nb@x.example",
                              "\"a\r\n\"@x.example",
                              "\"a\0b\"@x.example"s,
                              "\"a\"b\"@x.example",
                              R"("a\"@x.example)",
                              "\"\"@x.example",
                              "\"@x.example",
                              "\u00fc@x.example",
                              "\"\u00fc\"@x.example",
                              "a@b\u00fccher.example",
                              "a@[192.0.2.1]",
                              "a@x.example.",
                              local65 + "@x.example"};
  for (const std::string& row : rows) EXPECT_FALSE(is_plain_address(row)) << row;
}

}  // namespace
}  // namespace tlsrpt
