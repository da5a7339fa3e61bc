// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// 'send --to' and 'send --dry-run': sending, but to the operator himself, or to nobody.

#include <string>
#include <vector>

#include "sender/ledger.hpp"
#include "sender/mail_transport.hpp"
#include "sender/outbound_store.hpp"
#include "sender/preview.hpp"
#include "sender/print_line.hpp"
#include "sender/reporter_settings.hpp"

namespace tlsrpt::sender {

/// Sends reports to an address of the operator's, as they would go to their receivers. Writes
/// nothing into the database.
class Rehearsal {
 public:
  struct Parts {
    OutboundStore& store;
    Ledger& ledger;
    MailTransport& mail;
    const ReporterSettings& settings;
    const std::vector<SigningKey>& keys;
  };

  explicit Rehearsal(Parts parts) : parts_(parts) {}

  /// The report that was built for the domain's day, or one of what is counted so far, with a
  /// Report-ID of its own: the real one must not be taken for its duplicate. 'now' becomes its
  /// Date. Errors are those of the database and of signing.
  Result<HandOverResult> send(Day day, const std::string& domain, const std::string& address,
                              Seconds now);

 private:
  Result<StoredReport> report_of(Day day, const std::string& domain, Seconds now);

  Parts parts_;
};

/// "DOMAIN mailto:ADDRESS delivered DETAIL"
std::string rehearsal_line(const std::string& domain, const Rua& to, const HandOverResult& result);

/// What 'send' would do about a previewed domain: "DOMAIN DESTINATION would-be-sent" for each
/// destination, or the state that keeps it from being sent.
Result<void> print_dry_run(const PreviewEntry& entry, Day day, Ledger& ledger,
                           const PrintLine& print);

}  // namespace tlsrpt::sender
