// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What makes two reports, or two refused mails, the same one.

#include <string>
#include <string_view>

#include "milter/received_store.hpp"

namespace tlsrpt::milter {

/// SHA-256 over submitter, organization-name, report-id, date range and the set of policy domains
/// (R225). The report-id alone is unique for one reporter only, and parts of one day have ids of
/// their own. A report without an id is told by its text.
Result<std::string> report_identity(const ReceivedReport& received);

/// The same without the submitter, and shorter: what a report has in common with its copy that came
/// by another way, where its sender goes by another name or by none (R227).
Result<std::string> report_likeness(const Report& report, std::string_view json);

/// SHA-256 over the reason and the bytes; of a mail whose bytes are not there, over its facts.
Result<std::string> refusal_fingerprint(const RefusedInput& refused);

/// Failures were counted or described (DESIGN: a failing report is never missing from a summary).
bool is_failing(const PolicyResult& policy);
bool is_failing(const Report& report);

}  // namespace tlsrpt::milter
