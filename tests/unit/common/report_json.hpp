// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Reports as JSON text, good but for the part that a test chooses.

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "common/report_reader.hpp"

namespace tlsrpt {

inline constexpr std::string_view kRange =
    R"("start-datetime":"2026-03-01T00:00:00Z","end-datetime":"2026-03-01T23:59:59Z")";
inline constexpr std::string_view kPolicyMembers =
    R"("policy-type":"sts","policy-domain":"example.com")";
inline constexpr std::string_view kTotals =
    R"("total-successful-session-count":7,"total-failure-session-count":2)";

inline std::string policy_result(std::string_view policy, std::string_view summary,
                                 std::string_view details = "") {
  std::string json =
      "{\"policy\":{" + std::string(policy) + "},\"summary\":{" + std::string(summary) + "}";
  if (!details.empty()) json += ",\"failure-details\":" + std::string(details);
  return json + "}";
}

inline std::string report(std::string_view policies, std::string_view range = kRange,
                          std::string_view id = "\"1\"") {
  return R"({"organization-name":"Sender","date-range":{)" + std::string(range) +
         R"(},"contact-info":"tls@sender.example","report-id":)" + std::string(id) +
         ",\"policies\":" + std::string(policies) + "}";
}

inline std::string with_policy(std::string_view members) {
  return report("[" + policy_result(members, kTotals) + "]");
}

inline std::string with_summary(std::string_view members) {
  return report("[" + policy_result(kPolicyMembers, members) + "]");
}

inline std::string with_details(std::string_view members) {
  return report("[" + policy_result(kPolicyMembers, kTotals, "[{" + std::string(members) + "}]") +
                "]");
}

inline const std::string kGood = report("[" +
                                        policy_result(kPolicyMembers, kTotals,
                                                      R"([{"result-type":"dane-required",)"
                                                      R"("failed-session-count":2}])") +
                                        "]");

inline ReadOutcome read_one(std::string_view json, const ReportLimits& limits = {}) {
  auto outcomes = read_reports(json, limits);
  EXPECT_EQ(outcomes.size(), 1u) << json.substr(0, 1000);
  return std::move(outcomes.front());
}

using Words = std::vector<std::string>;

inline Words refusals(std::string_view json, const ReportLimits& limits = {}) {
  Words words;
  for (const ReadOutcome& outcome : read_reports(json, limits)) {
    words.emplace_back(to_word(outcome.refusal));
  }
  return words;
}

}  // namespace tlsrpt
