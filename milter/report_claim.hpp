// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Does a header field say that its message is a TLS report? (ReportAddress *)

#include <string_view>

namespace tlsrpt::milter {

/// True for a TLS-Report-* field and for a Content-Type that names a report: the rule of
/// MailFacts::claims_report, as far as the outermost header goes. The value may be folded.
bool claims_report(std::string_view name, std::string_view value);

}  // namespace tlsrpt::milter
