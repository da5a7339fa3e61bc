// SPDX-License-Identifier: BSD-2-Clause

// What somebody can do who has a mail that its domain really signed, and wants a report of that
// domain out of it: the bytes that the signature covers must be those that are read.

#include <gtest/gtest.h>

#include "milter/intake.hpp"
#include "tests/unit/common/dkim_test_support.hpp"
#include "tests/unit/fake_dns.hpp"

namespace tlsrpt::milter {
namespace {

using dkim_test::key_record;
using dkim_test::load_key;
using dkim_test::replaced;
using dkim_test::signed_with_tags;

struct FixedClock final : Clock {
  [[nodiscard]] Seconds now() const override { return dkim_test::kNow + std::chrono::hours(30); }
};

std::string json(std::string_view policy_domain = R"("policy-domain":"example.org")",
                 std::string_view contact = "tlsrpt@victim.example") {
  return fmt::format(
      R"({{"organization-name":"Victim","date-range":{{"start-datetime":"2026-03-01T00:00:00Z",)"
      R"("end-datetime":"2026-03-01T23:59:59Z"}},"contact-info":"{1}","report-id":"1",)"
      R"("policies":[{{"policy":{{"policy-type":"no-policy-found"{2}{0}}},)"
      R"("summary":{{"total-successful-session-count":7,"total-failure-session-count":9}}}}]}})",
      policy_domain, contact, policy_domain.empty() ? "" : ",");
}

const std::string kFrom = "From: r@victim.example\r\n";
const std::string kReportType =
    "Content-Type: multipart/report; report-type=tlsrpt; boundary=b\r\n";

std::string report_part(const std::string& text = json()) {
  return "--b\r\nContent-Type: application/tlsrpt+json\r\n\r\n" + text + "\r\n--b--\r\n";
}

/// A message that came back, with all that its sender put into it.
const std::string kBounceType =
    "Content-Type: multipart/report; report-type=delivery-status; boundary=outer\r\n";
const std::string kBounce =
    "--outer\r\n\r\nI could not deliver this.\r\n"
    "--outer\r\nContent-Type: message/rfc822\r\n\r\n" +
    kFrom + kReportType + "\r\n" + report_part() + "\r\n--outer--\r\n";

class IntakeForgery : public testing::Test {
 protected:
  std::string sign(const std::string& mail, const std::string& names,
                   const std::string& domain = "victim.example") {
    dns_.txt_answers[fmt::format("s1._domainkey.{}", domain)] =
        FakeDns::found<std::string>({key_record(key_)});
    return signed_with_tags(
        mail, key_,
        fmt::format("v=1; a=ed25519-sha256; c=relaxed/relaxed; d={}; s=s1; h={}", domain, names));
  }
  IntakeResult examine(const std::string& mail) {
    return examine_mail(mail, settings_, opener_, dns_, clock_);
  }
  /// "stored", or "refused not-authentic ...".
  std::string verdict(const std::string& mail) {
    const IntakeResult result = examine(mail);
    std::string text(to_word(result.disposition));
    if (result.disposition == Disposition::refused) {
      text += fmt::format(" {} {}", to_word(result.outcomes.front().refusal), result.detail);
    }
    return text;
  }
  void expect_forgery(const std::string& mail) {
    const std::string text = verdict(mail);
    EXPECT_NE(text.find("not-authentic"), std::string::npos) << text << "\n" << mail;
  }

  DkimKey key_ = load_key("ed25519");
  FakeDns dns_;
  FixedClock clock_;
  IntakeSettings settings_;
  DirectMessageOpener opener_{MessageLimits{}};
};

TEST_F(IntakeForgery, text_put_into_the_header_is_no_body) {
  const std::string genuine = sign(kFrom + "Subject: I am away\r\n\r\nBack soon.\r\n", "From");
  ASSERT_EQ(verdict(genuine), "no-report");
  // The line without a colon ends the header for those who read on, and the rest becomes the body.
  expect_forgery(
      replaced(genuine, "\r\n\r\nBack", "\r\n{\r\n" + json().substr(1) + "\r\n\r\nBack"));
  // A bare CR ends no line in SMTP and DKIM.
  for (const char* end : {"\r", "\n\r", "\r\r\n"}) {
    const std::string line = fmt::format("X-More: 1{0}{0}{1}{0}{0}\r\n", end, json());
    const std::string text = verdict(line + genuine);
    EXPECT_EQ(text.find("stored"), std::string::npos) << text;
    EXPECT_EQ(verdict(replaced(genuine, "Subject", line + "Subject")).find("stored"),
              std::string::npos);
  }
  // A field for an MTA, a delimiter for a reader of MIME.
  const std::string encoded = base64_encode(json());
  const std::string as_fields =
      "\r\nContent-Type: multipart/mixed; boundary=\"b:\"\r\n--b:\r\n"
      "Content-Type: application/tlsrpt+json\r\nContent-Transfer-Encoding: base64\r\n"
      "--" +
      encoded + ":\r\n--b:--\r\n\r\nBack";
  expect_forgery(replaced(genuine, "\r\n\r\nBack", as_fields));
}

TEST_F(IntakeForgery, a_content_type_on_top_of_the_signed_one_is_not_believed) {
  const std::string genuine = sign(kFrom + kBounceType + "\r\n" + kBounce, "From:Content-Type");
  expect_forgery(genuine);  // in a forwarded message
  expect_forgery(kReportType + genuine);
  expect_forgery("content-type : multipart/mixed; boundary=b\r\n" + genuine);
}

TEST_F(IntakeForgery, an_unsigned_content_type_does_not_choose_among_boundaries) {
  const std::string genuine = sign(kFrom + kBounceType + "\r\n" + kBounce, "From");
  expect_forgery(genuine);  // in a forwarded message
  expect_forgery(kReportType + genuine);
  expect_forgery(replaced(genuine, kBounceType, kReportType));
  expect_forgery(replaced(genuine, kBounceType, "ContentType: multipart/mixed; boundary=b\r\n"));
  expect_forgery(replaced(genuine, kBounceType, "Content-Type: multipart/mixed\r\n"));
  expect_forgery(replaced(genuine, kBounceType, "Content-Type: multipart/mixed; boundary=x\r\n"));
  EXPECT_EQ(verdict(replaced(genuine, kBounceType, "")), "no-report");
  // A text that repeats what it answers to.
  const std::string answer =
      sign(kFrom + "\r\nI am away. You wrote:\r\n\r\n" + report_part(), "From");
  EXPECT_EQ(verdict(answer), "no-report");
  expect_forgery(kReportType + answer);
  expect_forgery("Content-Type: multipart/report; report-type=tlsrpt; boundary=x\r\n" + answer);
  expect_forgery("Content-Type: multipart/report; report-type=tlsrpt\r\n" + answer);
}

TEST_F(IntakeForgery, parts_without_a_type_that_speaks_of_them_are_no_way_around_it) {
  const std::string labelled = replaced(kBounce, "--outer\r\n\r\nI could",
                                        "--outer\r\nContent-Type: text/plain\r\n\r\nI could");
  expect_forgery(sign(kFrom + "\r\n" + labelled, "From"));  // in a forwarded message
  const std::string plain = sign(kFrom + "\r\n" + report_part(), "From");
  EXPECT_EQ(verdict(plain), "stored");
  expect_forgery(replaced(plain, "\r\n--b--", "\r\n" + report_part()));
}

TEST_F(IntakeForgery, reports_without_a_signed_content_type_are_taken) {
  // As Google signs them.
  EXPECT_EQ(verdict(sign(kFrom + kReportType + "\r\n" + report_part(), "From")), "stored");
  EXPECT_EQ(verdict(sign(kFrom + kReportType + "\r\n\r\n" + report_part(), "From")), "stored");
  EXPECT_EQ(verdict(sign(kFrom + "\r\n" + json() + "\r\n", "From")), "stored");
  // A preamble is all right where the signature says where the parts begin.
  const std::string with_preamble = kFrom + kReportType + "\r\nThis is MIME.\r\n" + report_part();
  EXPECT_EQ(verdict(sign(with_preamble, "From:Content-Type")), "stored");
  expect_forgery(sign(with_preamble, "From"));
}

TEST_F(IntakeForgery, another_domain_cannot_sign_for_the_author) {  // R207
  struct Row {
    const char* from;
    const char* signer;
    bool good;
  };
  for (const Row& row :
       {Row{"victim.example", "victim.example", true},
        Row{"victim.example", "other.example", false},
        Row{"victim.example", "sub.victim.example", false},
        Row{"victim.example", "notvictim.example", false},
        Row{"sub.victim.example", "victim.example", true}, Row{"victim.example", "example", false},
        Row{"victim.co.uk", "co.uk", false}, Row{"victim.github.io", "github.io", false},
        Row{"victim.s3.amazonaws.com", "amazonaws.com", false}}) {
    SCOPED_TRACE(fmt::format("{} signed by {}", row.from, row.signer));
    const std::string mail =
        fmt::format("From: r@{}\r\n", row.from) + kReportType + "\r\n" + report_part();
    const std::string signed_mail = sign(mail, "From", row.signer);
    if (row.good) {
      EXPECT_EQ(verdict(signed_mail), "stored");
    } else {
      expect_forgery(signed_mail);
    }
  }
}

TEST_F(IntakeForgery, the_author_is_the_one_mailbox_of_from) {
  const auto mail = [](const std::string& header) {
    return header + kReportType + "\r\n" + report_part();
  };
  for (const char* from :
       {"From: Victim <r@victim.example>\r\n", "From: r@victim.example (Victim)\r\n",
        "From: (r@other.example) r@victim.example\r\n", "from:\r\n r@VICTIM.example\r\n",
        "From: \"r@other.example\" <r@victim.example>\r\n",
        "From: =?utf-8?q?r=40other.example?= <r@victim.example>\r\n",
        "From: \"a,b@other.example\"@victim.example\r\n",
        "Resent-From: r@other.example\r\nSender: r@other.example\r\nFrom: r@victim.example\r\n"}) {
    EXPECT_EQ(verdict(sign(mail(from), "From")), "stored") << from;
    expect_forgery(sign(mail(from), "From", "other.example"));
  }
  const std::string bucher =
      "From: r@b\xc3\xbc"
      "cher.example\r\n";
  EXPECT_EQ(verdict(sign(mail(bucher), "From", "xn--bcher-kva.example")), "stored");
  for (const char* from :
       {"", "From: \r\n", "From: r@victim.example, r@other.example\r\n", "From: victim.example\r\n",
        "From: victims: r@victim.example;\r\n", "From: <r@other.example> <r@victim.example>\r\n",
        "From: <@other.example:r@victim.example>\r\n", "Resent-From: r@victim.example\r\n",
        "Sender: r@victim.example\r\n", "From: r@other.example\r\nFrom: r@victim.example\r\n"}) {
    expect_forgery(sign(mail(from), "From:From:From"));
  }
}

TEST_F(IntakeForgery, nothing_can_be_added_to_what_is_signed) {
  const std::string mail = kFrom + kReportType + "\r\n" + report_part();
  const std::string genuine = sign(mail, "From:Content-Type");
  expect_forgery(genuine + report_part());
  expect_forgery(replaced(genuine, "\r\n--b--", "\r\n" + report_part()));
  expect_forgery(replaced(genuine, "\r\n\r\n--b", "\r\n\r\n" + report_part() + "\r\n--b"));
  expect_forgery("From: r@victim.example\r\n" + genuine);
  // Other fields say nothing that is believed.
  const IntakeResult decorated = examine(
      "TLS-Report-Submitter: other.example\r\n"
      "Subject: Report Domain: other.example Submitter: x Report-ID: <2@other.example>\r\n" +
      genuine);
  ASSERT_EQ(decorated.disposition, Disposition::stored);
  EXPECT_EQ(decorated.outcomes.front().flags.words(),
            (std::vector<std::string>{"submitter-mismatch", "domain-mismatch"}));  // R224, R226
  expect_forgery("Authentication-Results: mx.example.org; dkim=pass header.d=victim.example\r\n" +
                 mail);                             // R213
  expect_forgery("Received-SPF: pass\r\n" + mail);  // R208
}

TEST_F(IntakeForgery, ten_signatures_are_looked_at) {
  std::string mail = sign(kFrom + kReportType + "\r\n" + report_part(), "From");
  for (int i = 0; i < 9; ++i) mail = sign(mail, "From", "other.example");
  EXPECT_EQ(verdict(mail), "stored");
  expect_forgery(sign(mail, "From", "other.example"));
}

TEST_F(IntakeForgery, a_policy_domain_out_of_an_unsigned_header_is_flagged) {
  const auto flags_of = [this](const std::string& mail) {
    const IntakeResult result = examine(mail);
    EXPECT_EQ(result.disposition, Disposition::stored) << result.detail;
    return result.outcomes.front().flags;
  };
  const std::string domain = "TLS-Report-Domain: example.org\r\n";
  const std::string without = kFrom + kReportType + "\r\n" + report_part(json(""));
  const std::string with = kFrom + kReportType + "\r\n" + report_part();
  EXPECT_TRUE(flags_of(sign(domain + without, "From")).has(Flag::unsigned_domain));
  EXPECT_TRUE(flags_of(domain + sign(without, "From")).has(Flag::unsigned_domain));
  EXPECT_FALSE(
      flags_of(sign(domain + without, "From:TLS-Report-Domain")).has(Flag::unsigned_domain));
  EXPECT_FALSE(flags_of(sign(domain + with, "From")).has(Flag::unsigned_domain));
  EXPECT_FALSE(flags_of(sign(without, "From")).has(Flag::unsigned_domain));
}

}  // namespace
}  // namespace tlsrpt::milter
