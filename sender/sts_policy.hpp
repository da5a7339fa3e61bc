// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What a domain says about MTA-STS (RFC 8461): the TXT record that announces a policy, and the
// policy itself.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "common/error.hpp"
#include "common/report.hpp"
#include "sender/policy_problem.hpp"

namespace tlsrpt::sender {

enum class StsMode : std::uint8_t { enforce, testing, none };
std::string_view to_word(StsMode mode);

struct StsPolicy {
  StsMode mode = StsMode::none;
  std::chrono::seconds max_age{};  ///< at most kMaxStsAge
  std::vector<std::string> mx;     ///< patterns, normalised, in the policy's order
  /// The lines as they were served, without their ends and without empty ones: the policy-string
  /// of a report (R73).
  std::vector<std::string> lines;
  bool operator==(const StsPolicy&) const = default;
};

inline constexpr std::chrono::seconds kMaxStsAge{31557600};  ///< RFC 8461 section 3.2, R268

struct StsLimits {
  std::size_t max_bytes = 64u << 10;  ///< R265
  std::size_t max_lines = 1024;
  std::size_t max_mx = 256;
};

/// Reads the body of mta-sts.txt (RFC 8461 section 3.2). Unknown keys are passed over; of repeated
/// ones the first counts, but for mx (R267). A larger max_age is taken as kMaxStsAge. Lines that
/// are empty or blank are passed over, too; any other that is no "key: value" makes the policy
/// malformed. Errors: malformed or limit_exceeded, with a detail that names the line.
Result<StsPolicy> parse_sts_policy(std::string_view body, const StsLimits& limits = {});

/// The same for who has to report it: result type sts-policy-invalid (R283) and one of the reason
/// codes not-utf8, bad-line, bad-version, bad-mode, bad-max-age, bad-mx, missing-version,
/// missing-mode, missing-max-age, missing-mx, too-large.
tl::expected<StsPolicy, PolicyProblem> read_sts_policy(std::string_view body,
                                                       const StsLimits& limits = {});

/// Parses what was stored: the lines of a policy that was accepted before.
Result<StsPolicy> parse_sts_policy(const std::vector<std::string>& lines);

/// The id of the one MTA-STS record among all TXT records of the name (R258, R284). What does not
/// begin with "v=STSv1;" is none. not_found: there is none, or there are several; malformed: the
/// one there is does not follow the grammar.
Result<std::string> select_sts_id(const std::vector<std::string>& texts);

/// Is this MX host one of those that the policy names? (RFC 8461 section 4.1, R276) host:
/// normalised.
bool matches_mx(const StsPolicy& policy, std::string_view host);

/// As it stands in a report: policy_type sts, the lines, the patterns.
Policy report_policy(const StsPolicy& policy, std::string_view domain);

/// "_mta-sts.DOMAIN".
std::string sts_record_name(std::string_view domain);
/// "mta-sts.DOMAIN".
std::string sts_host(std::string_view domain);

}  // namespace tlsrpt::sender
