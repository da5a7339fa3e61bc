// SPDX-License-Identifier: BSD-2-Clause
#include "common/report_mail.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <string>
#include <vector>

#include "common/base64.hpp"
#include "common/gzip.hpp"
#include "tests/unit/common/dkim_test_support.hpp"

namespace tlsrpt {
namespace {

ReportMail example() {
  ReportMail mail;
  mail.from = "tlsrpt@sender.example";
  mail.to = "reports@policy.example";
  mail.report_domain = "policy.example";
  mail.submitter = "sender.example";
  mail.report_id = "20260301.policy.example.1@sender.example";
  mail.date_range = {Seconds{std::chrono::seconds{1772323200}},
                     Seconds{std::chrono::seconds{1772409599}}};
  mail.gzipped_report = gzip(R"({"organization-name":"Sender"})");
  mail.text = "This is a report about TLS.\nNobody has to answer.\n";
  mail.date = Seconds{std::chrono::seconds{1772413200}};
  return mail;
}

std::string composed(const ReportMail& mail) {
  const auto result = compose_report_mail(mail);
  EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().detail);
  return result.value_or("");
}

std::string header_of(const std::string& message) {
  return message.substr(0, message.find("\r\n\r\n") + 2);
}

std::string unfolded(std::string text) {
  for (std::size_t at; (at = text.find("\r\n ")) != std::string::npos;) text.erase(at, 2);
  return text;
}

std::vector<std::string> values_of(const std::string& message, const std::string& name) {
  std::vector<std::string> values;
  const std::string header = "\r\n" + unfolded(header_of(message));
  for (std::size_t at = 0; (at = header.find("\r\n" + name + ": ", at)) != std::string::npos;) {
    at += name.size() + 4;
    values.push_back(header.substr(at, header.find("\r\n", at) - at));
  }
  return values;
}

TEST(ReportMail, is_the_message_of_section_5_3) {
  const std::string expected =
      "From: tlsrpt@sender.example\r\n"
      "To: reports@policy.example\r\n"
      "Date: Mon, 02 Mar 2026 01:00:00 +0000\r\n"
      "Message-ID: <tlsrpt.DIGEST@sender.example>\r\n"
      "Subject: Report Domain: policy.example Submitter: sender.example Report-ID:\r\n"
      " <20260301.policy.example.1@sender.example>\r\n"
      "TLS-Report-Domain: policy.example\r\n"
      "TLS-Report-Submitter: sender.example\r\n"
      "TLS-Required: No\r\n"
      "Auto-Submitted: auto-generated\r\n"
      "MIME-Version: 1.0\r\n"
      "Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n"
      " boundary=\"=_tlsrpt_DIGEST\"\r\n"
      "\r\n"
      "--=_tlsrpt_DIGEST\r\n"
      "Content-Type: text/plain; charset=utf-8\r\n"
      "Content-Transfer-Encoding: 7bit\r\n"
      "\r\n"
      "This is a report about TLS.\r\n"
      "Nobody has to answer.\r\n"
      "\r\n"
      "--=_tlsrpt_DIGEST\r\n"
      "Content-Type: application/tlsrpt+gzip;\r\n"
      " name=\"FILE\"\r\n"
      "Content-Disposition: attachment;\r\n"
      " filename=\"FILE\"\r\n"
      "Content-Transfer-Encoding: base64\r\n"
      "\r\n"
      "BASE64"
      "--=_tlsrpt_DIGEST--\r\n";
  const ReportMail mail = example();
  std::string base64 = base64_encode(mail.gzipped_report);
  ASSERT_LE(base64.size(), 76u);
  base64 += "\r\n";
  const std::string message = composed(mail);
  const std::string digest =
      std::regex_replace(message, std::regex("[^]*=_tlsrpt_([0-9a-f]{32})--\r\n"), "$1");
  std::string want = std::regex_replace(expected, std::regex("DIGEST"), digest);
  want = std::regex_replace(want, std::regex("FILE"), report_filename(mail));
  want = std::regex_replace(want, std::regex("BASE64"), base64);
  EXPECT_EQ(message, want);
}

TEST(ReportMail, has_the_same_bytes_at_each_try) {  // R147
  EXPECT_EQ(composed(example()), composed(example()));
}

TEST(ReportMail, has_another_message_id_for_another_report_or_destination) {
  ReportMail other_report = example();
  other_report.report_id = "20260302.policy.example.1@sender.example";
  ReportMail other_destination = example();
  other_destination.to = "second@policy.example";
  const auto id = values_of(composed(example()), "Message-ID");
  ASSERT_EQ(id.size(), 1u);
  EXPECT_NE(values_of(composed(other_report), "Message-ID"), id);
  EXPECT_NE(values_of(composed(other_destination), "Message-ID"), id);
}

TEST(ReportMail, brings_domains_into_their_normal_spelling) {  // R121, R128
  ReportMail mail = example();
  mail.report_domain = "B\u00fccher.Example.";
  mail.submitter = "Sender.EXAMPLE";
  const std::string message = composed(mail);
  EXPECT_EQ(values_of(message, "TLS-Report-Domain"),
            std::vector<std::string>{"xn--bcher-kva.example"});
  EXPECT_EQ(values_of(message, "TLS-Report-Submitter"), std::vector<std::string>{"sender.example"});
  EXPECT_TRUE(
      report_filename(mail).starts_with("sender.example!xn--bcher-kva.example!1772323200!"));
}

TEST(ReportMail, has_a_file_name_as_the_grammar_wants_it) {  // R127-R131
  const std::regex grammar(R"([a-z0-9.-]+![a-z0-9.-]+![0-9]+![0-9]+![A-Za-z0-9]+\.json\.gz)");
  EXPECT_TRUE(std::regex_match(report_filename(example()), grammar)) << report_filename(example());
  ReportMail other = example();
  other.report_id = "20260301.policy.example.2@sender.example";
  EXPECT_NE(report_filename(other), report_filename(example()));
}

TEST(ReportMail, folds_a_long_subject_only_between_tokens) {  // R122, R123, R154
  const std::string label(60, 'a');
  ReportMail mail = example();
  mail.report_domain = label + "." + label + "." + label + "." + label + ".com";
  mail.submitter = mail.report_domain;
  mail.report_id = std::string(200, 'i') + "@sender.example";
  const std::string message = composed(mail);
  EXPECT_EQ(values_of(message, "Subject"),
            std::vector<std::string>{"Report Domain: " + mail.report_domain + " Submitter: " +
                                     mail.submitter + " Report-ID: <" + mail.report_id + ">"});
  std::size_t begin = 0;
  for (std::size_t end; (end = message.find("\r\n", begin)) != std::string::npos; begin = end + 2)
    EXPECT_LE(end - begin, 998u);
  EXPECT_EQ(begin, message.size()) << "ends with CRLF";
}

TEST(ReportMail, refuses_values_that_cannot_stand_in_a_header) {
  const struct {
    const char* what;
    std::string ReportMail::* member;
    std::string value;
  } cases[] = {
      {"header injection", &ReportMail::to, "a@b.example\r\nBcc: victim@x.example"},
      {"second address", &ReportMail::to, "a@b.example, c@d.example"},
      {"empty", &ReportMail::to, ""},
      {"no domain", &ReportMail::from, "tlsrpt@"},
      {"not ASCII", &ReportMail::from, "tlsr\u00e4pt@sender.example"},
      {"line break", &ReportMail::report_domain, "policy.example\r\nX: y"},
      {"empty", &ReportMail::report_domain, ""},
      {"blank", &ReportMail::submitter, "sender example"},
      {"quote", &ReportMail::submitter, "sender\".example"},
      {"no at sign", &ReportMail::report_id, "20260301"},
      {"colon", &ReportMail::report_id, "2026-03-01T00:00:00Z@sender.example"},
      {"two dots", &ReportMail::report_id, "a..b@sender.example"},
      {"two at signs", &ReportMail::report_id, "a@b@sender.example"},
      {"line break", &ReportMail::report_id, "a\n@sender.example"},
      {"too long", &ReportMail::report_id, std::string(300, 'a') + "@sender.example"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(std::string(test.what) + ": " + test.value);
    ReportMail mail = example();
    mail.*test.member = test.value;
    const auto result = compose_report_mail(mail);
    ASSERT_FALSE(result.has_value());
    EXPECT_FALSE(result.error().detail.empty());
  }
}

TEST(ReportMail, encodes_text_that_would_not_survive_transport) {
  const struct {
    const char* what;
    std::string text;
    std::string body;
  } cases[] = {
      {"not ASCII", "Gr\u00fc\u00dfe\n", "Gr=C3=BC=C3=9Fe\r\n"},
      {"blank at the end", "a \nb\n", "a=20\r\nb\r\n"},
      {"From at the start", "From here\n", "=46rom here\r\n"},
      {"dot at the start", ".\n", "=2E\r\n"},
      {"carriage return", "a\rb\n", "a=0Db\r\n"},
      {"our boundary", "--=_tlsrpt_x\n", "--=3D_tlsrpt_x\r\n"},
      {"long line", std::string(80, 'x') + "\n",
       std::string(75, 'x') + "=\r\n" + std::string(5, 'x') + "\r\n"},
      {"76 characters are no long line", std::string(76, 'x') + "\n\u00e4",
       std::string(76, 'x') + "\r\n=C3=A4\r\n"},
      {"empty line", "\u00e4\n\nb", "=C3=A4\r\n\r\nb\r\n"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.what);
    ReportMail mail = example();
    mail.text = test.text;
    const std::string message = composed(mail);
    EXPECT_NE(message.find("Content-Transfer-Encoding: quoted-printable\r\n\r\n" + test.body +
                           "\r\n--=_tlsrpt_"),
              std::string::npos)
        << message;
  }
}

TEST(ReportMail, wraps_base64_at_76_characters) {  // R117
  ReportMail mail = example();
  mail.gzipped_report.clear();
  for (int i = 0; i < 5000; ++i) mail.gzipped_report += static_cast<char>(i * 7919 >> 3);
  const std::string message = composed(mail);
  const std::size_t begin = message.find("base64\r\n\r\n") + 10;
  const std::string body = message.substr(begin, message.find("--=_", begin) - begin);
  std::string joined;
  for (std::size_t at = 0; at < body.size();) {
    const std::size_t end = body.find("\r\n", at);
    ASSERT_NE(end, std::string::npos);
    EXPECT_LE(end - at, 76u);
    joined += body.substr(at, end - at);
    at = end + 2;
  }
  EXPECT_EQ(joined, base64_encode(mail.gzipped_report));
}

TEST(ReportMail, signs_what_stands_in_its_header) {  // R186-R189
  const std::vector<std::string> names = report_mail_signed_headers();
  const std::string message = composed(example());
  for (const std::string& name : names) EXPECT_EQ(values_of(message, name).size(), 1u) << name;
  for (const char* name : {"From", "TLS-Report-Domain", "TLS-Report-Submitter"})
    EXPECT_EQ(std::count(names.begin(), names.end(), name), 2) << name;
  for (const char* name : {"To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type",
                           "TLS-Required", "Auto-Submitted"})
    EXPECT_EQ(std::count(names.begin(), names.end(), name), 1) << name;
}

TEST(ReportMail, is_protected_by_its_signature_against_added_headers) {  // R187, R189
  ReportMail mail = example();
  mail.from = "reports@example.com";
  const DkimKey key = dkim_test::load_key("ed25519");
  SignSettings settings = dkim_test::sign_settings();
  settings.signed_headers = report_mail_signed_headers();
  const std::string message = dkim_test::signed_message(composed(mail), key, settings);
  FakeDns dns;
  dns.add_txt(std::string(dkim_test::kKeyName), dkim_test::key_record(key));
  const auto status = [&dns](const std::string& text) {
    return dkim_verify(text, dns, dkim_test::verify_settings()).status;
  };
  EXPECT_EQ(status(message), DkimStatus::pass);
  for (const std::string& name : report_mail_signed_headers()) {
    const bool over_signed = name == "From" || name.starts_with("TLS-Report-");
    if (!over_signed) continue;
    EXPECT_EQ(status(name + ": other.example\r\n" + message), DkimStatus::fail) << name;
  }
}

}  // namespace
}  // namespace tlsrpt
