// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Submission of reports through a program that takes mail as sendmail(8) does.

#include <memory>

#include "sender/mail_transport.hpp"
#include "sender/reporter_settings.hpp"
#include "sender/stop_signal.hpp"

namespace tlsrpt::sender {

/// Runs "settings.sendmail_path -t -i -f SENDER" for each mail, without a shell, and gives it the
/// message with LF line ends. It takes the recipient from the To field. What its exit status means
/// is said by sysexits(3). 'stop' outlives the transport; the settings are copied.
std::unique_ptr<MailTransport> make_sendmail_transport(const SmtpSettings& settings,
                                                       const StopSignal& stop);

}  // namespace tlsrpt::sender
