// SPDX-License-Identifier: BSD-2-Clause
#include <gtest/gtest.h>

#include "tests/unit/common/dkim_test_support.hpp"

namespace tlsrpt {
namespace {

using namespace dkim_test;

constexpr Canonicalization kCanonicalizations[] = {Canonicalization::simple,
                                                   Canonicalization::relaxed};

std::string verify(const std::string& message, const std::string& record,
                   const VerifySettings& settings = verify_settings()) {
  FakeDns dns;
  dns.add_txt(kKeyName, record);
  return shown(dkim_verify(message, dns, settings));
}

template <typename Test>
void for_all_kinds_of_signature(Test test) {
  for (const std::string name : {"rsa1024", "rsa2048", "rsa4096", "ed25519"}) {  // R202, R204, R206
    const DkimKey key = load_key(name);
    for (const Canonicalization header : kCanonicalizations) {
      for (const Canonicalization body : kCanonicalizations) {
        SCOPED_TRACE(
            fmt::format("{} {} {}", name, static_cast<int>(header), static_cast<int>(body)));
        SignSettings settings = sign_settings();
        settings.header = header;
        settings.body = body;
        test(key, settings);
      }
    }
  }
}

TEST(DkimVerifier, accepts_the_message_of_rfc_8463) {  // R202, R206
  FakeDns dns;
  dns.add_txt("brisbane._domainkey.football.example.com",
              "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
  dns.add_txt("test._domainkey.football.example.com",
              "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3id"
              "Y6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lx"
              "j+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB");
  const DkimVerdict verdict =
      dkim_verify(read_test_file("football.eml"), dns, verify_settings("football.example.com"));
  EXPECT_EQ(verdict.status, DkimStatus::pass);
  ASSERT_EQ(verdict.signatures.size(), 2u);
  for (const SignatureVerdict& signature : verdict.signatures) EXPECT_EQ(shown(signature), "pass");
  EXPECT_EQ(verdict.signatures[0].algorithm, "ed25519-sha256");
  EXPECT_EQ(verdict.signatures[1].algorithm, "rsa-sha256");
  EXPECT_EQ(verdict.best.selector, "brisbane");
}

TEST(DkimVerifier, accepts_what_we_sign) {
  for_all_kinds_of_signature([](const DkimKey& key, const SignSettings& settings) {
    for (const std::string body : {"", "\r\n", "\r\n\r\n\r\n", "Text\r\n", "Text",
                                   "a  b \t\r\n\r\n", "\xff\x80 8 bit\r\n", ".\r\n"}) {
      EXPECT_EQ(verify(signed_message(kHeader + "\r\n" + body, key, settings), key_record(key)),
                "pass")
          << body;
    }
    EXPECT_EQ(verify(signed_message(kHeader, key, settings), key_record(key)), "pass");
  });
}

TEST(DkimVerifier, takes_bare_line_feeds_as_line_ends) {
  for_all_kinds_of_signature([](const DkimKey& key, const SignSettings& settings) {
    std::string message = signed_message(kMessage, key, settings);
    std::erase(message, '\r');
    EXPECT_EQ(verify(message, key_record(key)), "pass");
  });
}

TEST(DkimVerifier, notices_a_change_anywhere) {
  for_all_kinds_of_signature([](const DkimKey& key, const SignSettings& settings) {
    const std::string message = signed_message(kMessage, key, settings);
    const std::vector<std::pair<std::string, std::string>> kChanges = {
        {"reports@example.com", "reports@example.org"},
        {"reports@example.net", "others@example.net"},
        {"Submitter: example.com\r\nDate", "Submitter: example.org\r\nDate"},
        {"Sun, 01", "Mon, 01"},
        {"<1@", "<2@"},
        {"TLS-Report-Domain: example.net", "TLS-Report-Domain: example.org"},
        {"TLS-Report-Submitter: example.com\r\n", ""},  // R187
        {"t=1772323200", "t=1772323201"},
        {"h=From:From:", "h=From:"},
        // R189: over-signed fields cannot be added.
        {"From: rep", "From: evil@example.com\r\nFrom: rep"},
        {"TLS-Report-Domain: e", "TLS-Report-Domain: evil.example\r\nTLS-Report-Domain: e"},
    };
    for (const auto& [from, to] : kChanges) {
      EXPECT_EQ(verify(replaced(message, from, to), key_record(key)), "fail signature") << from;
    }
    EXPECT_EQ(verify(replaced(message, "One report", "No report"), key_record(key)),
              "fail body-hash");
    EXPECT_EQ(verify(message + "More\r\n", key_record(key)), "fail body-hash");
    const bool relaxed = settings.header == Canonicalization::relaxed;
    EXPECT_EQ(verify(replaced(message, "\r\n\tSubmitter", "   \r\n Submitter"), key_record(key)),
              relaxed ? "pass" : "fail signature");
    EXPECT_EQ(verify(replaced(message, "From: rep", "FROM:rep"), key_record(key)),
              relaxed ? "pass" : "fail signature");
    EXPECT_EQ(verify(replaced(message, "One report.", "One   report.\t"), key_record(key)),
              settings.body == Canonicalization::relaxed ? "pass" : "fail body-hash");
    EXPECT_EQ(verify(message + "\r\n\r\n", key_record(key)), "pass");
  });
}

TEST(DkimVerifier, ignores_fields_that_are_not_signed) {
  const DkimKey key = load_key("ed25519");
  const std::string message = signed_message(kMessage, key);
  EXPECT_EQ(verify("Received: from a\r\n\tby b\r\n" + message, key_record(key)), "pass");
  EXPECT_EQ(verify(replaced(message, "To: ", "X-New: 1\r\nTo: "), key_record(key)), "pass");
}

TEST(DkimVerifier, does_not_take_another_key) {
  const DkimKey key = load_key("rsa2048");
  const std::string message = signed_message(kMessage, key);
  EXPECT_EQ(verify(message, key_record(load_key("rsa1024"))), "fail signature");
  EXPECT_EQ(verify(message, key_record(load_key("ed25519"))), "permerror key-type");
  EXPECT_EQ(verify(signed_message(kMessage, load_key("ed25519")), key_record(key)),
            "permerror key-type");
}

TEST(DkimVerifier, empties_b_wherever_it_stands_and_however_it_is_folded) {
  const DkimKey key = load_key("ed25519");
  for (const std::string c : {"simple/simple", "relaxed/relaxed"}) {
    const std::string head = "v=1; a=ed25519-sha256; c=" + c + "; d=example.com; s=s1; h=from";
    const std::string bare = signed_with_tags(kMessage, key, head);
    ASSERT_EQ(verify(bare, key_record(key)), "pass");
    // What stands between '=' and the end of the tag is no part of what is signed.
    const std::size_t value = bare.find("; b=") + 4;
    std::string folded = bare;
    folded.insert(value + 20, "\r\n\t ");
    folded.insert(value, " \r\n  ");
    EXPECT_EQ(verify(folded, key_record(key)), "pass");
    // Everything else is.
    EXPECT_EQ(verify(replaced(bare, "; b=", ";  c1=x; b="), key_record(key)), "fail signature");
    // The value of bh= or of an unknown tag that holds the same text as b= must stay.
    const std::string tricky = signed_with_tags(kMessage, key, head + "; ab=b=; x_b=; bb=b=x");
    EXPECT_EQ(verify(tricky, key_record(key)), "pass");
  }
}

TEST(DkimVerifier, says_why_a_signature_cannot_be_used) {
  const DkimKey key = load_key("ed25519");
  const std::string good = "v=1; a=ed25519-sha256; d=example.com; s=s1; h=From";
  ASSERT_EQ(verify(signed_with_tags(kMessage, key, good), key_record(key)), "pass");
  const auto check = [&](std::string_view from, std::string_view to, std::string_view expected) {
    const std::string tags = replaced(good, from, to);
    EXPECT_EQ(verify(signed_with_tags(kMessage, key, tags), key_record(key)), expected) << tags;
  };
  check("v=1", "v=2", "permerror version");
  check("v=1; ", "", "permerror version");
  check("a=ed25519-sha256", "a=rsa-sha1", "permerror algorithm");  // R203
  check("a=ed25519-sha256", "a=ed25519-sha512", "permerror algorithm");
  check("a=ed25519-sha256; ", "", "permerror algorithm");
  check("a=ed25519-sha256", "a=ED25519-SHA256", "pass");
  check("d=example.com", "d=", "permerror domain");
  check("d=example.com; ", "", "permerror domain");
  check("d=example.com", "d=exa mple.com", "permerror domain");
  check("d=example.com", "d=EXAMPLE.com", "pass");
  check("s=s1", "s=", "permerror selector");
  check("; s=s1", "", "permerror selector");
  check("s=s1", "s=S1", "pass");
  check("h=From", "h=To", "permerror from-not-signed");  // R186
  check("h=From", "h=", "permerror malformed");
  check("; h=From", "", "permerror malformed");
  check("h=From", "h=From:", "permerror malformed");
  check("h=From", "h=From:a b", "permerror malformed");
  check("h=From", "h=To :\r\n\tfrOM\r\n : nosuch", "pass");
  check("h=From", "h=From; c=relaxed", "pass");
  check("h=From", "h=From; c=simple/relaxed", "pass");
  check("h=From", "h=From; c=nowsp", "permerror canonicalization");
  check("h=From", "h=From; c=relaxed/", "permerror canonicalization");
  check("h=From", "h=From; c=relaxed/simple/simple", "permerror canonicalization");
  check("h=From", "h=From; q=dns/txt", "pass");
  check("h=From", "h=From; q=new : dns/txt", "pass");
  check("h=From", "h=From; q=new", "permerror query-method");
  check("h=From", "h=From; i=@example.com", "pass");
  check("h=From", "h=From; i=a=40b@sub.example.com", "pass");
  check("h=From", "h=From; i=@badexample.com", "permerror identity");
  check("h=From", "h=From; i=@com", "permerror identity");
  check("h=From", "h=From; i=example.com", "permerror identity");
  check("h=From", "h=From; i=@", "permerror identity");
  check("h=From", "h=From; t=1; x=1772323200", "pass");
  check("h=From", "h=From; t=17723232001234", "permerror malformed");
  check("h=From", "h=From; t=-1", "permerror malformed");
  check("h=From", "h=From; x=", "permerror malformed");
  check("h=From", "h=From; t=5; x=5", "permerror malformed");
  check("h=From", "h=From; l=", "permerror malformed");
  check("h=From", "h=From; l=1x", "permerror malformed");
  check("h=From", "h=From; l=99999999999999999999999", "permerror malformed");
  check("h=From", "h=From; d=example.com", "permerror malformed");  // a tag twice
  check("h=From", "h=From;; z=x", "permerror malformed");
  check("h=From", "h=From; unknown=1; z=From:x", "pass");

  const std::string message = signed_with_tags(kMessage, key, good);
  EXPECT_EQ(verify(replaced(message, " b=", " b=!"), key_record(key)), "permerror malformed");
  EXPECT_EQ(verify(replaced(message, " b=", " b=; e="), key_record(key)), "permerror malformed");
  EXPECT_EQ(verify(replaced(message, " b=", " e="), key_record(key)), "permerror malformed");
  EXPECT_EQ(verify(replaced(message, " bh=", " bh=AA"), key_record(key)), "permerror malformed");
  EXPECT_EQ(verify(replaced(message, " bh=", " eh="), key_record(key)), "permerror malformed");
  EXPECT_EQ(verify("DKIM-Signature:\r\n" + kMessage, key_record(key)), "permerror malformed");
}

TEST(DkimVerifier, names_the_signer_of_a_signature_it_cannot_use) {
  FakeDns dns;
  const DkimVerdict verdict = dkim_verify(
      "DKIM-Signature: v=1; a=rsa-sha1; d=Example.COM; s=S1; h=From; b=eA==; bh=eA==\r\n" +
          kMessage,
      dns, verify_settings());
  EXPECT_EQ(verdict.best.domain, "example.com");
  EXPECT_EQ(verdict.best.selector, "s1");
  EXPECT_EQ(verdict.best.algorithm, "rsa-sha1");
  EXPECT_TRUE(dns.questions().empty());
}

TEST(DkimVerifier, without_signature) {
  EXPECT_EQ(verify(kMessage, ""), "none no-signature");
  EXPECT_EQ(verify("", ""), "none no-signature");
  EXPECT_EQ(verify("\r\nDKIM-Signature: in the body", ""), "none no-signature");
}

}  // namespace
}  // namespace tlsrpt
