// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// What is known about the domains that MTAs ask for: their MTA-STS, their DANE, and whether they
// want to hear of problems. Kept for about a minute, so that most questions wait for nobody.

#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "common/dns.hpp"
#include "sender/domain_dane.hpp"
#include "sender/sts_policies.hpp"

namespace tlsrpt::sender {

struct DomainKnowledge {
  StsStanding sts;
  DomainDane dane = DomainDane::none;  ///< looked up only where a policy could hide it
  std::string tlsrpt_record;           ///< looked up only beside a problem; empty: none
  bool operator==(const DomainKnowledge&) const = default;
};

struct KnowledgeSettings {
  std::chrono::seconds fresh{60};            ///< at most
  std::chrono::seconds fresh_if_unknown{2};  ///< as long as nothing could be found out
  std::chrono::seconds dane_memory{3600};    ///< the last verdict on DANE counts that long if a new
                                             ///< one cannot be had
  std::size_t max_domains = 65536;
  bool dane = true;  ///< the MTA does DANE
};

/// Threads: any number at once. Dns and StsPolicies must outlive it.
class PolicyKnowledge {
 public:
  using Time = std::chrono::steady_clock::time_point;

  PolicyKnowledge(const KnowledgeSettings& settings, StsPolicies& policies, Dns& dns);

  /// What was found out a short time ago. Waits for nobody.
  [[nodiscard]] std::optional<DomainKnowledge> fresh(const std::string& domain, Time now) const;
  /// What was found out at some time, or has been found out so far by a look-up that goes on.
  [[nodiscard]] std::optional<DomainKnowledge> remembered(const std::string& domain) const;
  /// What the policies say without waiting, for one of whom nothing is remembered yet.
  DomainKnowledge at_once(const std::string& domain);
  /// Finds out. Waits until about 'end' at most, and one DNS question longer.
  DomainKnowledge look_up(const std::string& domain, Time end);

  [[nodiscard]] std::size_t domains() const;

 private:
  struct Entry {
    DomainKnowledge known;
    Time fresh_until{};
    DomainDane last_dane = DomainDane::none;  ///< the last that was no failure
    Time last_dane_until{};
  };

  void note_sts(const std::string& domain, const StsStanding& standing, Time now);
  DomainDane settle_dane(const std::string& domain, const DaneFinding& found, Time now);
  void make_room(Time now);

  KnowledgeSettings settings_;
  StsPolicies& policies_;
  Dns& dns_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace tlsrpt::sender
