// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The left side of our Message-IDs: it leads from a bounce back to the delivery, and only the
// receiver of a report can know it, so that nobody else can make us believe that a report bounced.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/error.hpp"
#include "sender/ledger.hpp"

namespace tlsrpt::sender {

/// "tlsrpt.NUMBER.MAC": always the same for the same arguments. 'secret' is Ledger::secret().
Result<std::string> message_token(std::string_view secret, std::int64_t delivery,
                                  std::string_view report_id);

/// The delivery whose mail has this Message-ID (with or without angle brackets); nothing if it is
/// none of ours, or forgotten.
Result<std::optional<Delivery>> find_by_message_id(Ledger& ledger, std::string_view message_id);

}  // namespace tlsrpt::sender
