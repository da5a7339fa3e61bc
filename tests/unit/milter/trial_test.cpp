// SPDX-License-Identifier: BSD-2-Clause
#include "milter/trial.hpp"

#include <gtest/gtest.h>

#include "tests/unit/fake_dns.hpp"

namespace tlsrpt::milter {
namespace {

const std::string kReport =
    "From: tlsrpt@sender.example\r\nTLS-Report-Domain: example.org\r\n"
    "Content-Type: application/tlsrpt+json\r\n\r\n"
    R"({"organization-name":"x","report-id":"1","date-range":{)"
    R"("start-datetime":"2026-03-01T00:00:00Z","end-datetime":"2026-03-01T23:59:59Z"},)"
    R"("policies":[{"policy":{"policy-type":"sts","policy-domain":"example.org"},)"
    R"("summary":{"total-successful-session-count":1,"total-failure-session-count":0}}]})"
    "\r\n";
const std::string kOther = "From: a@b.example\r\nSubject: x\r\n\r\nhello\r\n";

class TrialTest : public testing::Test {
 protected:
  Trial run(std::string_view bytes, bool explain = false) {
    return try_mails("f", bytes, session_, intake_, opener_, dns_, clock_, explain);
  }
  static std::size_t lines(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }
  SessionSettings session_;
  IntakeSettings intake_;
  DirectMessageOpener opener_{MessageLimits{}};
  FakeDns dns_;
  SystemClock clock_;
};

TEST_F(TrialTest, says_what_the_mta_would_be_told) {
  session_.on_bad_report = Reply::reject;
  session_.on_default = Reply::quarantine;
  intake_.require_dkim = false;
  Trial trial = run(kReport);
  EXPECT_EQ(trial.reports, 1u);
  EXPECT_NE(trial.text.find("f: report-stored "), std::string::npos) << trial.text;
  EXPECT_NE(trial.text.find("f: answer reply=accept\n"), std::string::npos) << trial.text;

  intake_.require_dkim = true;
  trial = run(kReport);
  EXPECT_EQ(trial.reports, 0u);
  EXPECT_EQ(trial.others, 1u);
  EXPECT_NE(trial.text.find("f: report-refused "), std::string::npos) << trial.text;
  EXPECT_NE(trial.text.find("f: answer reply=reject code=550 enhanced=5.7.1 text="),
            std::string::npos)
      << trial.text;

  trial = run(kOther);
  EXPECT_EQ(trial.others, 1u);
  EXPECT_NE(trial.text.find("f: answer reply=quarantine text="), std::string::npos) << trial.text;
}

TEST_F(TrialTest, takes_every_mail_of_an_mbox) {
  intake_.require_dkim = false;
  std::string mbox;
  for (const std::string& mail : {kReport, kOther, kReport}) {
    mbox += "From a@b.example Sun Mar  1 00:00:00 2026\n" + mail + "\n";
  }
  const Trial trial = run(mbox);
  EXPECT_EQ(trial.reports, 2u) << trial.text;
  EXPECT_EQ(trial.others, 1u);
  for (const char* place : {"f:1: report-stored", "f:2: not-a-report", "f:3: report-stored"}) {
    EXPECT_NE(trial.text.find(place), std::string::npos) << trial.text;
  }
}

TEST_F(TrialTest, explains_only_if_asked_to) {
  EXPECT_EQ(lines(run(kReport).text), 2u);
  EXPECT_GT(lines(run(kReport, /*explain=*/true).text), 2u);
}

}  // namespace
}  // namespace tlsrpt::milter
