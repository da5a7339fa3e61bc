// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The one path by which reports come in, for the milter and for files: authenticate, open, judge,
// store.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "common/config.hpp"
#include "common/confined_opener.hpp"
#include "common/dkim.hpp"
#include "common/dns.hpp"
#include "common/message_opener.hpp"
#include "milter/received_store.hpp"

namespace tlsrpt::milter {

struct IntakeSettings {
  std::vector<std::string> policy_domains;  ///< normalised; empty: no check for foreign domains
  bool strict_alignment = false;
  bool strict_service_type = false;
  std::chrono::seconds dkim_time{15};  ///< for all key look-ups of one mail
  /// On-DNSError lets no mail come again: it is recorded, to be read later.
  bool dns_error_is_final = false;
  bool require_dkim = true;  ///< a mailed report without an acceptable signature is refused (R215)
};

/// What became of one mail.
enum class Disposition {
  stored,      ///< at least one report was stored, or was there already
  refused,     ///< claims to be a report and is not acceptable; recorded
  no_report,   ///< does not claim to be one
  dns_error,   ///< a DKIM key could not be looked up; nothing stored, it will come again (R211)
  unverified,  ///< likewise, but it will not come again; recorded as refused
  over_limit,  ///< its sender has brought too many reports today; nothing stored (R240)
  failed,      ///< our own fault; nothing stored
};
std::string_view to_word(Disposition disposition);

struct IntakeResult {
  Disposition disposition = Disposition::failed;
  DkimVerdict dkim;
  MailFacts facts;
  std::vector<StoredReport> stored;   ///< of the accepted outcomes, in their order
  std::vector<ReadOutcome> outcomes;  ///< with all flags
  std::string detail;                 ///< for refused, dns_error and failed
  std::size_t size = 0;               ///< of a mail that was cut: at least so large
};

/// What is known of a mail, or of the body of a POST, besides its bytes.
struct MailContext {
  std::string source;  ///< "milter", "https" or "file"
  std::string queue_id;
  std::string source_address{};  ///< of https: who sent it
  Flags flags{};                 ///< of the way it came, for all its reports
};

/// Reads, verifies and judges without a store: what parse and -t show. If no reader can be had the
/// mail is 'failed', to come again; one that its reader did not survive is refused.
IntakeResult examine_mail(std::string_view message, const IntakeSettings& settings,
                          MessageOpener& opener, Dns& dns, const Clock& clock);

/// The same for a report that came without a mail around it. Nobody signs for it: all that is known
/// of its sender is what it says itself.
IntakeResult examine_body(std::string_view body, const IntakeSettings& settings,
                          MessageOpener& opener, const Clock& clock);

/// For a mail of which only the beginning was kept, because it is larger than MaximumMessageSize:
/// refused as too_large, with what its header says. DKIM is not checked: the body is not there.
IntakeResult refuse_cut_mail(std::string_view beginning, std::size_t limit, MessageOpener& opener);

/// What an examined mail or body brings to the store; none if it will come again.
std::optional<StoreItem> item_of(const IntakeResult& result, std::string_view bytes,
                                 const MailContext& context, Seconds now);

/// Writes into the result what became of its item. A fault of the store makes the result 'failed',
/// and its limit_exceeded 'over_limit'; unless there was nothing but a count to lose: that comes
/// back as the error, for the log.
Result<void> settle(IntakeResult& result, Result<StoredReports> stored);

/// Puts an examined mail into the store and counts it, in one transaction: item_of and settle.
Result<void> keep_mail(IntakeResult& result, std::string_view message, const MailContext& context,
                       Seconds now, ReceivedStore& store, const StoreLimits& limits);

/// examine_mail, then keep_mail. Those who share a store among threads call the two themselves, so
/// that only the second needs the store's lock.
IntakeResult take_mail(std::string_view message, const MailContext& context,
                       const IntakeSettings& settings, MessageOpener& opener, Dns& dns,
                       const Clock& clock, ReceivedStore& store, const StoreLimits& limits);

/// Flags that need a clock or the configuration: date_in_future, foreign_domain.
Flags judge_report(const Report& report, const IntakeSettings& settings, Seconds now);

/// The settings and limits as configured.
IntakeSettings intake_settings(const Config& config);
StoreLimits store_limits(const Config& config);
MessageLimits message_limits(const Config& config);
ConfinedSettings confined_settings(const Config& config);

}  // namespace tlsrpt::milter
