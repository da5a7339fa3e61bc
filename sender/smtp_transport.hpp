// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Submission of reports by SMTP or LMTP, to the first of the configured relays that can be used,
// over a connection that is kept for the next one. TLS is used as configured and never demanded of
// those who come after: no REQUIRETLS (R140).

#include <chrono>
#include <memory>

#include "common/error.hpp"
#include "sender/mail_transport.hpp"
#include "sender/reporter_settings.hpp"
#include "sender/stop_signal.hpp"

namespace tlsrpt::sender {

/// 'stop' outlives it; the settings are copied. A relay that was in trouble is the last choice for
/// a minute. Answers that are about us and not about a destination count as such trouble.
std::unique_ptr<MailTransport> make_smtp_transport(const SmtpSettings& settings,
                                                   const StopSignal& stop);

/// The longest that one hand-over takes when every relay hangs.
std::chrono::seconds longest_hand_over(const SmtpSettings& settings);

/// Whether mail could be submitted to this relay: connects, greets, does TLS and AUTH as configured
/// and takes leave. The error says what failed and what to look at.
Result<void> probe_relay(const Relay& relay, const SmtpSettings& settings, const StopSignal& stop);

}  // namespace tlsrpt::sender
