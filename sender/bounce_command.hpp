// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// 'opentlsrpt-reporter bounce': a mail that came back to EnvelopeSender, from the MTA's pipe.

#include <cstdint>
#include <string_view>

#include "common/log.hpp"
#include "sender/ledger.hpp"
#include "sender/reporter_settings.hpp"
#include "sender/suppression.hpp"

namespace tlsrpt::sender {

enum class BounceVerdict : std::uint8_t {
  counted,    ///< the delivery is 'bounced' now, and its destination has one more
  repeated,   ///< about a delivery that is not 'delivered' (any more)
  ignored,    ///< nothing has failed: a delay, a vacation notice
  unmatched,  ///< about none of our mails, or about one that is forgotten
};

/// What a bounce is weighed against. All on one connection.
struct BounceBooks {
  Sqlite& database;
  Ledger& ledger;
  Suppressions& suppressions;
};

/// Marks the delivery that the mail is about and counts the bounce, both or neither; the same mail
/// again changes nothing. Each verdict leaves a line in the log. Errors are those of the database.
Result<BounceVerdict> take_bounce(std::string_view mail, const BounceBooks& books,
                                  const SuppressionSettings& settings, Seconds now, Log& log);

}  // namespace tlsrpt::sender
