// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Looks at start, or with -n, at what the configuration relies on: files, DNS, mail servers. Each
// check asks the outside world once and has no effect that lasts.

#include <functional>
#include <string>
#include <vector>

#include "common/dns.hpp"
#include "sender/finding.hpp"
#include "sender/reporter_settings.hpp"

namespace tlsrpt::sender {

/// Talks to a relay without handing anything over. The error says what is wrong.
using ProbeRelay = std::function<Result<void>(const Relay&)>;

/// What DNS says about the keys (check_key). A problem if no key can serve; a warning if one is
/// unusable beside another, if DNS fails, or if a record could be better. domain: that of the
/// signatures, normalised.
Findings check_keys(Dns& dns, const std::vector<SigningKey>& keys, const std::string& domain);

/// Can mail to ContactInfo arrive? Its domain needs an MX or an address (RFC 5321 section 5.1).
/// Only warnings. domain: normalised.
Findings check_contact_domain(Dns& dns, const std::string& domain);

/// A warning for each relay that fails, a problem if all do.
Findings check_relays(const std::vector<Relay>& relays, const ProbeRelay& probe);

/// All of them, files first. Relays are not probed where SendmailPath takes the mail. Takes up to
/// the timeouts of Dns and probe for each key and relay, one after the other. To be called as the
/// user of the daemon.
Findings start_checks(const ReporterSettings& settings, const std::vector<SigningKey>& keys,
                      Dns& dns, const ProbeRelay& probe);

}  // namespace tlsrpt::sender
