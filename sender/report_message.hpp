// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The mail that carries a kept report to one address, signed.

#include <string>
#include <vector>

#include "sender/ledger.hpp"
#include "sender/reporter_settings.hpp"

namespace tlsrpt::sender {

/// The complete message with one DKIM-Signature for each key; message_token: left side of its
/// Message-ID (sender/message_token.hpp), or empty for one that leads nowhere. The same report,
/// recipient, identity and keys give the same bytes (R147): nothing in it depends on when it is
/// made. Threads: any.
Result<std::string> make_report_message(const StoredReport& report, const std::string& recipient,
                                        const std::string& message_token,
                                        const ReporterIdentity& identity,
                                        const std::vector<SigningKey>& keys);

}  // namespace tlsrpt::sender
