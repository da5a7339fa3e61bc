// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The beginning of a conversation with a mail server: greeting, EHLO, STARTTLS, AUTH.

#include "common/error.hpp"
#include "sender/reporter_settings.hpp"
#include "sender/smtp_channel.hpp"
#include "sender/smtp_extensions.hpp"

namespace tlsrpt::sender {

/// Ready for MAIL.
struct SmtpSession {
  SmtpChannel channel;
  SmtpExtensions extensions;
};

/// Whether anything may go to this server in clear. A local socket needs no TLS.
bool needs_tls(const SmtpSettings& settings, const Relay& relay);

/// tls: nullptr to do without. Errors name the relay and the step that failed; crypto if TLS was
/// begun and failed, permission if the server or this program does not want the password.
Result<SmtpSession> open_smtp_session(const Relay& relay, const SmtpSettings& settings,
                                      const TlsClient* tls, const Patience& patience);

}  // namespace tlsrpt::sender
