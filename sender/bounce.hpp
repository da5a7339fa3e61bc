// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Mail that comes back: which message is it about, and what became of that?

#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "sender/delivery_status.hpp"

namespace tlsrpt::sender {

struct Bounce {
  /// Of the message that it is about, with its angle brackets: from what was returned of it, else
  /// from In-Reply-To, as Exchange has it. "" if neither tells.
  std::string message_id;
  std::vector<RecipientStatus> recipients;  ///< at least one
};

struct BounceLimits : DeliveryStatusLimits {
  std::size_t max_message_bytes = 32u << 20;  ///< what comes back may contain all of the report
  std::size_t max_header_bytes = 64u << 10;   ///< of one header section
  std::size_t max_parts = 100;
  std::size_t max_depth = 10;
  std::size_t max_status_bytes = 256u << 10;  ///< of the delivery status, decoded
};

/// Reads a delivery status notification (RFC 3464, RFC 6533), by the part that makes it one and
/// however that is encoded or nested; not one in a forwarded message. All of it is a stranger's
/// claim: anybody can send such a mail who knows the message id.
///
/// Error unsupported for other mail, such as a vacation notice, a person's answer, or qmail's
/// bounces, which are text for people; malformed if the notification speaks of no recipient;
/// limit_exceeded. Pure; the cost is linear in the size.
Result<Bounce> read_bounce(std::string_view message, const BounceLimits& limits = {});

}  // namespace tlsrpt::sender
