// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What parse and import do with the bytes of one input.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "common/dns.hpp"
#include "common/message_opener.hpp"
#include "milter/intake.hpp"
#include "milter/received_store.hpp"

namespace tlsrpt::milter {

/// One report or refusal of an input, with what its mail's signature came to.
struct InputOutcome {
  ReadOutcome outcome;
  Provenance provenance;  ///< of accepted ones
};

/// Opens an input of any kind and judges its reports. Signatures are not looked at. An error means
/// that no reader could be had.
Result<std::vector<InputOutcome>> examine_input(std::string_view bytes,
                                                const IntakeSettings& settings,
                                                MessageOpener& opener, const Clock& clock);

/// Gives the resolver when the first mail needs it.
using DnsSource = std::function<Result<Dns*>()>;

/// The same for import: mails, also those of an mbox, have their DKIM signatures verified. The
/// verdict is kept and shown, but does not decide: the administrator vouches for the files. Only if
/// a signature cannot be checked for want of an answer from DNS it is "temperror", and importing
/// the mail again later upgrades the report.
Result<std::vector<InputOutcome>> authenticate_input(
    std::string_view bytes, const IntakeSettings& settings, const MessageLimits& limits,
    MessageOpener& opener, const DnsSource& dns_source, const Clock& clock);

/// Stores the accepted reports of one input in one transaction, and gives the result for each of
/// them in order.
Result<std::vector<StoredReport>> store_input(const std::vector<InputOutcome>& outcomes,
                                              ReceivedStore& store);

}  // namespace tlsrpt::milter
