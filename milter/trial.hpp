// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// -t: what would become of the mails in a file, and what would the MTA be told? Nothing is stored.

#include <string>
#include <string_view>

#include "milter/intake.hpp"
#include "milter/session.hpp"

namespace tlsrpt::milter {

struct Trial {
  std::string text;               ///< lines for a terminal
  std::size_t reports = 0;        ///< mails that would be stored
  std::size_t others = 0;         ///< mails that would not, for good
  std::size_t to_come_again = 0;  ///< mails that could not be judged now
};

/// name: of the file, before each line. bytes: one mail or an mbox. explain: as LogWhy.
/// The mails count as sent to a report address alone.
Trial try_mails(const std::string& name, std::string_view bytes, const SessionSettings& session,
                const IntakeSettings& intake, MessageOpener& opener, Dns& dns, const Clock& clock,
                bool explain);

}  // namespace tlsrpt::milter
