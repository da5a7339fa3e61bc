// SPDX-License-Identifier: BSD-2-Clause
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "common/report_verdict.hpp"
#include "milter/summary_counters.hpp"

namespace tlsrpt::milter {
namespace {

std::string source_file(const std::string& name) {
  std::ifstream file(std::string(TEST_SOURCE_DIR) + "/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The words that stand as ".It Li WORD" in one subsection of opentlsrpt-reports(1).
std::set<std::string> words_of_page(const std::string& subsection) {
  std::ifstream page(std::string(TEST_DATA_DIR) + "/../../man/opentlsrpt-reports.1");
  std::set<std::string> words;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with(".S")) inside = line == ".Ss " + subsection;
    constexpr std::string_view kItem = ".It Li ";
    if (inside && line.starts_with(kItem)) words.insert(line.substr(kItem.size()));
  }
  return words;
}

TEST(ReportsPage, lists_every_flag_and_no_other) {
  std::set<std::string> flags;
  for (const Flag flag : all_flags()) flags.emplace(to_word(flag));
  EXPECT_EQ(words_of_page("Flags"), flags);
}

TEST(ReportsPage, lists_every_reason_for_a_refusal_and_no_other) {
  std::set<std::string> refusals;
  for (const Refusal refusal : all_refusals()) refusals.emplace(to_word(refusal));
  EXPECT_EQ(words_of_page("Refusals"), refusals);
}

TEST(ReportsPage, lists_every_counter_that_summary_shows) {
  const std::string text = source_file("man/opentlsrpt-reports.1");
  const std::size_t begin = text.find(".Ss What is only counted");
  ASSERT_NE(begin, std::string::npos);
  const std::string section = text.substr(begin, text.find(".Ss ", begin + 1) - begin);
  for (const LossCounter& loss : loss_counters()) {
    EXPECT_NE(section.find(" " + std::string(loss.name) + "\n"), std::string::npos) << loss.name;
  }
}

/// The words of the comment at SignatureVerdict::reason.
std::set<std::string> dkim_reasons() {
  const std::string header = source_file("common/dkim.hpp");
  const std::size_t begin = header.find("///   none: no-signature");
  std::istringstream lines(header.substr(begin, header.find("std::string reason;") - begin));
  std::set<std::string> reasons;
  for (std::string word; lines >> word;) {
    if (word != "///" && !word.ends_with(':')) reasons.insert(word);
  }
  return reasons;
}

TEST(MilterPage, explains_every_reason_of_a_dkim_result) {
  const std::string page = source_file("man/opentlsrpt-milter.8");
  const std::size_t begin = page.find(".Ss DKIM results and reasons");
  ASSERT_NE(begin, std::string::npos);
  const std::string section = page.substr(begin, page.find(".Sh ", begin) - begin);
  const auto reasons = dkim_reasons();
  EXPECT_GT(reasons.size(), 20u);
  for (const std::string& reason : reasons) {
    EXPECT_TRUE(section.find(" " + reason + "\n") != std::string::npos ||
                section.find(" " + reason + " ") != std::string::npos)
        << reason;
  }
}

TEST(MilterPage, has_the_reasons_that_the_verifier_gives) {
  auto reasons = dkim_reasons();
  for (const char* status : {"pass", "none", "fail", "policy", "permerror", "temperror"}) {
    reasons.insert(status);
  }
  for (const char* file : {"common/dkim_verifier.cpp", "common/dkim_signature.cpp"}) {
    const std::string code = source_file(file);
    const std::regex given(R"re((?:DkimStatus::[a-z]+, |return |"" : |reason = )"([a-z-]+)")re");
    for (auto found = std::sregex_iterator(code.begin(), code.end(), given);
         found != std::sregex_iterator(); ++found) {
      EXPECT_TRUE(reasons.contains((*found)[1])) << (*found)[1];
    }
  }
}

}  // namespace
}  // namespace tlsrpt::milter
