// SPDX-License-Identifier: BSD-2-Clause
#include "milter/summary.hpp"

#include <algorithm>
#include <limits>

namespace tlsrpt::milter {

namespace {

using namespace std::chrono_literals;

/// Reports come the day after their range; a weekend of slack keeps the alarm quiet.
constexpr auto kSilence = 72h;

void add_saturating(std::uint64_t& sum, std::uint64_t count) {
  sum += std::min(count, std::numeric_limits<std::uint64_t>::max() - sum);
}

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

template <typename Time>
void keep_newest(std::optional<Time>& newest, Time time) {
  newest = newest ? std::max(*newest, time) : time;
}

std::string reporter_name(const ListedReport& listed) {
  return listed.provenance.submitter.empty() ? listed.report.organization_name
                                             : listed.provenance.submitter;
}

template <typename Map>
auto values_of(const Map& map) {
  std::vector<typename Map::mapped_type> values;
  for (const auto& [key, value] : map) values.push_back(value);
  return values;
}

}  // namespace

void SessionCounts::add(const PolicyResult& result) {
  add_saturating(successful, result.total_successful_session_count);
  std::uint64_t explained = 0;
  for (const FailureDetails& details : result.failure_details) {
    add_saturating(explained, details.failed_session_count);
  }
  add_saturating(described, result.failure_details.size());
  // Details may name more failures than the summary; the larger number is the safer one to show.
  add_saturating(failed, std::max(result.total_failure_session_count, explained));
  if (result.total_failure_session_count > explained) {
    add_saturating(unexplained, result.total_failure_session_count - explained);
  }
}

bool Summary::failing() const {
  return !failures.empty() || std::any_of(domains.begin(), domains.end(), [](const auto& domain) {
    return domain.sessions.failed > 0;
  });
}

template <typename Map>
typename Map::mapped_type* SummaryBuilder::entry(Map& map, const typename Map::key_type& key) {
  const auto found = map.find(key);
  if (found != map.end()) return &found->second;
  if (map.size() >= kMaxGroups) {
    ++totals_.left_out;
    return nullptr;
  }
  return &map[key];
}

bool SummaryBuilder::is_asked_for(const PolicyResult& result) const {
  return question_.domain.empty() || result.policy.policy_domain == question_.domain;
}

bool SummaryBuilder::is_foreign(const std::string& domain) const {
  const auto& ours = question_.policy_domains;
  return !ours.empty() && std::find(ours.begin(), ours.end(), domain) == ours.end();
}

/// Notes what is about domains of others. True: there is nothing else in the report.
bool SummaryBuilder::quarantine(const Report& report) {
  bool any_foreign = false;
  bool any_ours = false;
  for (const PolicyResult& result : report.policies) {
    if (!is_asked_for(result)) continue;
    const std::string& domain = result.policy.policy_domain;
    if (!is_foreign(domain)) {
      any_ours = true;
      continue;
    }
    any_foreign = true;
    auto& shown = totals_.quarantined_domains;
    if (shown.size() < kMaxQuarantinedDomains) shown.insert(domain);
  }
  if (any_foreign) ++totals_.quarantined;
  return any_foreign && !any_ours;
}

void SummaryBuilder::add(const ListedReport& listed) {
  const DateRange& range = listed.report.date_range;
  // A range that ends with the midnight at which a day begins is not about that day.
  const bool is_earlier = range.end_datetime <= question_.since;
  if (!is_earlier && quarantine(listed.report)) return;
  const std::string reporter = reporter_name(listed);
  if (Seconds* newest = entry(newest_of_reporter_, reporter)) {
    *newest = std::max(*newest, range.end_datetime);
  }
  if (is_earlier || (question_.until && range.start_datetime >= *question_.until)) return;

  ++totals_.reports;
  if (listed.report.policies.empty()) ++totals_.without_policies;
  keep_newest(totals_.newest_end, range.end_datetime);
  keep_newest(totals_.newest_arrival, listed.provenance.received_at);
  totals_.oldest_start = totals_.oldest_start
                             ? std::min(*totals_.oldest_start, range.start_datetime)
                             : range.start_datetime;
  ReporterSummary* from = entry(reporters_, {reporter, listed.report.organization_name});
  if (from != nullptr) {
    from->submitter = reporter;
    from->organization_name = listed.report.organization_name;
    ++from->reports;
    from->newest_end = std::max(from->newest_end, range.end_datetime);
    from->newest_arrival = std::max(from->newest_arrival, listed.provenance.received_at);
    ++from->dkim[listed.provenance.dkim];
  }
  for (const PolicyResult& result : listed.report.policies) {
    if (is_asked_for(result) && !is_foreign(result.policy.policy_domain)) {
      add_policy(result, reporter, from);
    }
  }
}

void SummaryBuilder::add_policy(const PolicyResult& result, const std::string& reporter,
                                ReporterSummary* from) {
  const std::string type = lower_case(result.policy.policy_type);
  if (SessionCounts* counts = entry(totals_.by_policy_type, type)) counts->add(result);
  if (from != nullptr) {
    if (SessionCounts* counts = entry(from->by_policy_type, type)) counts->add(result);
  }
  if (DomainSummary* domain = entry(domains_, {result.policy.policy_domain, type})) {
    domain->policy_domain = result.policy.policy_domain;
    domain->policy_type = type;
    ++domain->policies;
    domain->sessions.add(result);
  }
  for (const FailureDetails& details : result.failure_details) {
    add_failure(result, details, reporter);
  }
}

void SummaryBuilder::add_failure(const PolicyResult& result, const FailureDetails& details,
                                 const std::string& reporter) {
  const std::vector<std::string> key = {
      lower_case(details.result_type), details.failure_reason_code,
      result.policy.policy_domain,     lower_case(result.policy.policy_type),
      details.receiving_mx_hostname,   details.receiving_ip};
  FailureSummary* failure = entry(failures_, key);
  if (failure == nullptr) return;
  failure->result_type = key[0];
  failure->failure_reason_code = key[1];
  failure->policy_domain = key[2];
  failure->policy_type = key[3];
  failure->receiving_mx_hostname = key[4];
  failure->receiving_ip = key[5];
  add_saturating(failure->sessions, details.failed_session_count);
  if (failure->reporters.size() < kMaxReportersOfFailure) failure->reporters.insert(reporter);
}

void SummaryBuilder::add(const ListedRefusal& refusal) {
  add_saturating(totals_.refused[refusal.refusal], refusal.times);
}

void SummaryBuilder::set_counters(std::map<std::string, std::uint64_t> counters) {
  totals_.counters = std::move(counters);
}

Summary SummaryBuilder::finish() const {
  Summary summary = totals_;
  summary.question = question_;
  summary.domains = values_of(domains_);
  std::stable_sort(summary.domains.begin(), summary.domains.end(),
                   [](const DomainSummary& a, const DomainSummary& b) {
                     return a.sessions.failed > 0 && b.sessions.failed == 0;
                   });
  summary.reporters = values_of(reporters_);
  std::stable_sort(
      summary.reporters.begin(), summary.reporters.end(),
      [](const ReporterSummary& a, const ReporterSummary& b) { return a.reports > b.reports; });
  summary.failures = values_of(failures_);
  std::stable_sort(
      summary.failures.begin(), summary.failures.end(),
      [](const FailureSummary& a, const FailureSummary& b) { return a.sessions > b.sessions; });
  for (const auto& [reporter, newest_end] : newest_of_reporter_) {
    if (newest_end < question_.now - kSilence) summary.silent.push_back({reporter, newest_end});
  }
  std::stable_sort(
      summary.silent.begin(), summary.silent.end(),
      [](const SilentReporter& a, const SilentReporter& b) { return a.newest_end < b.newest_end; });
  return summary;
}

}  // namespace tlsrpt::milter
