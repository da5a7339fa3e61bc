// SPDX-License-Identifier: BSD-2-Clause

// The policy and the TXT record of a stranger's domain: they decide where mail may go, are kept,
// and stand in reports.

#include <algorithm>

#include "common/utf8.hpp"
#include "sender/sts_policy.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace tlsrpt;
using namespace tlsrpt::sender;

constexpr StsLimits kLimits{.max_bytes = 1024, .max_lines = 16, .max_mx = 4};

void check_policy(const StsPolicy& policy, std::string_view text) {
  fuzz::require(text.size() <= kLimits.max_bytes, "a policy over the limit is refused");
  fuzz::require(policy.lines.size() <= kLimits.max_lines && policy.mx.size() <= kLimits.max_mx,
                "lines and patterns stay within their limits");
  fuzz::require(policy.max_age >= std::chrono::seconds{0} && policy.max_age <= kMaxStsAge,
                "max_age is within its bounds");
  fuzz::require(policy.mode == StsMode::none || !policy.mx.empty(), "there is an MX to send to");
  for (const std::string& line : policy.lines) {
    fuzz::require(text.find(line) != std::string_view::npos, "lines are those that were served");
    fuzz::require(is_valid_utf8(line) && line.find_first_of("\r\n") == std::string::npos,
                  "a line is one, of UTF-8");
  }
  for (const std::string& mx : policy.mx) {
    const bool wildcard = mx.starts_with("*.");
    fuzz::require(mx.find('*', wildcard ? 1 : 0) == std::string::npos, "one left-most wildcard");
    fuzz::require(matches_mx(policy, wildcard ? "x" + mx.substr(1) : mx), "a pattern matches");
  }
  const auto again = parse_sts_policy(policy.lines);
  fuzz::require(again && *again == policy, "a policy reads back equal from its lines");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  const auto policy = read_sts_policy(text, kLimits);
  fuzz::require(policy || (policy.error().result_type == "sts-policy-invalid" &&
                           !policy.error().reason_code.empty()),
                "what is refused has a reason");
  if (policy) check_policy(*policy, text);
  const auto id = select_sts_id({std::string(text)});
  fuzz::require(!id || (!id->empty() && id->size() <= 32), "an id has 1 to 32 characters");
  return 0;
}
