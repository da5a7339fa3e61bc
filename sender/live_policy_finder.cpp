// SPDX-License-Identifier: BSD-2-Clause
#include "sender/live_policy_finder.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/tlsrpt_record.hpp"

namespace tlsrpt::sender {

namespace {

using std::chrono::seconds;

constexpr seconds kShortestRecord{60};
constexpr seconds kShortestDane{30};
constexpr seconds kLongest{3600};
constexpr seconds kAskResolverAgain{600};

seconds bounded(std::uint32_t ttl, seconds shortest) {
  return std::clamp(seconds(ttl), shortest, kLongest);
}

/// The text of the one usable record among them; empty: there is none.
std::string usable_record(const std::vector<std::string>& texts) {
  const auto record = select_tlsrpt_record(texts);
  if (!record || record->rua.empty()) return {};
  const auto found = std::find_if(texts.begin(), texts.end(),
                                  [](const std::string& text) { return is_tlsrpt_record(text); });
  return found == texts.end() ? std::string() : *found;
}

}  // namespace

LivePolicyFinder::LivePolicyFinder(LiveFinderSettings settings, Dns& dns, StsPolicies& sts,
                                   const Clock& clock, Log& log)
    : settings_(std::move(settings)),
      dns_(dns),
      sts_(sts),
      clock_(clock),
      log_(log),
      records_(settings_.max_remembered),
      dane_(settings_.max_remembered) {}

Result<AppliedPolicies> LivePolicyFinder::find(const std::string& domain,
                                               const std::string& mx_host) {
  auto record = record_of(domain);
  if (!record) return tl::unexpected(record.error());
  AppliedPolicies applied;
  applied.precedence = settings_.precedence;
  applied.tlsrpt_record = std::move(*record);
  // Nobody is asked about a domain that wants no reports.
  if (applied.tlsrpt_record.empty()) return applied;
  applied.dane_required = settings_.dane_only.contains(domain);
  applied.sts = sts_.find(domain, settings_.patience);
  if (applied.sts.unknown) {
    return fail(ErrorCode::temporary, "the MTA-STS policy of {} could not be found out", domain);
  }
  if (mx_host.empty()) return applied;
  // Whoever cannot see DANE must not say that it is missing.
  if (!resolver_validates()) applied.dane_required = false;
  applied.dane = dane_of(mx_host);
  return applied;
}

Result<std::string> LivePolicyFinder::record_of(const std::string& domain) {
  return records_.get(domain, clock_.now(),
                      [this](const std::string& name) { return look_up_record(name); });
}

Remembered<Result<std::string>>::Found LivePolicyFinder::look_up_record(const std::string& domain) {
  const DnsAnswer<std::string> answer = dns_.txt(tlsrpt_name(domain));
  if (answer.status == DnsStatus::failed) {
    return {fail(ErrorCode::temporary, "TXT {}: {}", tlsrpt_name(domain), answer.detail),
            seconds(0)};
  }
  std::string record = answer.absent() ? std::string() : usable_record(answer.records);
  return {std::move(record), bounded(answer.ttl, kShortestRecord)};
}

DanePolicy LivePolicyFinder::dane_of(const std::string& mx_host) {
  return dane_.get(mx_host, clock_.now(), [this](const std::string& host) {
    DanePolicy policy = find_dane_policy(dns_, host);
    const seconds holds = bounded(policy.ttl, kShortestDane);
    return Remembered<DanePolicy>::Found{std::move(policy), holds};
  });
}

/// By what it says about the root (R293); false as long as nobody knows. Without its AD bit no
/// domain has DANE; one that has keys for a part of the tree only may still set the bit there.
bool LivePolicyFinder::resolver_validates() {
  const Seconds now = clock_.now();
  {
    const std::lock_guard lock(mutex_);
    if (now < ask_again_) return validates_;
    ask_again_ = now + kShortestDane;  // others go on with what was known
  }
  const auto validates = dns_.validates();
  const std::lock_guard lock(mutex_);
  if (!validates) return validates_;
  if (!*validates) {
    log_.warning(LogLine("dns-not-validating")
                     .add("hint",
                          "DANE is not seen, or only in a part of DNS; name a validating resolver "
                          "in Nameserver"));
  }
  ask_again_ = now + kAskResolverAgain;
  validates_ = *validates;
  return validates_;
}

}  // namespace tlsrpt::sender
