// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What parse and import do with the bytes of one input, before the store.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "common/dns.hpp"
#include "common/message_opener.hpp"
#include "milter/input_stream.hpp"
#include "milter/intake.hpp"
#include "milter/received_store.hpp"

namespace tlsrpt::milter {

/// One report or refusal of an input, with what its mail's signature came to.
struct InputOutcome {
  ReadOutcome outcome;
  Provenance provenance;
};

struct ExaminedInput {
  std::vector<InputOutcome> outcomes;
  std::string subject;
  std::size_t size = 0;  ///< if it was cut: at least so large
  /// Not empty: nothing can be said for now, because a DKIM key could not be looked up.
  std::string come_again;
};

/// Gives the resolver when the first mail needs it. Threads: any.
using DnsSource = std::function<Result<Dns*>()>;

struct ExamineSettings {
  IntakeSettings intake;  ///< require_dkim: refuse what the milter would refuse as not authentic
  MessageLimits limits;
  bool authenticate = false;  ///< verify signatures of mails; false for parse
  std::string source = "file";
};

/// Opens an input of any kind and judges its reports; an mbox has been taken apart before. For
/// import, a mail has its DKIM signature verified. Unless DKIM is required the verdict is kept and
/// shown, but does not decide: the administrator vouches for the files; and if there is no answer
/// from DNS it is "temperror", and importing the mail again later upgrades the report. An error
/// means that there is no sense in going on: no reader, or no resolver, could be had.
Result<ExaminedInput> examine_input(const InputItem& item, const ExamineSettings& settings,
                                    MessageOpener& opener, const DnsSource& dns_source,
                                    const Clock& clock);

/// A refused mail of the store, examined once more, as the milter would. What the signature came to
/// when the mail arrived still counts if its key is gone meanwhile.
Result<ExaminedInput> examine_refused(const RefusedInput& refused, const ExamineSettings& settings,
                                      MessageOpener& opener, const DnsSource& dns_source,
                                      const Clock& clock);

/// What goes into the store: the accepted ones in their order.
std::vector<ReceivedReport> accepted_reports(const ExaminedInput& examined);

/// One entry with the input's bytes if any outcome was refused.
std::vector<RefusedInput> refused_input(const ExaminedInput& examined, std::string_view bytes);

}  // namespace tlsrpt::milter
