// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What a report says beside what the header of its mail says.

#include "common/message.hpp"

namespace tlsrpt {

/// Flags what differs in domain or submitter. The report stands (R223).
void cross_check(ReadOutcome& outcome, const MailFacts& facts);

/// The header's word for what the report leaves out. Taken only if it is one word and a domain.
void fill_policy_domain(ReadOutcome& outcome, const MailFacts& facts);

}  // namespace tlsrpt
