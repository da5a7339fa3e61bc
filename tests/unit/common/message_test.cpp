// SPDX-License-Identifier: BSD-2-Clause
#include "common/message.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "common/report_mail.hpp"
#include "tests/unit/common/report_mails.hpp"
#include "tests/unit/common/zip_builder.hpp"

namespace tlsrpt {
namespace {

TEST(OpenMessage, finds_a_report_whatever_it_is_called) {  // R217-R221, R235
  const std::string json = report_json();
  const std::string gz = gzip(json);
  const std::string zip = build_zip({{"a.json", json}});
  const auto named = [](const std::string& type, const std::string& name) {
    return type + "; name=\"" + name + "\"";
  };
  const struct {
    const char* what;
    std::string message;
    const char* summary;
  } cases[] = {
      {"gzip", mail_of({base64_part("application/tlsrpt+gzip", gz)}), "accepted r1"},
      {"upper case", mail_of({base64_part("APPLICATION/TLSRPT+GZIP", gz)}), "accepted r1"},
      {"JSON", mail_of({base64_part("application/tlsrpt+json", json)}), "accepted r1"},
      {"no suffix", mail_of({base64_part("application/tlsrpt", gz)}), "accepted r1"},
      {"application/gzip", mail_of({base64_part("application/gzip", gz)}), "accepted r1"},
      {"x-gzip", mail_of({base64_part("application/x-gzip", gz)}), "accepted r1"},
      {"application/json", mail_of({base64_part("application/json", json)}), "accepted r1"},
      {"zip", mail_of({base64_part("application/zip", zip)}), "accepted r1"},
      {"octet-stream", mail_of({base64_part("application/octet-stream", gz)}), "accepted r1"},
      {"picture", mail_of({base64_part("image/png", gz)}), "accepted r1"},
      {"text", mail_of({part("Content-Type: text/plain", json)}), "accepted r1"},
      {"no type", mail_of({part("X: y", json)}), "accepted r1"},
      {"byte order mark", mail_of({base64_part("application/tlsrpt+json", "\xef\xbb\xbf" + json)}),
       "accepted r1 byte-order-mark"},
      {"whole body", single("Content-Type: application/tlsrpt+json", json), "accepted r1"},
      {"whole body, base64",
       single("Content-Type: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: base64",
              base64_encode(gz)),
       "accepted r1"},
      {"gzip says JSON", mail_of({base64_part("application/tlsrpt+gzip", json)}),
       "accepted r1 content-mismatch"},
      {"JSON says gzip", mail_of({base64_part("application/tlsrpt+json", gz)}),
       "accepted r1 content-mismatch"},
      {"zip says gzip", mail_of({base64_part("application/gzip", zip)}),
       "accepted r1 content-mismatch"},
      {"name says gzip",
       mail_of({base64_part(named("application/octet-stream", "r.json.gz"), json)}),
       "accepted r1 content-mismatch"},
      {"name agrees", mail_of({base64_part(named("application/octet-stream", "r.json.gz"), gz)}),
       "accepted r1"},
      {"hostile name", mail_of({base64_part(named("application/tlsrpt+gzip", "../../x.gz"), gz)}),
       "accepted r1"},
      {"base64 without a label",
       mail_of({part("Content-Type: application/tlsrpt+gzip", base64_encode(gz))}),
       "accepted r1 content-mismatch"},
      {"label of base64 without base64",
       mail_of({part("Content-Type: application/tlsrpt+json\r\nContent-Transfer-Encoding: base64",
                     json)}),
       "accepted r1 content-mismatch"},
      {"double gzip", mail_of({base64_part("application/tlsrpt+gzip", gzip(gz))}),
       "accepted r1 double-gzip"},
      {"two members",
       mail_of({base64_part("application/tlsrpt+gzip",
                            gzip(json.substr(0, 9)) + gzip(json.substr(9)))}),
       "accepted r1"},
      {"junk behind gzip", mail_of({base64_part("application/tlsrpt+gzip", gz + "\n")}),
       "accepted r1 gzip-trailing-data"},
      {"gzip in zip", mail_of({base64_part("application/zip", build_zip({{"a.json.gz", gz}}))}),
       "accepted r1"},
      {"zip member without a name",
       mail_of({base64_part("application/zip", build_zip({{"x", json}}))}), "accepted r1"},
      {"other members of a zip",
       mail_of({base64_part("application/zip", build_zip({{"readme", "x"}, {"a.json", json}}))}),
       "accepted r1"},
      {"forwarded",
       mail_of({part("Content-Type: message/rfc822",
                     mail_of({base64_part("application/tlsrpt+gzip", gz)}))}),
       "accepted r1 forwarded-message"},
      {"forwarded in base64",
       mail_of(
           {base64_part("message/rfc822", single("Content-Type: application/tlsrpt+json", json))}),
       "accepted r1 forwarded-message"},
      {"never closed",
       "Content-Type: multipart/mixed; boundary=b\n\n--b\n" +
           base64_part("application/tlsrpt+gzip", gz),
       "accepted r1 mime-not-closed"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.what);
    EXPECT_EQ(opened(test.message), test.summary);
  }
}

TEST(OpenMessage, takes_each_report_once) {  // R248
  const std::string first = report_json("r1");
  const std::string second = report_json("r2");
  const std::string type = "application/tlsrpt+gzip";
  EXPECT_EQ(opened(mail_of({base64_part(type, gzip(first)), base64_part(type, gzip(second))})),
            "accepted r1; accepted r2");
  EXPECT_EQ(opened(mail_of({base64_part(type, gzip(first, 1)), base64_part(type, gzip(first, 9)),
                            base64_part("application/json", first)})),
            "accepted r1");
  EXPECT_EQ(opened(mail_of({base64_part("application/zip",
                                        build_zip({{"a.json", first}, {"b.json", second}}))})),
            "accepted r1; accepted r2");
  EXPECT_EQ(opened(mail_of({base64_part("application/json", first + "\n" + first),
                            base64_part("application/json", first)})),
            "accepted r1; accepted r1 trailing-data")
      << "one document may say the same twice, several may not";
}

TEST(OpenMessage, refuses_with_a_reason) {
  const std::string type = "application/tlsrpt+gzip";
  const std::string gz = gzip(report_json());
  std::string wrong_crc = gz;
  wrong_crc[gz.size() - 5] = static_cast<char>(wrong_crc[gz.size() - 5] ^ 1);
  const struct {
    const char* what;
    std::string message;
    const char* summary;
  } cases[] = {
      {"nothing", "", "no-report-part"},
      {"normal mail", single("Subject: hello", "see {\"policies\": []}"), "no-report-part"},
      {"braces in text", single("Subject: code", "{ return 0; }"), "no-report-part"},
      {"only text", mail_of({part("Content-Type: text/html", "<p>report</p>")}), "no-report-part"},
      {"wrong CRC", mail_of({base64_part(type, wrong_crc)}), "gzip-damaged"},
      {"cut", mail_of({base64_part(type, gz.substr(0, 60))}), "gzip-damaged"},
      {"empty part", mail_of({base64_part(type, "")}), "empty"},
      {"triple gzip", mail_of({base64_part(type, gzip(gzip(gz)))}), "too-many-packings"},
      {"encrypted zip",
       mail_of({base64_part("application/zip", build_zip({{"a.json", report_json(), 8, 1}}))}),
       "zip-unsupported"},
      {"zip without a report", mail_of({base64_part("application/zip", build_zip({{"a", "b"}}))}),
       "not-json"},
      {"cut zip", mail_of({base64_part("application/zip", "PK\x03\x04")}), "zip-damaged"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.what);
    EXPECT_EQ(opened(test.message), test.summary);
    for (const ReadOutcome& outcome : open_message(test.message).outcomes)
      EXPECT_NE(outcome.detail, "") << to_word(outcome.refusal);
  }
}

TEST(OpenMessage, drops_refusals_of_other_attachments_beside_a_report) {
  const std::string good = base64_part("application/tlsrpt+gzip", gzip(report_json()));
  const std::string picture = base64_part("application/octet-stream", "\x89PNG picture");
  const std::string broken = base64_part("application/tlsrpt+gzip", "\x1f\x8b");
  EXPECT_EQ(opened(mail_of({picture, good})), "accepted r1");
  EXPECT_EQ(opened(mail_of({picture})), "not-json");
  EXPECT_EQ(opened(mail_of({broken, good})), "accepted r1; gzip-damaged")
      << "a part that says it is a report is not passed over";
}

TEST(OpenMessage, cross_checks_header_and_report) {  // R223, R224, R249
  const std::string plain = base64_part("application/tlsrpt+json", report_json());
  const std::string no_domain = base64_part("application/tlsrpt+json", report_json("r1", ""));
  std::string dane_json = report_json();
  dane_json.replace(dane_json.find("sts"), 3, "tlsa");
  const std::string dane = base64_part("application/tlsrpt+json", dane_json);
  const struct {
    std::string header;
    std::string part;
    const char* summary;
  } cases[] = {
      {"TLS-Report-Domain: Policy.Example.\r\nTLS-Report-Submitter: SENDER.example\r\n", plain,
       "accepted r1"},
      {"TLS-Report-Submitter: other.example\r\n", plain, "accepted r1 submitter-mismatch"},
      {"TLS-Report-Domain: other.example\r\n", plain, "accepted r1 domain-mismatch"},
      {"TLS-Report-Submitter: mail.sender.example\r\n", plain, "accepted r1"},
      {"Subject: Report Domain: policy.example Submitter: x.sender.example Report-ID: <1>\r\n",
       plain, "accepted r1"},
      {"Subject: Report domain: Other.example\r\n Submitter: sender.example\r\n", plain,
       "accepted r1 domain-mismatch"},
      {"Subject: Report Domain: policy.example Submitter: other.example\r\n", plain,
       "accepted r1 submitter-mismatch"},
      {"Subject: Report Domain: Submitter:\r\n", plain, "accepted r1"},
      // R77: the name of the MX host
      {"TLS-Report-Domain: other.example\r\n", dane, "accepted r1"},
      {"TLS-Report-Domain: policy.example\r\ntls-report-domain: x\r\n", plain,
       "accepted r1 duplicate-header"},
      {"TLS-Report-Domain: filled.example\r\n", no_domain, "accepted r1 missing-policy-domain"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.header);
    EXPECT_EQ(opened(mail_of({test.part}, test.header)), test.summary);
  }
}

TEST(OpenMessage, fills_a_missing_policy_domain_from_the_header) {
  const std::string no_domain = base64_part("application/tlsrpt+json", report_json("r1", ""));
  const auto domain_of = [&no_domain](const std::string& header) {
    const OpenedMessage message = open_message(mail_of({no_domain}, header));
    return message.outcomes.at(0).report.policies.at(0).policy.policy_domain;
  };
  EXPECT_EQ(domain_of("TLS-Report-Domain: Filled.Example\r\n"), "filled.example");
  EXPECT_EQ(domain_of("TLS-Report-Domain: no domain\r\n"), "");
  EXPECT_EQ(domain_of("TLS-Report-Domain: a.example\r\nTLS-Report-Domain: b.example\r\n"), "");
  EXPECT_EQ(domain_of(""), "");
}

TEST(OpenMessage, tells_nothing_of_the_outer_header_about_a_forwarded_report) {  // R250
  const std::string inner = single("Content-Type: application/tlsrpt+json", report_json("r1", ""));
  const OpenedMessage message =
      open_message(mail_of({part("Content-Type: message/rfc822", inner)},
                           "TLS-Report-Domain: x.example\r\nTLS-Report-Submitter: y.example\r\n"));
  ASSERT_EQ(message.outcomes.size(), 1u);
  EXPECT_TRUE(message.outcomes[0].flags.has(Flag::forwarded_message));
  EXPECT_FALSE(message.outcomes[0].flags.has(Flag::submitter_mismatch));
  EXPECT_EQ(message.outcomes[0].report.policies.at(0).policy.policy_domain, "");
}

TEST(OpenMessage, says_what_the_header_says) {
  const MailFacts facts = open_message(
                              "From: \"TLS, Reports\" <tls@Sender.Example>\r\n"
                              "Subject: Report Domain: policy.example\r\n Submitter: x\r\n"
                              "Message-ID: <1@sender.example>\r\n"
                              "Date: Mon, 02 Mar 2026 01:00:00 +0000\r\n"
                              "TLS-Report-Domain: Policy.Example\r\n"
                              "TLS-Report-Submitter: no domain\r\n\r\n")
                              .facts;
  EXPECT_EQ(facts.from, "\"TLS, Reports\" <tls@Sender.Example>");
  EXPECT_EQ(facts.from_domain, "sender.example");
  EXPECT_EQ(facts.subject, "Report Domain: policy.example Submitter: x");
  EXPECT_EQ(facts.message_id, "<1@sender.example>");
  EXPECT_EQ(facts.date, "Mon, 02 Mar 2026 01:00:00 +0000");
  EXPECT_EQ(facts.tls_report_domain, "policy.example");
  EXPECT_EQ(facts.tls_report_submitter, "no domain");
  EXPECT_TRUE(facts.claims_report);
}

TEST(OpenMessage, has_no_from_domain_where_it_could_be_one_of_two) {
  const auto from_domain = [](const std::string& header) {
    return open_message(header + "\r\n").facts.from_domain;
  };
  EXPECT_EQ(from_domain("From: a@b.example\r\n"), "b.example");
  EXPECT_EQ(from_domain("From: a@b.example\r\nFROM: a@b.example\r\n"), "");
  EXPECT_EQ(from_domain("From: a@b.example, c@d.example\r\n"), "");
  EXPECT_EQ(from_domain("From: a@b_\xff.example\r\n"), "");
  EXPECT_EQ(from_domain("To: a@b.example\r\n"), "");
}

TEST(OpenMessage, knows_whether_it_claims_to_be_a_report) {  // R217
  const auto claims = [](const std::string& header) {
    return open_message(header + "\r\n\r\n").facts.claims_report;
  };
  EXPECT_TRUE(claims("TLS-Report-Domain: x"));
  EXPECT_TRUE(claims("tls-report-submitter:"));
  EXPECT_TRUE(claims("Content-Type: multipart/report; REPORT-TYPE=\"TlsRpt\"; boundary=x"));
  EXPECT_TRUE(claims("Content-Type: application/tlsrpt+gzip"));
  EXPECT_FALSE(claims("Subject: Report Domain: x"));
  EXPECT_FALSE(claims("Content-Type: multipart/report; report-type=delivery-status; boundary=x"));
}

TEST(OpenMessage, reads_what_the_reporter_writes) {
  ReportMail mail;
  mail.from = "tlsrpt@sender.example";
  mail.to = "reports@policy.example";
  mail.report_domain = "policy.example";
  mail.submitter = "sender.example";
  mail.report_id = "1.policy.example@sender.example";
  mail.date_range = {Seconds{std::chrono::seconds{1772323200}},
                     Seconds{std::chrono::seconds{1772409599}}};
  mail.gzipped_report = gzip(report_json());
  mail.text = "A report about gr\u00fc\u00dfe.\n";
  const auto message = compose_report_mail(mail);
  ASSERT_TRUE(message.has_value());
  const OpenedMessage result = open_message(*message);
  EXPECT_EQ(summary(result.outcomes), "accepted r1");
  EXPECT_TRUE(result.facts.claims_report);
  EXPECT_EQ(result.facts.from_domain, "sender.example");
  EXPECT_EQ(result.facts.subject,
            "Report Domain: policy.example Submitter: sender.example Report-ID: "
            "<1.policy.example@sender.example>");
}

TEST(OpenFileBytes, tells_kinds_apart_by_the_bytes) {
  const std::string json = report_json();
  const std::string mail = mail_of({base64_part("application/tlsrpt+gzip", gzip(json))});
  const std::string second =
      mail_of({base64_part("application/tlsrpt+gzip", gzip(report_json("r2")))});
  const struct {
    const char* what;
    std::string bytes;
    const char* summary;
  } cases[] = {
      {"JSON", json, "accepted r1"},
      {"JSON behind blanks", "\r\n " + json, "accepted r1"},
      {"gzip", gzip(json), "accepted r1"},
      {"zip", build_zip({{"a.json", json}}), "accepted r1"},
      {"message", mail, "accepted r1"},
      {"mbox",
       "From x Mon Mar  2 01:00:00 2026\n" + mail + "\nFrom y Tue Mar  3 01:00:00 2026\n" + second,
       "accepted r1; accepted r2"},
      {"mbox with another mail",
       "From x\nSubject: hi\n\nFrom here on\n\nFrom - Tue Mar  3 01:00:00 2026\n" + mail,
       "no-report-part; accepted r1"},
      {"empty", "", "empty"},
      {"text", "no report at all", "not-json"},
      {"message without a report", "Subject: x\n\ny", "no-report-part"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.what);
    EXPECT_EQ(summary(open_file_bytes(test.bytes)), test.summary);
  }
}

std::string content_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(OpenFileBytes, reads_the_data_as_expected) {
  const std::filesystem::path folder = TEST_DATA_DIR "/reports";
  const struct {
    const char* file;
    const char* summary;
  } cases[] = {
      {"constructed-24.json.gz", "accepted 2025-05-22T00:00:00Z_example.com"},
      {"constructed-25.json.gz", "accepted 2025-05-22T00:00:00Z_example.com double-gzip"},
      {"constructed-26.json.gz", "accepted 2025-05-22T00:00:00Z_example.com"},
      {"constructed-29.json.gz", "gzip-damaged"},
      {"constructed-30.json.gz", "accepted 2025-05-22T00:00:00Z_example.com"},
      {"constructed-31.json.gz", "accepted 2025-05-22T00:00:00Z_example.com"},
      {"constructed-34.json.gz", "gzip-ratio"},
      {"constructed-3.eml", "accepted x"},
      {"constructed-35.eml", "accepted 2025-05-22T00:00:00Z_example.com"},
      {"constructed-38.eml", "accepted 2025-05-22T00:00:00Z_example.com"},
      {"constructed-39.eml", "accepted 2025-05-22T00:00:00Z_example.com"},
      {"constructed-40.eml", "accepted 2025-05-22T00:00:00Z_example.com"},
      {"constructed-42.eml", "accepted 2025-05-22T00:00:00Z_example.com"},
      {"constructed-43.eml", "accepted 2025-05-22T00:00:00Z_example.com"},
      {"constructed-46.eml", "accepted 2025-05-22T00:00:00Z_example.com"},
      {"constructed-47.eml", "accepted 2025-05-22T00:00:00Z_example.com"},
      {"constructed-49.eml", "accepted 2025-05-22T00:00:00Z_example.com forwarded-message"},
      {"constructed-50.eml", "accepted 2025-05-22T00:00:00Z_example.com"},
      {"constructed-51.eml", "accepted 2025-05-22T00:00:00Z_example.com"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.file);
    EXPECT_EQ(summary(open_file_bytes(content_of(folder / test.file))), test.summary);
  }
}

TEST(OpenFileBytes, survives_damage) {
  std::mt19937 random(8460);
  const auto below = [&random](std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(random);
  };
  constexpr std::string_view kSpecial = "-\r\n:;=\"(){}[]\\*'%\0 PK\x1f\x8b";
  for (const auto& file : std::filesystem::directory_iterator(TEST_DATA_DIR "/reports")) {
    const std::string extension = file.path().extension();
    if ((extension != ".eml" && extension != ".gz") || file.file_size() > 4096) continue;
    const std::string original = content_of(file.path());
    for (int round = 0; round < 150; ++round) {
      std::string bytes = original;
      for (std::size_t change = below(6); change < 6 && !bytes.empty(); ++change) {
        const std::size_t at = below(bytes.size());
        switch (below(4)) {
          case 0:
            bytes[at] = kSpecial[below(kSpecial.size())];
            break;
          case 1:
            bytes.erase(at, below(40));
            break;
          case 2:
            bytes.insert(at, bytes.substr(below(bytes.size()), below(200)));
            break;
          case 3:
            bytes.resize(at);
            break;
        }
      }
      const auto outcomes = open_file_bytes(bytes);
      ASSERT_FALSE(outcomes.empty()) << file.path();
      for (const ReadOutcome& outcome : outcomes)
        EXPECT_TRUE(outcome.accepted() || !outcome.detail.empty()) << to_word(outcome.refusal);
    }
  }
}

}  // namespace
}  // namespace tlsrpt
