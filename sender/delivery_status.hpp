// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What a mail server says about the recipients of a message: the text of a message/delivery-status
// (RFC 3464 section 2). Tolerant, since every server has habits of its own.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tlsrpt::sender {

enum class DeliveryAction : std::uint8_t {
  failed,     ///< for good
  delayed,    ///< the server goes on trying
  delivered,  ///< into the mailbox
  relayed,    ///< to where no notifications come from
  expanded,   ///< to several, as by a list
};

/// Texts are one line, and not escaped.
struct RecipientStatus {
  DeliveryAction action = DeliveryAction::failed;
  std::string status;              ///< "5.1.1" (RFC 3463); "5.0.0" and the like if none was given
  std::string final_recipient;     ///< without its type; may be ""
  std::string original_recipient;  ///< as the sender knew it; may be ""
  std::string diagnostic;          ///< "smtp; 550 5.1.1 no such user"; may be ""
  bool operator==(const RecipientStatus&) const = default;
};

struct DeliveryStatusLimits {
  std::size_t max_group_bytes = 16u << 10;  ///< of the fields about one recipient
  std::size_t max_recipients = 100;         ///< the others are left out
  std::size_t max_text = 512;               ///< octets of each text; the rest is cut off
};

/// The groups of fields that have an action or a status; those about the message are skipped. A
/// missing status is taken from the diagnostic or the action, a missing action from the status.
std::vector<RecipientStatus> read_delivery_status(std::string_view text,
                                                  const DeliveryStatusLimits& limits);

/// In one line, blanks and controls folded to one blank, and no longer than max_bytes.
std::string in_one_line(std::string_view text, std::size_t max_bytes);

}  // namespace tlsrpt::sender
