// SPDX-License-Identifier: BSD-2-Clause
#include "common/report_verdict.hpp"

#include <gtest/gtest.h>

#include <set>

#include "common/result_type.hpp"

namespace tlsrpt {
namespace {

bool is_machine_word(std::string_view word) {
  return !word.empty() &&
         word.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

TEST(ReportVerdict, every_flag_and_refusal_has_a_word_of_its_own) {
  std::set<std::string_view> words;
  for (const Flag flag : all_flags()) {
    EXPECT_TRUE(is_machine_word(to_word(flag))) << to_word(flag);
    EXPECT_TRUE(words.insert(to_word(flag)).second) << to_word(flag);
  }
  for (const Refusal refusal : all_refusals()) {
    EXPECT_TRUE(is_machine_word(to_word(refusal))) << to_word(refusal);
    EXPECT_TRUE(words.insert(to_word(refusal)).second) << to_word(refusal);
  }
}

TEST(ReportVerdict, lists_go_from_the_first_to_the_last_word) {
  EXPECT_EQ(all_flags().front(), Flag::byte_order_mark);
  EXPECT_EQ(all_flags().back(), Flag::dkim_key_service_type);
  EXPECT_EQ(all_refusals().front(), Refusal::empty);
  EXPECT_EQ(all_refusals().back(), Refusal::reader_failed);
}

TEST(ReportVerdict, words_are_those_of_the_manual) {
  EXPECT_EQ(to_word(Flag::byte_order_mark), "byte-order-mark");
  EXPECT_EQ(to_word(Flag::invalid_utf8), "invalid-utf8");
  EXPECT_EQ(to_word(Flag::unknown_result_type), "unknown-result-type");
  EXPECT_EQ(to_word(Refusal::not_json), "not-json");
  EXPECT_EQ(to_word(Refusal::none), "");
}

TEST(ReportVerdict, flags_are_a_set_in_the_order_of_the_list) {
  Flags flags{Flag::invalid_ip, Flag::byte_order_mark, Flag::invalid_ip};
  EXPECT_EQ(flags.words(), (std::vector<std::string>{"byte-order-mark", "invalid-ip"}));
  flags.add(Flags{Flag::dkim_key_service_type});
  EXPECT_TRUE(flags.has(Flag::dkim_key_service_type));
  EXPECT_FALSE(flags.has(Flag::text_cut));
  EXPECT_EQ(Flags::from_bits(flags.bits()), flags);
  EXPECT_TRUE(Flags{}.words().empty());
}

TEST(ReportVerdict, a_set_has_room_for_every_flag) { EXPECT_LE(all_flags().size(), 64u); }

TEST(ResultType, registered_words_are_known_and_explained_in_one_line) {  // R89
  for (const std::string_view word : kResultTypes) {
    EXPECT_TRUE(is_registered_result_type(word)) << word;
    const std::string_view line = explain_result_type(word, "sts");
    EXPECT_GT(line.size(), 20u) << word;
    EXPECT_EQ(line.find('\n'), std::string_view::npos) << word;
    EXPECT_NE(line.back(), '.') << word;
  }
}

TEST(ResultType, strangers_words_are_not_explained) {  // R90, R69
  for (const char* word : {"", "Other", "foo-bar", "Tlsa-Invalid", "tlsa"}) {
    EXPECT_FALSE(is_registered_result_type(word)) << word;
    EXPECT_EQ(explain_result_type(word, "sts"), "") << word;
  }
}

TEST(ResultType, policy_types_are_the_three_of_the_rfc) {  // R68
  for (const char* word : {"tlsa", "sts", "no-policy-found"}) {
    EXPECT_TRUE(is_registered_policy_type(word)) << word;
  }
  for (const char* word : {"", "STS", "dane", "invalid-policy-type"}) {
    EXPECT_FALSE(is_registered_policy_type(word)) << word;
  }
}

}  // namespace
}  // namespace tlsrpt
