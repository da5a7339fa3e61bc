// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// From what was counted to what may stand in a report. The store keeps what MTAs say; RFC 8460
// section 4.4 is stricter, and is enforced here, so that a better rule also serves days that are
// counted already.

#include <vector>

#include "common/report.hpp"

namespace tlsrpt::sender {

/// Each policy and failure in the form of section 4.4, equal ones added up, sorted: the same counts
/// give the same list, in whatever order they were found.
///
/// Left out: policies of types that are not registered (R68), policy-string of no-policy-found,
/// mx-host of all but sts (R80), TLSA records and MX patterns that do not follow their grammar
/// (R73, R81), hosts that are no domain name (R95), addresses that are none (R91-R94),
/// additional-information that is no URI (R98), failures of no session (R97).
/// Changed: a result type that is not registered becomes validation-failure, with its word as
/// reason (R89); a HELO name becomes ASCII (R96), a reason code ASCII of at most 128 octets (R100);
/// certificate-not-trusted and validation-failure without a reason get "unspecified" (R99).
std::vector<PolicyResult> reportable_policies(const std::vector<PolicyResult>& counted);

}  // namespace tlsrpt::sender
