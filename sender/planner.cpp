// SPDX-License-Identifier: BSD-2-Clause
#include "sender/planner.hpp"

#include <algorithm>
#include <iterator>
#include <memory>
#include <random>
#include <utility>

#include "sender/delivery.hpp"
#include "sender/report_builder.hpp"

namespace tlsrpt::sender {

namespace {

PlanState to_plan_state(RecordStatus status) {
  switch (status) {
    case RecordStatus::usable:
      return PlanState::planned;
    case RecordStatus::no_record:
      return PlanState::no_record;
    case RecordStatus::invalid_record:
      return PlanState::invalid_record;
    case RecordStatus::no_usable_rua:
      return PlanState::no_usable_rua;
    case RecordStatus::dns_failure:
      return PlanState::dns_failure;
  }
  return PlanState::dns_failure;
}

Plan skipped_plan(Day day, const std::string& domain, Seconds now) {
  Plan plan;
  plan.day = day;
  plan.domain = domain;
  plan.state = PlanState::skipped;
  plan.due = now;
  return plan;
}

}  // namespace

Seconds closing_time(Day day) { return Seconds(day + std::chrono::days(1)) + kDayCloseDelay; }

RandomBelow system_random() {
  auto engine = std::make_shared<std::mt19937_64>(std::random_device{}());
  return [engine](std::uint64_t bound) {
    return std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(*engine);
  };
}

Seconds draw_due_time(Day day, Seconds now, std::chrono::seconds window,
                      const RandomBelow& random) {
  const Seconds midnight(day + std::chrono::days(1));
  const Seconds begin = std::max(now, midnight);
  const Seconds end = now >= midnight + window ? now + window : midnight + window;
  const auto span = static_cast<std::uint64_t>((end - begin).count());
  return begin + std::chrono::seconds(random(span + 1));
}

Result<void> Planner::plan_day(Day day, const StopRequested& stop) {
  const auto domains = parts_.store.domains(day);
  if (!domains) return tl::unexpected(domains.error());
  const auto settled = parts_.ledger.settled_domains(day, parts_.clock.now());
  if (!settled) return tl::unexpected(settled.error());
  std::vector<std::string> open;
  std::set_difference(domains->begin(), domains->end(), settled->begin(), settled->end(),
                      std::back_inserter(open));
  return plan_domains(day, open, Spread::send_window, stop);
}

Result<void> Planner::plan_domains(Day day, const std::vector<std::string>& domains, Spread spread,
                                   const StopRequested& stop) {
  paused_ = false;
  in_trouble_ = false;
  for (std::size_t at = 0; at < domains.size() && !stop(); at += kDomainBatch) {
    if (in_trouble_ && spread == Spread::send_window) {
      paused_ = true;
      parts_.log.warning(LogLine("planning-paused")
                             .add("day", format_day(day))
                             .add("domains_left", std::uint64_t{domains.size() - at})
                             .add("detail", "the resolver answers nothing"));
      break;
    }
    const auto begin = domains.begin() + static_cast<std::ptrdiff_t>(at);
    const std::size_t count = std::min(kDomainBatch, domains.size() - at);
    const std::vector<std::string> batch(begin, begin + static_cast<std::ptrdiff_t>(count));
    if (auto done = plan_batch(day, batch, spread, stop); !done) return done;
  }
  return {};
}

Result<void> Planner::plan_batch(Day day, const std::vector<std::string>& domains, Spread spread,
                                 const StopRequested& stop) {
  std::vector<Plan> plans;
  std::vector<Candidate> candidates;
  std::vector<DestinationQuery> queries;
  for (const std::string& domain : domains) {
    const auto domain_day = parts_.store.load(day, domain);
    if (!domain_day) return tl::unexpected(domain_day.error());
    const auto before = parts_.ledger.find_plan(day, domain);
    if (!before) return tl::unexpected(before.error());
    if (*before && (*before)->state == PlanState::planned) continue;
    if (!settings_.report_success && !has_failures(*domain_day)) {
      plans.push_back(skipped_plan(day, domain, parts_.clock.now()));
      parts_.log.debug(LogLine("report-skipped").add("domain", domain).add("day", format_day(day)));
      continue;
    }
    candidates.push_back({domain, *before ? (*before)->lookups : 0});
    queries.push_back({domain, domain_day->tlsrpt_record});
  }
  const auto found = in_trouble_
                         ? destinations_without_dns(settings_.records, queries)
                         : find_all_destinations(parts_.dns, settings_.records, queries, stop);
  in_trouble_ = in_trouble_ || resolver_in_trouble(found);
  for (std::size_t i = 0; i < found.size(); ++i) {
    plans.push_back(decide(day, candidates[i], found[i], spread));
    log_plan(plans.back(), found[i]);
  }
  return parts_.ledger.record(plans);
}

Plan Planner::decide(Day day, const Candidate& candidate, const Destinations& destinations,
                     Spread spread) {
  const Seconds now = parts_.clock.now();
  Plan plan;
  plan.day = day;
  plan.domain = candidate.domain;
  plan.state = to_plan_state(destinations.status);
  plan.due = now;
  plan.lookups = candidate.lookups;
  if (plan.state == PlanState::dns_failure) {
    ++plan.lookups;
    plan.due = now + backoff(plan.lookups);
  }
  for (const Rua& rua : destinations.mailto) {
    Delivery delivery;
    delivery.key = {day, candidate.domain, rua.uri};
    delivery.due =
        spread == Spread::now ? now : draw_due_time(day, now, settings_.send_window, random_);
    plan.deliveries.push_back(std::move(delivery));
  }
  for (const Rua& rua : destinations.unsupported) {
    Delivery delivery;
    delivery.key = {day, candidate.domain, rua.uri};
    delivery.state = DeliveryState::unsupported;
    delivery.due = now;
    delivery.detail = "https: is not served by this version";
    plan.deliveries.push_back(std::move(delivery));
  }
  return plan;
}

void Planner::log_plan(const Plan& plan, const Destinations& destinations) {
  const auto line = [&plan](std::string_view tag) {
    LogLine text(tag);
    text.add("domain", plan.domain).add("day", format_day(plan.day));
    return text;
  };
  for (const std::string& warning : destinations.warnings) {
    parts_.log.info(line("record-warning").add("detail", warning));
  }
  for (const Rua& rua : destinations.unsupported) {
    parts_.log.notice(line("destination-unsupported").add("destination", rua.uri));
  }
  switch (plan.state) {
    case PlanState::planned:
      parts_.log.debug(line("report-planned")
                           .add("destinations", std::uint64_t{destinations.mailto.size()})
                           .add("record_from", destinations.from_mta ? "mta" : "dns"));
      break;
    case PlanState::dns_failure:
      parts_.log.notice(line("dns-failure")
                            .add("next", format_rfc3339(plan.due))
                            .add("detail", destinations.detail));
      break;
    case PlanState::no_record:
    case PlanState::invalid_record:
    case PlanState::no_usable_rua:
      parts_.log.info(line(to_word(plan.state)).add("detail", destinations.detail));
      break;
    case PlanState::skipped:
      break;  // logged where it is decided
  }
}

}  // namespace tlsrpt::sender
