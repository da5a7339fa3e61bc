// SPDX-License-Identifier: BSD-2-Clause
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "common/report_verdict.hpp"
#include "milter/summary_counters.hpp"

namespace tlsrpt::milter {
namespace {

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
  std::ifstream page(std::string(TEST_DATA_DIR) + "/../../man/opentlsrpt-reports.1");
  const std::string text(std::istreambuf_iterator<char>(page), {});
  const std::size_t begin = text.find(".Ss What is only counted");
  ASSERT_NE(begin, std::string::npos);
  const std::string section = text.substr(begin, text.find(".Ss ", begin + 1) - begin);
  for (const LossCounter& loss : loss_counters()) {
    EXPECT_NE(section.find(" " + std::string(loss.name) + "\n"), std::string::npos) << loss.name;
  }
}

}  // namespace
}  // namespace tlsrpt::milter
