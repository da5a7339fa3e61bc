// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The header that AddHeader puts into report mails: what became of the report, in the words of
// Authentication-Results (RFC 8601 section 2.2).

#include <string>
#include <string_view>

#include "milter/intake.hpp"

namespace tlsrpt::milter {

inline constexpr std::string_view kResultsHeader = "TLSRPT-Results";

/// "mx.example.org; tlsrpt=stored policy.reports=1; dkim=pass header.d=sender.example
/// header.s=s1", on one line. 'host' is the authserv-id; whatever in it, or in what strangers have
/// chosen, is no plain word is left out.
std::string results_header(const IntakeResult& result, std::string_view host);

}  // namespace tlsrpt::milter
