// SPDX-License-Identifier: BSD-2-Clause
#include "sender/policy_knowledge.hpp"

#include <algorithm>

#include "common/tlsrpt_record.hpp"

namespace tlsrpt::sender {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kLeastFresh{5};  // a TTL of 0 must not cost a look-up each time

/// May the MTA be told something that would hide DANE from it?
bool may_hide_dane(const StsStanding& standing) {
  return standing.policy && standing.policy->mode != StsMode::none;
}

bool is_verdict(DomainDane dane) {
  return dane != DomainDane::failed && dane != DomainDane::unreachable &&
         dane != DomainDane::mx_failed;
}

/// The text of the one valid record; empty if there is none, or DNS failed.
std::string find_record(Dns& dns, const std::string& domain) {
  const auto answer = dns.txt(tlsrpt_name(domain));
  if (answer.status != DnsStatus::found || !select_tlsrpt_record(answer.records)) return {};
  const auto record = std::find_if(answer.records.begin(), answer.records.end(),
                                   [](const std::string& text) { return is_tlsrpt_record(text); });
  return record == answer.records.end() ? std::string() : *record;
}

}  // namespace

PolicyKnowledge::PolicyKnowledge(const KnowledgeSettings& settings, StsPolicies& policies, Dns& dns)
    : settings_(settings), policies_(policies), dns_(dns) {}

std::optional<DomainKnowledge> PolicyKnowledge::fresh(const std::string& domain, Time now) const {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(domain);
  if (entry == entries_.end() || entry->second.fresh_until <= now) return std::nullopt;
  return entry->second.known;
}

std::optional<DomainKnowledge> PolicyKnowledge::remembered(const std::string& domain) const {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(domain);
  if (entry == entries_.end()) return std::nullopt;
  return entry->second.known;
}

DomainKnowledge PolicyKnowledge::at_once(const std::string& domain) {
  return {policies_.find(domain, std::chrono::milliseconds(0)), DomainDane::unreachable, {}};
}

DomainKnowledge PolicyKnowledge::look_up(const std::string& domain, Time end) {
  const auto left = [end] {
    return std::max(std::chrono::milliseconds(0),
                    std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()));
  };
  DomainKnowledge known;
  known.sts = policies_.find(domain, left());
  // From now on whoever cannot wait any longer has at least this.
  note_sts(domain, known.sts, Clock::now());
  auto fresh = settings_.fresh;
  if (known.sts.unknown) fresh = settings_.fresh_if_unknown;
  if (settings_.dane && may_hide_dane(known.sts)) {
    const DaneFinding found = find_domain_dane(dns_, domain, end);
    known.dane = settle_dane(domain, found, Clock::now());
    fresh = std::min(fresh, std::max(kLeastFresh, found.ttl));
  }
  if (known.sts.problem) known.tlsrpt_record = find_record(dns_, domain);
  const Time now = Clock::now();
  const std::lock_guard lock(mutex_);
  make_room(now);
  Entry& entry = entries_[domain];
  entry.known = known;
  entry.fresh_until = now + fresh;
  return known;
}

std::size_t PolicyKnowledge::domains() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

void PolicyKnowledge::note_sts(const std::string& domain, const StsStanding& standing, Time now) {
  const std::lock_guard lock(mutex_);
  make_room(now);
  Entry& entry = entries_[domain];
  entry.known.sts = standing;
  if (!is_verdict(entry.known.dane) || entry.last_dane_until <= now) {
    entry.known.dane = DomainDane::unreachable;
  }
}

/// A resolver that is dead, or fails for a moment, does not undo what was known: neither may DANE
/// be hidden, nor an enforced policy forgotten.
DomainDane PolicyKnowledge::settle_dane(const std::string& domain, const DaneFinding& found,
                                        Time now) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[domain];
  if (is_verdict(found.dane)) {
    entry.last_dane = found.dane;
    entry.last_dane_until = now + settings_.dane_memory;
    return found.dane;
  }
  return entry.last_dane_until > now ? entry.last_dane : found.dane;
}

void PolicyKnowledge::make_room(Time now) {
  if (entries_.size() < settings_.max_domains) return;
  std::erase_if(entries_, [now](const auto& item) {
    return item.second.fresh_until <= now && item.second.last_dane_until <= now;
  });
  while (entries_.size() >= settings_.max_domains) entries_.erase(entries_.begin());
}

}  // namespace tlsrpt::sender
