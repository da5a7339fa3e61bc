// SPDX-License-Identifier: BSD-2-Clause
#include "sender/destination_rules.hpp"

#include <gtest/gtest.h>

#include "sender/destination_text.hpp"
#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::sender {
namespace {

DestinationRules rules(std::string_view text) {
  auto read = DestinationRules::parse(text, "rules");
  for (const ConfigProblem& problem : read.problems) ADD_FAILURE() << problem.to_string();
  return std::move(read.rules);
}

std::vector<std::string> problems(std::string_view text, const RuleLimits& limits = {}) {
  std::vector<std::string> lines;
  for (const auto& problem : DestinationRules::parse(text, "rules", limits).problems) {
    lines.push_back(problem.to_string());
  }
  return lines;
}

/// The routes of a domain with these destinations in its record: "URI why", "-URI why" if excluded.
std::vector<std::string> routes(const DestinationRules& rules, std::string_view domain,
                                const std::vector<std::string>& record) {
  std::vector<Rua> list;
  for (const std::string& uri : record) list.push_back(parse_destination(uri).value());
  std::vector<std::string> shown;
  for (const Route& route : find_routes(rules, domain, list)) {
    shown.push_back((route.excluded ? "-" : "") + route.rua.uri + " " + route.why);
  }
  return shown;
}

using Lines = std::vector<std::string>;

TEST(DestinationRules, without_rules_the_record_decides) {
  EXPECT_EQ(routes({}, "a.example", {"t@a.example", "https://a.example/r", "t@A.EXAMPLE"}),
            (Lines{"mailto:t@a.example record", "https://a.example/r record"}));
}

TEST(DestinationRules, the_first_line_about_a_domain_decides) {
  const auto file = rules(
      "# comment\n"
      "domain good.bad.example keep\n"
      "DOMAIN *.bad.example. Never   # with a reason\n"
      "\tdomain\t*.example replace me@own.example https://own.example/r#x\r\n");
  EXPECT_EQ(routes(file, "good.bad.example", {"t@x.example"}),
            (Lines{"mailto:t@x.example record"}));
  EXPECT_EQ(routes(file, "x.bad.example", {"t@x.example"}),
            (Lines{"-mailto:t@x.example rules:3: domain *.bad.example never"}));
  EXPECT_EQ(routes(file, "a.example", {"t@x.example"}),
            (Lines{"mailto:me@own.example rules:4: domain *.example replace",
                   "https://own.example/r#x rules:4: domain *.example replace"}));
  EXPECT_EQ(routes(file, "a.example", {}).size(), 2u) << "the record does not matter";
  EXPECT_EQ(file.for_domain("example.org"), nullptr);
}

TEST(DestinationRules, an_exact_name_and_a_pattern_are_judged_by_their_lines) {
  const auto file = rules(
      "domain *.example keep\n"
      "domain a.example never\n"
      "domain b.test never\n"
      "domain * keep\n");
  EXPECT_EQ(file.for_domain("a.example")->line, 1);
  EXPECT_EQ(file.for_domain("b.test")->line, 3);
  EXPECT_EQ(file.for_domain("c.test")->line, 4);
}

TEST(DestinationRules, a_destination_is_known_by_address_or_uri_in_any_spelling) {
  const auto file = rules(
      "rua Abuse@Dead.EXAMPLE never\n"
      "rua mailto:*@gone.example never\n"
      "rua https://*.big.example/* never\n"
      "rua https://Exact.example/R never\n");
  for (const char* uri :
       {"abuse@dead.example", "mailto:%61buse@dead.example", "ABUSE@dead.example", "x@gone.example",
        "https://a.BIG.example/v1?x=y", "https://exact.example/r"}) {
    EXPECT_NE(file.for_rua(parse_destination(uri).value()), nullptr) << uri;
  }
  for (const char* uri :
       {"abuse@dead.example.org", "x@agone.example.org", "https://big.example/v1"}) {
    EXPECT_EQ(file.for_rua(parse_destination(uri).value()), nullptr) << uri;
  }
}

TEST(DestinationRules, lines_about_destinations_change_the_record_only) {
  const auto file = rules(
      "rua ok@x.example keep\n"
      "rua *@x.example replace new@y.example\n"
      "rua * never\n"
      "domain own.example replace z@z.example\n");
  EXPECT_EQ(
      routes(file, "a.example", {"ok@x.example", "b@x.example", "c@x.example", "q@y.example"}),
      (Lines{"mailto:ok@x.example record", "mailto:new@y.example rules:2: rua *@x.example replace",
             "-mailto:q@y.example rules:3: rua * never"}));
  EXPECT_EQ(routes(file, "own.example", {"q@y.example"}),
            (Lines{"mailto:z@z.example rules:4: domain own.example replace"}));
}

TEST(DestinationRules, copies_are_added_by_all_lines_that_fit_if_there_is_a_report) {
  const auto file = rules(
      "domain * copy archive@own.example\n"
      "domain a.example copy extra@own.example archive@own.example\n"
      "domain no.example never\n"
      "rua dead@* never\n");
  EXPECT_EQ(routes(file, "a.example", {"t@a.example"}),
            (Lines{"mailto:t@a.example record", "mailto:archive@own.example rules:1: domain * copy",
                   "mailto:extra@own.example rules:2: domain a.example copy"}));
  EXPECT_EQ(routes(file, "a.example", {}), Lines{});
  EXPECT_EQ(routes(file, "a.example", {"dead@a.example"}),
            (Lines{"-mailto:dead@a.example rules:4: rua dead@* never"}));
  EXPECT_EQ(routes(file, "no.example", {"t@a.example"}).size(), 1u);
}

TEST(DestinationRules, a_copy_to_a_forbidden_destination_of_the_record_is_served) {
  const auto file = rules(
      "rua t@a.example never\n"
      "domain a.example copy t@a.example\n");
  EXPECT_EQ(
      routes(file, "a.example", {"t@a.example", "u@a.example"}),
      (Lines{"mailto:t@a.example rules:2: domain a.example copy", "mailto:u@a.example record"}));
}

TEST(DestinationRules, international_names_are_compared_as_a_labels) {
  const auto file = rules(
      "domain *.Bücher.example never\n"
      "rua *@bücher.example never\n");
  EXPECT_NE(file.for_domain("x.xn--bcher-kva.example"), nullptr);
  EXPECT_NE(file.for_rua(parse_destination("t@bücher.example").value()), nullptr);
}

TEST(DestinationRules, every_problem_is_told_with_its_line_and_what_to_do) {
  EXPECT_EQ(
      problems("domain a.example never\n"
               "host x never\n"
               "domain\n"
               "rua x@y.example\n"
               "domain x drop\n"
               "domain a@b.example never\n"
               "domain .b.example never\n"
               "domain b..*.example never\n"
               "domain b\xc3\xbc*.example never\n"
               "rua x@y.example copy a@b.example\n"
               "rua nowhere never\n"
               "rua b\xc3\xbc*@x.example never\n"
               "domain a.example replace\n"
               "domain a.example never ever\n"
               "domain a.example replace ftp://x.example a@b@c a@b.example\n"),
      (Lines{
          "rules:2: \"host\" is neither domain nor rua",
          "rules:3: domain needs a pattern, and keep, never, replace or copy behind it",
          "rules:4: rua needs a pattern, and keep, never, replace or copy behind it",
          "rules:5: domain needs a pattern, and keep, never, replace or copy behind it",
          "rules:6: \"a@b.example\" is an address; a line about addresses begins with rua",
          "rules:7: \".b.example\" fits no domain; write *.b.example for those below it",
          "rules:8: \"b..*.example\" fits no domain",
          "rules:9: \"b\xc3\xbc*\": beside '*' write the label as DNS has it (xn--...)",
          "rules:10: copy is for domains; write: domain PATTERN copy URI",
          "rules:11: \"nowhere\" is no destination; write an address, or a mailto: or https: "
          "URI",
          "rules:12: \"b\xc3\xbc*@x.example\" fits no destination: it has characters that no "
          "address or URI has",
          "rules:13: replace needs at least one destination",
          "rules:14: \"ever\" is too much: nothing follows never; a comment begins with #",
          "rules:15: \"ftp://x.example\" is no destination; write an "
          "address, or a mailto: or https: URI",
          "rules:15: \"a@b@c\" is no destination; write an address, or a mailto: or https: URI",
      }));
}

TEST(DestinationRules, what_a_problem_quotes_cannot_harm_a_terminal) {
  EXPECT_EQ(problems("\x1b[2Jhost x never\n"),
            Lines{"rules:1: \"\\x1b[2Jhost\" is neither domain nor rua"});
}

TEST(DestinationRules, a_file_has_bounds) {
  EXPECT_EQ(problems("domain a never\ndomain b never\ndomain c never\n?\n", {.max_rules = 2}),
            Lines{"rules:3: more than 2 rules"});
  EXPECT_EQ(problems("domain *a never\ndomain c never\ndomain *b never\n", {.max_globs = 1}),
            Lines{"rules:3: more than 1 patterns with '*'; each costs time for each report"});
  EXPECT_EQ(problems("domain a never # long\ndomain b never\n", {.max_line = 20}),
            Lines{"rules:1: the line has more than 20 bytes"});
  EXPECT_EQ(problems("domain a copy a@x b@x c@x\n", {.max_uris = 2}).size(), 1u);
  EXPECT_EQ(problems("?\n?\n?\n?\n", {.max_problems = 2}).back(),
            "rules:3: too many problems; the rest of the file was not read");
}

TEST(DestinationRules, a_file_that_cannot_be_read_is_a_problem) {
  const TempDir folder;
  const auto read = DestinationRules::read(folder.path() + "/none");
  ASSERT_EQ(read.problems.size(), 1u);
  EXPECT_NE(read.problems[0].to_string().find("No such file"), std::string::npos);
}

TEST(DestinationText, an_address_becomes_a_uri) {
  const auto uri = [](std::string_view text) { return parse_destination(text).value().uri; };
  EXPECT_EQ(uri(" a+b@Example.ORG "), "mailto:a%2Bb@example.org");
  EXPECT_EQ(uri("\"r,s\"@x.example"), "mailto:%22r%2Cs%22@x.example");
  EXPECT_EQ(parse_destination("\"r,s\"@x.example").value().address, "\"r,s\"@x.example");
  EXPECT_EQ(uri("MAILTO:a@b.example"), "MAILTO:a@b.example");
  EXPECT_EQ(uri("https://b.example/"), "https://b.example/");
  for (const char* text : {"", "@", "x@", "@x.example", "a b@x.example", "a@b@x.example",
                           "b.example", "http://b.example/"}) {
    EXPECT_FALSE(parse_destination(text)) << text;
  }
}

}  // namespace
}  // namespace tlsrpt::sender
