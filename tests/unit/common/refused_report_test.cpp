// SPDX-License-Identifier: BSD-2-Clause
// Mails whose labels do not speak of a report, and whose report cannot be accepted.
#include <gtest/gtest.h>

#include "common/gzip.hpp"
#include "tests/unit/common/report_mails.hpp"

namespace tlsrpt {
namespace {

const std::string kSubject =
    "Subject: Report Domain: policy.example Submitter: sender.example Report-ID: <1@x>\r\n";
const std::string kOtherSubject = "Subject: Invoice\r\n";

std::string mail(const std::string& subject, const std::string& attachment) {
  return "From: a@sender.example\r\n" + subject +
         "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n" +
         attachment + "--b--\r\n";
}

std::string octets(const std::string& bytes, const std::string& name = "") {
  return base64_part("application/octet-stream" + (name.empty() ? "" : "; name=\"" + name + '"'),
                     bytes);
}

std::string cut(const std::string& bytes) { return bytes.substr(0, bytes.size() / 2); }

bool claims(const std::string& message, const MessageLimits& limits = {}) {
  const OpenedMessage opened = open_message(message, limits);
  EXPECT_FALSE(opened.outcomes.front().accepted());
  return opened.facts.claims_report;
}

TEST(RefusedReport, is_known_by_the_name_of_its_file) {
  const std::string name = "s.example!d.example!1!2!u.json.gz";
  EXPECT_TRUE(claims(mail(kOtherSubject, octets(cut(gzip(report_json())), name))));
  EXPECT_TRUE(claims(mail(kOtherSubject, octets("\x1f\x8b", name))));
  EXPECT_TRUE(claims(mail(kOtherSubject, octets("", name))));
  EXPECT_FALSE(claims(mail(kOtherSubject, octets("\x1f\x8b", "s.example!d.example!1!2.xml.gz"))));
  EXPECT_FALSE(claims(mail(kOtherSubject, octets("\x1f\x8b", "photo.gz"))));
}

TEST(RefusedReport, is_known_by_what_can_be_read_of_it) {
  EXPECT_TRUE(claims(mail(kOtherSubject, octets(cut(report_json())))));
  EXPECT_TRUE(claims(mail(kOtherSubject, octets(cut(gzip(report_json()))))));
  MessageLimits limits;
  limits.gunzip.max_bytes = 200;
  EXPECT_TRUE(claims(mail(kOtherSubject, octets(gzip(report_json()))), limits));
  EXPECT_FALSE(
      claims(mail(kOtherSubject, octets(gzip("{\"a\":" + std::string(500, ' ')))), limits));
}

TEST(RefusedReport, is_known_by_the_subject_if_it_is_json_or_spoilt) {
  EXPECT_TRUE(claims(mail(kSubject, octets("{\"a\":1}"))));
  EXPECT_TRUE(claims(mail(kSubject, octets("\x1f\x8b", "report.gz"))));
  EXPECT_TRUE(claims(mail("Subject: REPORT DOMAIN: a Submitter: b\r\n", octets("\x1f\x8b"))));
  EXPECT_FALSE(claims(mail(kOtherSubject, octets("{\"a\":1}"))));
  EXPECT_FALSE(claims(mail(kOtherSubject, octets("\x1f\x8b", "report.gz"))));
}

TEST(RefusedReport, a_report_of_dmarc_is_none) {
  const std::string xml = "<?xml version=\"1.0\"?><feedback>" + std::string(300, 'x');
  EXPECT_FALSE(claims(mail(kSubject, octets(gzip(xml), "a!b!1!2.xml.gz"))));
  EXPECT_FALSE(claims(mail(kSubject, octets(gzip(xml)))));
  EXPECT_FALSE(claims(mail(kSubject, octets(cut(gzip(xml))))));
  EXPECT_FALSE(claims(mail(kSubject, octets("\x1f\x8b", "a!b!1!2.xml.gz"))));
  EXPECT_FALSE(claims(mail(kSubject, octets("PK\x03\x04", "a!b!1!2.zip"))));
  EXPECT_FALSE(claims(mail(kSubject, "Content-Type: text/html\r\n\r\n<p>\r\n")));
}

}  // namespace
}  // namespace tlsrpt
