// SPDX-License-Identifier: BSD-2-Clause
#include "milter/ndjson.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "received_samples.hpp"

namespace tlsrpt::milter {
namespace {

ReadOutcome accepted() {
  ReadOutcome outcome;
  outcome.report = received(1, "a.example", "r1", {policy_result("x.example", "sts", 5)}).report;
  outcome.flags = {Flag::date_format, Flag::byte_order_mark};
  return outcome;
}

Provenance signed_by(const std::string& domain, const std::string& selector) {
  Provenance from;
  from.dkim = DkimStatus::pass;
  from.dkim_domain = domain;
  from.dkim_selector = selector;
  return from;
}

TEST(Ndjson, an_accepted_report_is_one_line_without_a_reason) {
  const std::string line = outcome_line("a.json", accepted());
  EXPECT_EQ(line,
            R"({"input":"a.json","verdict":"accepted","flags":["byte-order-mark","date-format"],)"
            R"("report":{"organization-name":"a.example Ltd","date-range":)"
            R"({"start-datetime":"2026-03-01T00:00:00Z","end-datetime":"2026-03-01T23:59:59Z"},)"
            R"("contact-info":"tlsrpt@a.example","report-id":"r1","policies":[{"policy":)"
            R"({"policy-type":"sts","policy-domain":"x.example"},"summary":)"
            R"({"total-successful-session-count":5,"total-failure-session-count":0}}]}})"
            "\n");
}

TEST(Ndjson, a_refused_input_has_its_reason_and_no_report) {
  ReadOutcome outcome;
  outcome.refusal = Refusal::not_json;
  outcome.detail = "at \"byte\" 7\n";
  EXPECT_EQ(outcome_line("a.json", outcome),
            R"({"input":"a.json","verdict":"rejected","reason":"not-json",)"
            R"("detail":"at \"byte\" 7\n","flags":[]})"
            "\n");
}

TEST(Ndjson, import_says_what_became_of_a_report) {
  const auto line =
      outcome_line("a.eml", accepted(), ImportFacts{{7, true}, signed_by("a.example", "s1")});
  const auto object = nlohmann::json::parse(line);
  EXPECT_EQ(object["stored"], "duplicate");
  EXPECT_EQ(object["id"], 7);
  EXPECT_EQ(object["dkim"], "pass");
  EXPECT_EQ(object["dkim-domain"], "a.example");
  EXPECT_EQ(object["dkim-selector"], "s1");
  EXPECT_FALSE(object.contains("dkim-reason"));
  EXPECT_EQ(nlohmann::json::parse(outcome_line("a", accepted(), ImportFacts{}))["stored"], "new");
}

TEST(Ndjson, is_valid_json_whatever_the_name_and_the_detail_are) {
  ReadOutcome outcome;
  outcome.refusal = Refusal::empty;
  outcome.detail = std::string("\xff\x00\x1b\xe2\x80", 5);
  const auto object = nlohmann::json::parse(outcome_line("a\xff\xc3\xa4\n\"", outcome));
  EXPECT_EQ(object["input"], "a\\xff\xc3\xa4\n\"");
  EXPECT_EQ(object["reason"], "empty");
}

TEST(Ndjson, a_listed_report_shows_its_provenance) {
  const ReceivedReport report = received(1, "a.example", "r1", {});
  const auto object =
      nlohmann::json::parse(listed_line(ListedReport{3, report.provenance, report.report, {}}));
  EXPECT_EQ(object["id"], 3);
  EXPECT_EQ(object["dkim"], "pass");
  EXPECT_EQ(object["submitter"], "a.example");
  EXPECT_EQ(object["received"], "2026-03-02T07:00:00Z");
  EXPECT_FALSE(object.contains("queue-id"));
  EXPECT_EQ(object["report"]["report-id"], "r1");
}

TEST(Ndjson, a_listed_refusal_shows_its_reason) {
  ListedRefusal refusal;
  refusal.id = 4;
  refusal.refusal = Refusal::not_authentic;
  refusal.subject = "x\xff";
  refusal.times = 2;
  const auto object = nlohmann::json::parse(listed_line(refusal));
  EXPECT_EQ(object["reason"], "not-authentic");
  EXPECT_EQ(object["times"], 2);
}

TEST(Ndjson, tells_the_message_and_the_member_that_it_is_about) {
  ReadOutcome outcome;
  outcome.refusal = Refusal::empty;
  outcome.member = "in\"ner\xff.zip!a.json";
  EXPECT_EQ(outcome_line("box", outcome, std::nullopt, 12),
            R"({"input":"box","message":12,"member":"in\"ner\\xff.zip!a.json",)"
            R"("verdict":"rejected","reason":"empty","flags":[]})"
            "\n");
}

TEST(Ndjson, a_dry_run_does_not_say_stored) {
  const std::string fresh = outcome_line("a", accepted(), ImportFacts{{0, false}, {}, true});
  EXPECT_NE(fresh.find(R"("dry-run":"new","dkim":"none")"), std::string::npos) << fresh;
  const std::string known = outcome_line("a", accepted(), ImportFacts{{7, true}, {}, true});
  EXPECT_NE(known.find(R"("dry-run":"duplicate","id":7,)"), std::string::npos) << known;
  EXPECT_EQ(known.find("stored"), std::string::npos);
}

}  // namespace
}  // namespace tlsrpt::milter
