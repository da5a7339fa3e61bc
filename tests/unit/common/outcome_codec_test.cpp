// SPDX-License-Identifier: BSD-2-Clause
#include "common/outcome_codec.hpp"

#include <gtest/gtest.h>

#include <random>

namespace tlsrpt {
namespace {

OpenedMessage example() {
  OpenedMessage opened;
  opened.facts.from = "Reports <r@sender.example>";
  opened.facts.from_domain = "sender.example";
  opened.facts.claims_report = true;
  opened.facts.has_preamble = true;
  ReadOutcome accepted;
  accepted.flags = {Flag::gzip_trailing_data, Flag::dkim_key_service_type};
  accepted.json = std::string("{\0}", 3);
  accepted.report.organization_name = "Sender";
  accepted.report.date_range = {Seconds(std::chrono::seconds(1767225600)),
                                Seconds(std::chrono::seconds(1767311999))};
  PolicyResult result;
  result.policy = {"sts", {"version: STSv1", "mode: testing"}, "rcpt.example", {"*.rcpt.example"}};
  result.total_successful_session_count = kMaxCount;
  result.total_failure_session_count = 2;
  result.failure_details.push_back(
      {"certificate-expired", "192.0.2.1", "mx.rcpt.example", "", "192.0.2.2", 2, "", ""});
  accepted.report.policies.push_back(result);
  ReadOutcome refused;
  refused.refusal = Refusal::reader_failed;
  refused.detail = "why";
  refused.member = "a.zip!b.json";
  opened.outcomes = {accepted, refused};
  return opened;
}

TEST(OutcomeCodec, what_goes_in_comes_out) {
  const OpenedMessage opened = example();
  const auto decoded = decode_opened(encode_opened(opened));
  ASSERT_TRUE(decoded) << decoded.error().detail;
  EXPECT_EQ(decoded->facts.from, opened.facts.from);
  EXPECT_EQ(decoded->facts.from_domain, opened.facts.from_domain);
  EXPECT_TRUE(decoded->facts.claims_report);
  EXPECT_TRUE(decoded->facts.has_preamble);
  ASSERT_EQ(decoded->outcomes.size(), 2u);
  EXPECT_EQ(decoded->outcomes[0].report, opened.outcomes[0].report);
  EXPECT_EQ(decoded->outcomes[0].flags, opened.outcomes[0].flags);
  EXPECT_EQ(decoded->outcomes[0].json, opened.outcomes[0].json);
  EXPECT_EQ(decoded->outcomes[1].refusal, Refusal::reader_failed);
  EXPECT_EQ(decoded->outcomes[1].detail, "why");
  EXPECT_EQ(decoded->outcomes[1].member, "a.zip!b.json");
}

TEST(OutcomeCodec, a_cut_answer_is_refused_at_every_length) {
  const std::string bytes = encode_opened(example());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_opened(bytes.substr(0, size))) << size;
  }
  EXPECT_FALSE(decode_opened(bytes + "x"));
}

TEST(OutcomeCodec, forged_lengths_neither_crash_nor_allocate) {
  const std::string bytes = encode_opened(example());
  for (std::size_t at = 0; at + 8 <= bytes.size(); ++at) {
    std::string forged = bytes;
    forged.replace(at, 8, 8, '\xff');
    const auto decoded = decode_opened(forged);
    if (decoded) {
      EXPECT_LE(decoded->outcomes.size(), forged.size() / 8);
    }
  }
}

TEST(OutcomeCodec, random_changes_are_refused_or_read) {
  const std::string bytes = encode_opened(example());
  std::mt19937 random(8460);
  int read = 0;
  for (int round = 0; round < 5000; ++round) {
    std::string forged = bytes;
    forged[random() % forged.size()] = static_cast<char>(random());
    read += decode_opened(forged).has_value() ? 1 : 0;
  }
  EXPECT_GT(read, 0);
}

TEST(OutcomeCodec, unknown_refusals_and_flags_are_refused) {
  OpenedMessage opened;
  opened.outcomes.resize(1);
  opened.outcomes[0].refusal = static_cast<Refusal>(200);
  EXPECT_FALSE(decode_opened(encode_opened(opened)));
  opened.outcomes[0].refusal = Refusal::none;
  opened.outcomes[0].flags = Flags::from_bits(std::uint64_t{1} << 62);
  EXPECT_FALSE(decode_opened(encode_opened(opened)));
}

}  // namespace
}  // namespace tlsrpt
