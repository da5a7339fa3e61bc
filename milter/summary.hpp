// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What the stored reports of some days come to: sessions, failures and who reported them. Pure.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "milter/received_store.hpp"

namespace tlsrpt::milter {

struct SummaryQuestion {
  Seconds now{};
  Seconds since{};                          ///< reports whose range ends after it are summed up
  std::optional<Seconds> until;             ///< and begins before it
  std::string domain;                       ///< one policy domain only; "" = all
  std::vector<std::string> policy_domains;  ///< ours; empty: all domains are
};

/// Counts under one policy type. Those of different types must not be added: a session may be
/// counted under MTA-STS and again under DANE (R242).
struct SessionCounts {
  std::uint64_t successful = 0;
  std::uint64_t failed = 0;
  std::uint64_t unexplained = 0;  ///< failed, but not described by any failure-details (R243)
  std::uint64_t described = 0;    ///< entries of failure-details, which may count no session
  void add(const PolicyResult& result);
};

struct DomainSummary {
  std::string policy_domain;
  std::string policy_type;
  std::uint64_t policies = 0;
  SessionCounts sessions;
};

struct ReporterSummary {
  std::string submitter;
  std::string organization_name;
  std::uint64_t reports = 0;
  Seconds newest_end{};      ///< of a date range
  Seconds newest_arrival{};  ///< may be weeks after its range
  std::map<std::string, SessionCounts> by_policy_type;
  std::map<DkimStatus, std::uint64_t> dkim;
};

/// One way to fail, as far as its reporters described it alike.
struct FailureSummary {
  std::string result_type;  ///< in lower case; empty: not given
  std::string failure_reason_code;
  std::string policy_domain;
  std::string policy_type;
  std::string receiving_mx_hostname;
  std::string receiving_ip;
  std::uint64_t sessions = 0;
  std::set<std::string> reporters;  ///< at most kMaxReportersOfFailure
};
inline constexpr std::size_t kMaxReportersOfFailure = 10;

struct SilentReporter {
  std::string submitter;
  Seconds newest_end{};
};

struct Summary {
  SummaryQuestion question;
  std::uint64_t reports = 0;
  std::uint64_t without_policies = 0;  ///< reports that count nothing
  std::optional<Seconds> oldest_start;
  std::optional<Seconds> newest_end;
  std::optional<Seconds> newest_arrival;
  /// Reports about domains that are not ours, of which nothing else here speaks (R228), and some of
  /// those domains.
  std::uint64_t quarantined = 0;
  std::set<std::string> quarantined_domains;
  std::map<std::string, SessionCounts> by_policy_type;
  std::vector<DomainSummary> domains;      ///< failing ones first, then by name
  std::vector<ReporterSummary> reporters;  ///< by number of reports
  std::vector<FailureSummary> failures;    ///< most sessions first
  std::vector<SilentReporter> silent;      ///< longest silence first
  std::map<Refusal, std::uint64_t> refused;
  std::map<std::string, std::uint64_t> counters;  ///< the store's, of those days of arrival
  std::uint64_t left_out = 0;                     ///< entries beyond the bound on distinct ones
  [[nodiscard]] bool failing() const;
};

/// Takes reports one by one; what it keeps is bounded by kMaxGroups distinct entries of each kind.
class SummaryBuilder {
 public:
  static constexpr std::size_t kMaxGroups = 20000;
  static constexpr std::size_t kMaxQuarantinedDomains = 5;

  explicit SummaryBuilder(SummaryQuestion question) : question_(std::move(question)) {}
  /// Reports before 'since' only say who used to report: give those of as long a time before it.
  void add(const ListedReport& listed);
  void add(const ListedRefusal& refusal);
  void set_counters(std::map<std::string, std::uint64_t> counters);
  [[nodiscard]] Summary finish() const;

 private:
  using DomainKey = std::pair<std::string, std::string>;
  using ReporterKey = std::pair<std::string, std::string>;

  template <typename Map>
  typename Map::mapped_type* entry(Map& map, const typename Map::key_type& key);
  [[nodiscard]] bool is_asked_for(const PolicyResult& result) const;
  [[nodiscard]] bool is_foreign(const std::string& domain) const;
  [[nodiscard]] bool quarantine(const Report& report);
  void add_policy(const PolicyResult& result, const std::string& reporter, ReporterSummary* from);
  void add_failure(const PolicyResult& result, const FailureDetails& details,
                   const std::string& reporter);

  SummaryQuestion question_;
  Summary totals_;
  std::map<DomainKey, DomainSummary> domains_;
  std::map<ReporterKey, ReporterSummary> reporters_;
  std::map<std::vector<std::string>, FailureSummary> failures_;
  std::map<std::string, Seconds> newest_of_reporter_;
};

}  // namespace tlsrpt::milter
