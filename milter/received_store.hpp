// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Received reports and refused mails, kept in received.db: the one store behind every view.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/dkim.hpp"
#include "common/error.hpp"
#include "common/report.hpp"
#include "common/report_verdict.hpp"
#include "common/sqlite.hpp"

namespace tlsrpt::milter {

/// Where a report came from and who vouches for it.
struct Provenance {
  std::string source;  ///< "milter", "file", "https"
  Seconds received_at{};
  DkimStatus dkim = DkimStatus::none;
  std::string dkim_domain;    ///< d= of the signature that passed or came nearest
  std::string dkim_selector;  ///< s= of it
  std::string dkim_reason;    ///< reason word of the verifier, empty for pass
  std::string from_domain;
  std::string
      submitter;  ///< DKIM domain if it passed, else From domain, else domain of contact-info
  std::string queue_id;
  std::string message_id;
  std::string source_address;  ///< of https: who sent it, as far as the proxies tell
};

struct ReceivedReport {
  Provenance provenance;
  Report report;
  Flags flags;
  std::string json;  ///< the report as it came
};

struct RefusedInput {
  Provenance provenance;
  Refusal refusal = Refusal::none;
  std::string detail;
  std::string subject;
  std::string bytes;     ///< the whole mail or file, as far as MaximumRefusedSize allows
  std::size_t size = 0;  ///< if the mail or file was larger than 'bytes': at least so large
};

struct StoredReport {
  std::int64_t id = 0;
  bool duplicate = false;  ///< the same report was there already; id is the older one's
};

/// What one mail, file or body brings: all of it is stored, or nothing.
struct StoreItem {
  std::vector<ReceivedReport> reports;
  std::vector<RefusedInput> refused;
  /// Added to those of the day; what became of the reports is counted besides.
  std::map<std::string, std::uint64_t> counters;
  /// The refused input that these reports were found in after all: its row goes when they come.
  std::optional<std::int64_t> instead_of_refused;
  Seconds at{};  ///< now: the day that it counts for
};

/// Of a StoreItem's reports, in their order.
using StoredReports = std::vector<StoredReport>;

/// A refused input whose bytes are still there from the first to the last.
struct KeptRefusal {
  std::int64_t id = 0;
  RefusedInput input;
};

struct StoreLimits {
  std::size_t max_refused_bytes = 100u << 20;  ///< of kept bytes; the oldest make place
  std::size_t max_refused_rows = 100'000;      ///< refused inputs remembered at all
  std::uint64_t max_reports_per_day = 0;       ///< new ones of one sender (R240); 0: no limit
};

struct ReportFilter {
  std::optional<Seconds> since = {};  ///< date-range ends at or after
  std::optional<Seconds> until = {};  ///< date-range starts before
  std::string domain = {};            ///< any policy domain; normalised; "" = all
  std::string reporter = {};          ///< submitter or organization-name, in any case; "" = all
  std::string result_type = {};  ///< a failure of that type is described, in any case; "" = all
  bool failures_only = false;
  /// Ours; empty: all domains are. What is about others is quarantined, whatever it was when it
  /// came: it is left out of the reports, or it is all that is given (R228).
  std::vector<std::string> policy_domains = {};
  bool quarantined = false;
  std::size_t limit = 100;    ///< newest first
  bool with_policies = true;  ///< false: reports come without policies, which is much quicker
};

struct ListedReport {
  std::int64_t id = 0;
  Provenance provenance;
  Report report;
  Flags flags;
};

struct ListedRefusal {
  std::int64_t id = 0;
  Provenance provenance;
  Refusal refusal = Refusal::none;
  std::string detail;
  std::string subject;
  std::size_t size = 0;
  std::uint64_t times = 1;  ///< identical inputs are counted, not repeated
};

struct Pruned {
  std::uint64_t reports = 0;
  std::uint64_t refused = 0;
};

/// Threads: one at a time.
class ReceivedStore {
 public:
  /// busy_timeout_ms: how long each access waits for other programs.
  static Result<ReceivedStore> open(const std::string& path, SqliteMode mode,
                                    int busy_timeout_ms = 5000);

  /// All of an item in one transaction, on disk when it returns. If somebody has moved or removed
  /// the file in the meantime, the one that is at its path now is used, and made if there is none.
  ///
  /// Duplicates are told by submitter, organization-name, report-id, date range and policy domains
  /// (R225). A report that came without any name, as by HTTPS, is the same as one that agrees in
  /// all but the submitter, if that one is of the organisation in its contact-info, or if their
  /// texts are the same; so is one whose signature was not accepted, and which agrees in the
  /// From domain (R227). A copy with a name takes the place of one without, and an authentic one
  /// that of all others, content included: otherwise a forgery that came first would gain the
  /// authentic copy's standing. Two that are authentic under different names are two reports.
  ///
  /// An identical refused input is counted again; where room ends, bytes go before rows, the oldest
  /// first, and that is counted.
  ///
  /// limit_exceeded: a sender has brought so many new reports on this day that the item is not
  /// taken (R240).
  Result<StoredReports> store(const StoreItem& item, const StoreLimits& limits);
  Result<StoredReports> store(const std::vector<ReceivedReport>& reports,
                              const std::vector<RefusedInput>& refused, const StoreLimits& limits) {
    return store(StoreItem{reports, refused, {}, {}, {}}, limits);
  }
  /// The same for several items with one commit; the results are theirs, in order. If that fails,
  /// each item gets a transaction of its own, so that a bad one costs only itself.
  std::vector<Result<StoredReports>> store_all(const std::vector<const StoreItem*>& items,
                                               const StoreLimits& limits);

  /// Adds to the counters of a day: mails seen, reports stored, duplicates, refused by reason, ...
  Result<void> count(const std::map<std::string, std::uint64_t>& counters, Seconds at = {});
  /// The sums of some days, the last one excluded; by default of all.
  Result<std::map<std::string, std::uint64_t>> counters(Day since = Day::min(),
                                                        Day until = Day::max());

  Result<std::vector<ListedReport>> list(const ReportFilter& filter);
  /// As list, but one at a time, so that a year of reports need not fit into memory.
  Result<void> visit(const ReportFilter& filter,
                     const std::function<void(const ListedReport&)>& visitor);
  /// since and until mean the time of arrival here, the reporter may be in From or d=; the rest
  /// does not matter.
  Result<std::vector<ListedRefusal>> list_refused(const ReportFilter& filter);
  Result<std::optional<ReceivedReport>> report(std::int64_t id);
  Result<std::optional<RefusedInput>> refused(std::int64_t id);
  /// The first one with an id above 'id' whose bytes are complete: to try them all again, one after
  /// the other, begin with 0. See StoreItem::instead_of_refused.
  Result<std::optional<KeptRefusal>> refused_after(std::int64_t id);

  /// Forgets reports, refused inputs and counters of before that time, a batch for each
  /// transaction, so that a filter waiting to store is not kept waiting.
  Result<Pruned> prune(Seconds before);
  /// What prune would forget.
  Result<Pruned> count_older(Seconds before);

 private:
  ReceivedStore(std::string path, int busy_timeout_ms, Sqlite database)
      : path_(std::move(path)), busy_timeout_ms_(busy_timeout_ms), database_(std::move(database)) {}
  Result<void> follow_file();
  Result<Transaction> begin();
  Result<StoredReports> write(const StoreItem& item, const std::vector<std::string>& holders,
                              const StoreLimits& limits);
  std::string path_;
  int busy_timeout_ms_;
  Sqlite database_;
};

/// "sqlite:/var/lib/opentlsrpt" -> "/var/lib/opentlsrpt/received.db"; unsupported for other kinds
/// of Database.
Result<std::string> received_path(std::string_view database);

}  // namespace tlsrpt::milter
