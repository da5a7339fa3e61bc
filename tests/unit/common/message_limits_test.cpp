// SPDX-License-Identifier: BSD-2-Clause
// Bounds of what a mail or file may hold: at each of them all is well, one beyond is refused by the
// name of its setting.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/gzip.hpp"
#include "common/message.hpp"
#include "tests/unit/common/report_mails.hpp"
#include "tests/unit/common/zip_builder.hpp"

namespace tlsrpt {
namespace {

TEST(OpenMessage, bounds_what_all_parts_together_unpack) {  // R231
  MessageLimits limits;
  limits.gunzip.max_bytes = 100'000;
  std::vector<std::string> parts;
  for (int i = 0; i < 5; ++i) {
    const std::string json = report_json("r" + std::to_string(i)) + std::string(30'000, ' ');
    parts.push_back(base64_part("application/tlsrpt+gzip", gzip(json)));
  }
  EXPECT_EQ(opened(mail_of(parts), limits),
            "accepted r0; accepted r1; accepted r2; too-large; too-large");
  limits.gunzip.max_bytes = 1'000;
  const std::string twice = gzip(gzip(report_json() + std::string(800, ' ')));
  EXPECT_EQ(opened(mail_of({base64_part("application/tlsrpt+gzip", twice)}), limits), "too-large")
      << "both layers count";
}

TEST(OpenMessage, stays_cheap_for_bombs) {
  const std::string bomb = gzip(std::string(60u << 20, ' '), 9);
  std::vector<std::string> parts(20, base64_part("application/tlsrpt+gzip", bomb));
  parts.push_back(
      base64_part("application/zip", build_zip({{"a.json", std::string(40u << 20, ' ')}})));
  for (const ReadOutcome& outcome : open_message(mail_of(parts)).outcomes)
    EXPECT_TRUE(outcome.refusal == Refusal::gzip_ratio || outcome.refusal == Refusal::too_large);
}

std::string json_of_depth(std::size_t depth) {
  const std::string value = std::string(depth - 1, '[') + std::string(depth - 1, ']');
  return "{\"x\":" + value + "," + report_json().substr(1);
}

std::string with_members(std::size_t more) {
  std::string members;
  for (std::size_t i = 0; i < more; ++i) members += "\"x\":[1],";
  return "{" + members + report_json().substr(1);
}

std::string with_policies(std::size_t count) {
  std::string json = report_json();
  const std::size_t at = json.find("{\"policy\"");
  const std::string policy = json.substr(at, json.size() - at - 2);
  for (std::size_t i = 1; i < count; ++i) json.insert(at, policy + ",");
  return json;
}

/// A bound, an input that just reaches it, and where the bound is kept.
struct Bound {
  const char* setting;
  const char* refusal;
  std::string message;
  std::size_t needed;
  std::size_t& (*limit)(MessageLimits&);
};

std::vector<Bound> bounds() {
  const std::string type = "application/tlsrpt+gzip";
  const std::string json = report_json();
  const std::string gz = gzip(json);
  const std::string good = base64_part(type, gz);
  const std::string other = base64_part(type, gzip(report_json("r2")));
  const std::string text = part("X: y", "text");
  const std::string zip = build_zip({{"a.json", json}, {"readme", "x"}, {"news", "y"}});
  const std::string large = json + std::string(2u << 20, ' ');
  const std::string plain = "Content-Type: application/tlsrpt+json";
  const std::string header = "From: tls@sender.example\r\n" + plain + "\r\n\r\n";
  const std::size_t ratio = large.size() / (gzip(large).size() + 1) + 1;
  const std::string both = build_zip({{"a.json", json}, {"b.json", report_json("r2")}});
  return {
      {"MaximumMessageSize", "too-large", header + json, header.size() + json.size(),
       [](MessageLimits& l) -> std::size_t& { return l.max_message_bytes; }},
      {"MaximumHeaders", "message-headers-too-large", header + json, header.size(),
       [](MessageLimits& l) -> std::size_t& { return l.max_header_bytes; }},
      {"MaximumMIMEParts", "message-too-many-parts", mail_of({text, text, good}), 3,
       [](MessageLimits& l) -> std::size_t& { return l.max_parts; }},
      {"MaximumMIMEDepth", "message-too-deep",
       mail_of({part("Content-Type: message/rfc822", mail_of({good}))}), 3,
       [](MessageLimits& l) -> std::size_t& { return l.max_depth; }},
      {"MaximumCompressedSize", "too-large", mail_of({good}), gz.size(),
       [](MessageLimits& l) -> std::size_t& { return l.max_compressed_bytes; }},
      {"MaximumCompressedSize", "too-large", mail_of({base64_part("application/zip", zip)}),
       zip.size(), [](MessageLimits& l) -> std::size_t& { return l.max_compressed_bytes; }},
      {"MaximumPackings", "too-many-packings", mail_of({base64_part(type, gzip(gzip(gz)))}), 3,
       [](MessageLimits& l) -> std::size_t& { return l.max_packings; }},
      {"MaximumZipMembers", "zip-too-many-members", mail_of({base64_part("application/zip", zip)}),
       3, [](MessageLimits& l) -> std::size_t& { return l.max_zip_members; }},
      {"MaximumReportSize", "too-large", mail_of({good}), json.size(),
       [](MessageLimits& l) -> std::size_t& { return l.gunzip.max_bytes; }},
      {"MaximumReportSize", "too-large", header + json, json.size(),
       [](MessageLimits& l) -> std::size_t& { return l.report.max_bytes; }},
      {"MaximumCompressionRatio", "gzip-ratio", mail_of({base64_part(type, gzip(large))}), ratio,
       [](MessageLimits& l) -> std::size_t& { return l.gunzip.max_ratio; }},
      {"MaximumReports", "too-many-reports", mail_of({good, other}), 2,
       [](MessageLimits& l) -> std::size_t& { return l.report.max_reports; }},
      {"MaximumReports", "too-many-reports", mail_of({base64_part("application/zip", both)}), 2,
       [](MessageLimits& l) -> std::size_t& { return l.report.max_reports; }},
      {"MaximumReports", "too-many-reports", header + json + report_json("r2"), 2,
       [](MessageLimits& l) -> std::size_t& { return l.report.max_reports; }},
      {"MaximumJSONDepth", "json-too-deep", header + json_of_depth(20), 20,
       [](MessageLimits& l) -> std::size_t& { return l.report.max_depth; }},
      // The report itself has 14; each "x":[1] is a member and an element.
      {"MaximumJSONMembers", "json-too-many-members", header + with_members(50), 14 + 2 * 50,
       [](MessageLimits& l) -> std::size_t& { return l.report.max_members; }},
      {"MaximumPolicies", "too-many-policies", header + with_policies(5), 5,
       [](MessageLimits& l) -> std::size_t& { return l.report.max_policies; }},
  };
}

TEST(OpenMessage, keeps_what_just_reaches_a_bound_and_refuses_one_more_by_its_name) {  // R108
  for (const Bound& bound : bounds()) {
    SCOPED_TRACE(bound.setting);
    MessageLimits limits;
    limits.max_packings = 10;
    limits.gunzip.ratio_floor = 2u << 20;  // not looked at before the end
    bound.limit(limits) = bound.needed;
    const auto at = open_message(bound.message, limits).outcomes;
    for (const ReadOutcome& outcome : at) EXPECT_TRUE(outcome.accepted()) << outcome.detail;
    bound.limit(limits) = bound.needed - 1;
    const auto beyond = open_message(bound.message, limits).outcomes;
    ASSERT_FALSE(beyond.empty());
    EXPECT_EQ(to_word(beyond.back().refusal), bound.refusal);
    EXPECT_NE(beyond.back().detail.find(bound.setting), std::string::npos) << beyond.back().detail;
    EXPECT_NE(beyond.back().detail.find(std::to_string(bound.needed - 1)), std::string::npos)
        << beyond.back().detail;
  }
}

TEST(OpenMessage, says_only_once_that_there_are_too_many_reports) {
  MessageLimits limits;
  limits.report.max_reports = 2;
  std::vector<std::string> parts;
  for (int i = 0; i < 9; ++i)
    parts.push_back(base64_part("application/json", report_json("r" + std::to_string(i))));
  EXPECT_EQ(opened(mail_of(parts), limits), "accepted r0; accepted r1; too-many-reports");
}

TEST(OpenMessage, bounds_encoded_messages_inside_of_each_other) {
  std::string message = single("Content-Type: application/tlsrpt+json", report_json());
  for (int i = 0; i < 9; ++i) message = base64_part("message/rfc822", message);
  EXPECT_EQ(opened(message), "accepted r1 forwarded-message");
  for (int i = 0; i < 5; ++i) message = base64_part("message/rfc822", message);
  EXPECT_EQ(opened(message), "message-too-deep");
}

}  // namespace
}  // namespace tlsrpt
