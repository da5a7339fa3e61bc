// SPDX-License-Identifier: BSD-2-Clause

// Signatures that verify, and whether RFC 8460 section 3 lets a report rest on them; and what DNS
// says about keys.

#include <gtest/gtest.h>

#include "tests/unit/common/dkim_test_support.hpp"

namespace tlsrpt {
namespace {

using namespace dkim_test;

const std::string kTags = "v=1; a=ed25519-sha256; d=example.com; s=s1; h=From";

class DkimAcceptance : public testing::Test {
 protected:
  DkimVerdict verdict(const std::string& message) { return dkim_verify(message, dns, settings); }
  std::string verify(const std::string& message) { return shown(verdict(message)); }
  std::string verify_with_key(const std::string& key_tags) {
    dns.txt_answers.clear();
    dns.add_txt(kKeyName, key_record(key, key_tags));
    return verify(signed_message(kMessage, key));
  }

  DkimKey key = load_key("ed25519");
  FakeDns dns;
  VerifySettings settings = verify_settings();
};

TEST_F(DkimAcceptance, service_types) {
  EXPECT_EQ(verify_with_key(""), "pass");
  EXPECT_EQ(verify_with_key("s=*; "), "pass");
  EXPECT_EQ(verify_with_key("s=tlsrpt; "), "pass");
  EXPECT_EQ(verify_with_key("s=email : tlsrpt; "), "pass");
  EXPECT_FALSE(verdict(signed_message(kMessage, key)).best.service_type_email_only);
  EXPECT_EQ(verify_with_key("s=foo; "), "policy key-service-type");
  EXPECT_FALSE(verdict(signed_message(kMessage, key)).best.service_type_email_only);
  EXPECT_EQ(verify_with_key("s=email:foo; "), "pass");  // R195
  EXPECT_TRUE(verdict(signed_message(kMessage, key)).best.service_type_email_only);
  settings.strict_service_type = true;
  EXPECT_EQ(verify_with_key("s=email; "), "policy key-service-type");
  EXPECT_EQ(verify_with_key("s=tlsrpt; "), "pass");
}

TEST_F(DkimAcceptance, testing_and_revoked_keys) {
  EXPECT_EQ(verify_with_key("t=y; "), "policy key-testing");    // R199
  EXPECT_EQ(verify_with_key("t=s:y; "), "policy key-testing");  // R199
  EXPECT_EQ(verify_with_key("h=sha1; "), "permerror key-hash");
  EXPECT_EQ(verify_with_key("g=*; n=note; "), "pass");
  dns.txt_answers.clear();
  dns.add_txt(kKeyName, "v=DKIM1; p=");
  EXPECT_EQ(verify(signed_message(kMessage, key)), "permerror key-revoked");  // R201
}

TEST_F(DkimAcceptance, a_key_may_demand_that_i_is_no_subdomain) {  // R200
  for (const auto& [flags, identity, expected] :
       {std::tuple("", "@sub.example.com", "pass"), std::tuple("t=s; ", "@example.com", "pass"),
        std::tuple("t=s; ", "@sub.example.com", "permerror identity")}) {
    dns.txt_answers.clear();
    dns.add_txt(kKeyName, key_record(key, flags));
    EXPECT_EQ(verify(signed_with_tags(kMessage, key, kTags + "; i=" + identity)), expected);
  }
}

TEST_F(DkimAcceptance, length_tags_never_qualify) {  // R197
  dns.add_txt(kKeyName, key_record(key));
  for (const std::string length : {"0", "5", "20"}) {
    const std::string message = signed_with_tags(kMessage, key, kTags + "; l=" + length);
    EXPECT_EQ(verify(message), "policy length-tag") << length;
    EXPECT_EQ(verify(message + "appended\r\n"), "policy length-tag") << length;
  }
  const std::string message = signed_with_tags(kMessage, key, kTags + "; l=5");
  EXPECT_EQ(verify(replaced(message, "One", "Two")), "fail body-hash");
  EXPECT_EQ(verify(signed_with_tags(kMessage, key, kTags + "; l=1000")), "fail body-hash");
}

TEST_F(DkimAcceptance, another_qualifying_signature_rescues_the_message) {  // R198
  dns.add_txt(kKeyName, key_record(key));
  const std::string with_length = signed_with_tags(kMessage, key, kTags + "; l=5");
  const DkimVerdict both = verdict(signed_message(with_length, key));
  EXPECT_EQ(shown(both), "pass");
  ASSERT_EQ(both.signatures.size(), 2u);
  EXPECT_EQ(shown(both.signatures[0]), "pass");
  EXPECT_EQ(shown(both.signatures[1]), "policy length-tag");
  const std::string junk_first = "DKIM-Signature: junk\r\n" + signed_message(with_length, key);
  EXPECT_EQ(verify(junk_first), "pass");
}

TEST_F(DkimAcceptance, expired_signatures_do_not_qualify) {  // R210
  dns.add_txt(kKeyName, key_record(key));
  EXPECT_EQ(verify(signed_with_tags(kMessage, key, kTags + "; x=1772323200")), "pass");
  EXPECT_EQ(verify(signed_with_tags(kMessage, key, kTags + "; x=1772323199")), "policy expired");
  EXPECT_EQ(verify(signed_with_tags(kMessage, key, kTags + "; x=999999999999")), "pass");
}

TEST_F(DkimAcceptance, alignment) {  // R207
  dns.add_txt(kKeyName, key_record(key));
  const std::string message = signed_message(kMessage, key);
  for (const auto& [domain, lax, strict] :
       {std::tuple("example.com", "pass", "pass"), std::tuple("", "pass", "pass"),
        std::tuple("mail.example.com", "pass", "policy not-aligned"),
        std::tuple("com", "policy not-aligned", "policy not-aligned"),
        std::tuple("badexample.com", "policy not-aligned", "policy not-aligned"),
        std::tuple("example.net", "policy not-aligned", "policy not-aligned")}) {
    settings.aligned_with = domain;
    settings.strict_alignment = false;
    EXPECT_EQ(verify(message), lax) << domain;
    settings.strict_alignment = true;
    EXPECT_EQ(verify(message), strict) << domain;
  }
}

TEST_F(DkimAcceptance,
       names_in_utf8_are_converted_before_they_are_compared_and_looked_up) {  // R209
  dns.add_txt("s1._domainkey.xn--bcher-kva.example", key_record(key));
  settings.aligned_with = "xn--bcher-kva.example";
  const std::string message = signed_with_tags(kMessage, key,
                                               "v=1; a=ed25519-sha256; d=B\xc3\xbc"
                                               "cher.example; i=x@b\xc3\xbc"
                                               "cher.example; s=s1; h=From");
  const DkimVerdict result = verdict(message);
  EXPECT_EQ(shown(result), "pass");
  EXPECT_EQ(result.best.domain, "xn--bcher-kva.example");
}

TEST_F(DkimAcceptance, a_from_field_on_top_of_the_signed_one_does_not_qualify) {
  dns.add_txt(kKeyName, key_record(key));
  const std::string message = signed_with_tags(kMessage, key, kTags);
  EXPECT_EQ(verify("From: evil@example.com\r\n" + message), "policy from-not-signed");
}

TEST_F(DkimAcceptance, a_header_that_can_be_read_in_two_ways_does_not_qualify) {
  dns.add_txt(kKeyName, key_record(key));
  const std::string message = signed_with_tags(kMessage, key, kTags);
  EXPECT_EQ(verify("X-Unsigned: 1\r\n" + message), "pass");
  EXPECT_EQ(verify("X-Unsigned: 1\r\njunk\r\n" + message), "policy header-malformed");
  EXPECT_EQ(verify("--b: 1\r\n" + message), "policy header-malformed");
  EXPECT_EQ(verify("X-Unsigned: 1\r\r2\r\n" + message), "policy header-malformed");
}

TEST_F(DkimAcceptance, a_signature_of_content_type_must_cover_every_copy_of_it) {
  dns.add_txt(kKeyName, key_record(key));
  const std::string type = "Content-Type: text/plain\r\n";
  const std::string encoding = "Content-Transfer-Encoding: 7bit\r\n";
  const std::string mail = type + encoding + kMessage;
  const auto with_names = [&](const std::string& names) {
    return signed_with_tags(mail, key, kTags + names);
  };
  const std::string none = with_names("");
  const std::string first = with_names(":Content-Type");
  const std::string both = with_names(":content-type:Content-Transfer-Encoding");
  for (const bool needed : {false, true}) {
    settings.needs_content_type = needed;
    SCOPED_TRACE(needed);
    EXPECT_EQ(verify(none), needed ? "policy content-type-not-signed" : "pass");
    EXPECT_EQ(verify(first), "pass");
    EXPECT_EQ(verify(both), "pass");
    for (const char* added : {"Content-Type: a/b\r\n", "CONTENT-TYPE:a/b\r\n",
                              "ContentType: a/b\r\n", "content_type : a/b\r\n"}) {
      SCOPED_TRACE(added);
      EXPECT_EQ(verify(added + none), needed ? "policy content-type-not-signed" : "pass");
      EXPECT_EQ(verify(added + first), "policy content-type-not-signed");
      EXPECT_EQ(verify(added + both), "policy content-type-not-signed");
    }
    EXPECT_EQ(verify(encoding + first), "pass");
    EXPECT_EQ(verify(encoding + both), "policy content-type-not-signed");
    EXPECT_EQ(verify("Content-Types: x\r\nContent: y\r\n" + both), "pass");
    // One that is signed twice, and stands there twice or once.
    const std::string twice =
        signed_with_tags(type + mail, key, kTags + ":Content-Type:Content-Type");
    EXPECT_EQ(verify(twice), "pass");
    EXPECT_EQ(verify(with_names(":Content-Type:Content-Type")), "pass");
  }
  settings.needs_content_type = true;
  EXPECT_EQ(verify(signed_with_tags(kMessage, key, kTags)), "pass") << "there is none";
}

TEST_F(DkimAcceptance, tells_whether_the_report_domain_is_signed) {  // R187
  dns.add_txt(kKeyName, key_record(key));
  EXPECT_FALSE(verdict(signed_with_tags(kMessage, key, kTags)).best.signs_report_domain);
  EXPECT_TRUE(verdict(signed_with_tags(kMessage, key, kTags + ":tls-report-domain"))
                  .best.signs_report_domain);
}

TEST_F(DkimAcceptance, dns_failures_are_temporary) {  // R211
  dns.txt_answers[std::string(kKeyName)] = FakeDns::failed<std::string>();
  const std::string message = signed_message(kMessage, key);
  EXPECT_EQ(verify(message), "temperror key-lookup-failed");
  EXPECT_EQ(dns.questions(), (std::vector<std::string>{"TXT s1._domainkey.example.com"}));
  // R212: what is broken is not worth another try, and neither is what could never qualify.
  EXPECT_EQ(verify(message + "x\r\n"), "fail body-hash");
  EXPECT_EQ(verify(signed_with_tags(kMessage, key, kTags + "; l=5")), "policy length-tag");
  EXPECT_EQ(verify(signed_with_tags(kMessage, key, kTags + "; x=1")), "policy expired");
  settings.aligned_with = "example.org";
  EXPECT_EQ(verify(message), "policy not-aligned");
}

TEST_F(DkimAcceptance, a_temporary_error_counts_more_than_any_failure_and_less_than_a_pass) {
  SignSettings other = sign_settings();
  other.selector = "down";
  dns.txt_answers["down._domainkey.example.com"] = FakeDns::failed<std::string>("timeout");
  const std::string first = signed_message(kMessage, key, other);
  const std::string both = signed_message(first, key);
  EXPECT_EQ(verify(both), "temperror key-lookup-failed");  // s1: key-not-found
  dns.add_txt(kKeyName, key_record(load_key("rsa1024")));
  EXPECT_EQ(verify(both), "temperror key-lookup-failed");  // s1: key-type
  dns.txt_answers.erase(std::string(kKeyName));
  dns.add_txt(kKeyName, key_record(key));
  EXPECT_EQ(verify(both), "pass");
}

TEST_F(DkimAcceptance, absent_keys) {
  const std::string message = signed_message(kMessage, key);
  EXPECT_EQ(verify(message), "permerror key-not-found");
  dns.txt_answers[std::string(kKeyName)] = FakeDns::no_data<std::string>();
  EXPECT_EQ(verify(message), "permerror key-not-found");
  dns.txt_answers[std::string(kKeyName)] = FakeDns::found<std::string>({});
  EXPECT_EQ(verify(message), "permerror key-not-found");
}

TEST_F(DkimAcceptance, of_several_key_records_the_one_that_verifies_counts) {
  dns.add_txt(kKeyName, "v=spf1 -all");
  const std::string message = signed_message(kMessage, key);
  EXPECT_EQ(verify(message), "permerror key-malformed");
  for (int i = 0; i < 10; ++i) dns.add_txt(kKeyName, "not a key");
  dns.add_txt(kKeyName, key_record(load_key("rsa1024")));
  EXPECT_EQ(verify(message), "permerror key-type");
  dns.add_txt(kKeyName, key_record(key));
  EXPECT_EQ(verify(message), "pass");
  // Only so many keys are tried: each costs a verification.
  dns.txt_answers.clear();
  for (int i = 0; i < 4; ++i) dns.add_txt(kKeyName, key_record(load_key("rsa1024")));
  dns.add_txt(kKeyName, key_record(key));
  EXPECT_EQ(verify(message), "permerror key-type");
}

TEST_F(DkimAcceptance, keys_of_unusable_size_or_form) {  // R204
  const DkimKey rsa = load_key("rsa2048");
  const std::string message = signed_message(kMessage, rsa);
  const auto with_record = [&](const std::string& record) {
    dns.txt_answers.clear();
    dns.add_txt(kKeyName, record);
    return verify(message);
  };
  EXPECT_EQ(with_record(key_record(rsa)), "pass");
  EXPECT_EQ(with_record("p=" + rsa.public_key_base64()), "pass");
  // RSA with 512 bits.
  EXPECT_EQ(with_record(fmt::format("p={}", read_test_file("rsa512.pub"))), "permerror key-size");
  EXPECT_EQ(with_record("p=eA=="), "permerror key-malformed");
  EXPECT_EQ(with_record("k=rsa; p=" + key.public_key_base64()), "permerror key-malformed");
  const std::string der = base64_decode(rsa.public_key_base64()).value_or("");
  EXPECT_EQ(with_record("p=" + base64_encode(der + "x")), "permerror key-malformed");
  // A bare RSAPublicKey, as RFC 6376 describes it: it is what SubjectPublicKeyInfo wraps.
  EXPECT_EQ(with_record("p=" + base64_encode(der.substr(24))), "pass");

  const std::string ed25519 = signed_message(kMessage, key);
  dns.txt_answers.clear();
  dns.add_txt(kKeyName, "k=ed25519; p=" + base64_encode(std::string(31, 'x')));
  EXPECT_EQ(verify(ed25519), "permerror key-malformed");
}

}  // namespace
}  // namespace tlsrpt
