// SPDX-License-Identifier: BSD-2-Clause
#include "sender/planner.hpp"

#include <algorithm>
#include <iterator>
#include <memory>
#include <random>
#include <utility>

#include "sender/report_builder.hpp"

namespace tlsrpt::sender {

namespace {

// So many questions in a row without any answer: each further one would cost its timeout, and those
// of a large day together cost hours.
constexpr std::size_t kTroubleInARow = 64;

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

bool dns_failed(const Destinations& destinations) {
  return destinations.from_mta || destinations.status == RecordStatus::dns_failure;
}

}  // namespace

Seconds closing_time(Day day) { return Seconds(day + std::chrono::days(1)) + kDayCloseDelay; }

bool is_too_old(Day day, Seconds now, std::chrono::seconds maximum_age) {
  return now - Seconds(day + std::chrono::days(1)) > maximum_age;
}

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

void Planner::add_day(Day day) {
  if (idle()) failures_in_a_row_ = 0;
  const Seconds now = parts_.clock.now();
  const auto next = [this, day, now, after = std::string()]() mutable {
    auto page = parts_.ledger.undecided_domains(day, now, after, kDomainBatch);
    if (page && !page->empty()) after = page->back();
    return page;
  };
  work_.push_back({day, next, Spread::send_window, is_too_old(day, now, settings_.maximum_age)});
}

void Planner::add_domains(Day day, NextDomains next, Spread spread) {
  work_.push_back({day, std::move(next), spread, /*too_old=*/false});
}

void Planner::stop() {
  work_.clear();
  page_.clear();
  parts_.lookups.cancel();
}

Result<bool> Planner::step() {
  if (auto done = suppressed_.refresh(parts_.clock.now()); !done) {
    return tl::unexpected(done.error());
  }
  const bool answered = take_answers();
  const auto fed = feed();
  if (!fed) return fed;
  if (auto done = record(/*all=*/work_.empty() && parts_.lookups.open() == 0); !done) {
    return tl::unexpected(done.error());
  }
  return answered || *fed;
}

/// Reads on in the first work as long as the look-ups have room.
Result<bool> Planner::feed() {
  bool fed = false;
  while (!work_.empty() && parts_.lookups.room() > 0 && done_.size() < kDomainBatch) {
    if (page_.empty()) {
      auto page = work_.front().next();
      if (!page) return tl::unexpected(page.error());
      page_.assign(std::make_move_iterator(page->begin()), std::make_move_iterator(page->end()));
      if (page_.empty()) {
        work_.pop_front();
        return true;  // one search of a day at a time
      }
    }
    if (auto done = consider(work_.front(), page_.front()); !done) {
      return tl::unexpected(done.error());
    }
    page_.pop_front();
    fed = true;
  }
  return fed;
}

/// Decides what needs no look-up, and asks for the rest.
Result<void> Planner::consider(const Work& work, const std::string& domain) {
  const auto before = parts_.ledger.find_plan(work.day, domain);
  if (!before) return tl::unexpected(before.error());
  if (*before && (*before)->state == PlanState::planned) return {};
  if (work.too_old) {
    done_.push_back(close_without(work.day, domain, PlanState::too_old, "beyond MaximumAge"));
    return {};
  }
  const auto domain_day = parts_.store.summary(work.day, domain);
  if (!domain_day) return tl::unexpected(domain_day.error());
  if (!settings_.report_success && !domain_day->has_failures) {
    done_.push_back(close_without(work.day, domain, PlanState::skipped, "no failures"));
    return {};
  }
  RecordQuery query{domain, domain_day->tlsrpt_record, *before ? (*before)->lookups : 0,
                    next_tag_++};
  const bool in_trouble = failures_in_a_row_ >= kTroubleInARow;
  if (parts_.rules.ignores_record(domain) || in_trouble) {
    RecordAnswer answer{std::move(query), {}, false};
    answer.destinations = destinations_without_dns(
        settings_.records, answer.query.record_seen_by_mta, "the resolver answers nothing");
    decide(work.day, work.spread, answer);
    return {};
  }
  asked_.emplace(query.tag, Asked{work.day, work.spread});
  parts_.lookups.submit(std::move(query));
  return {};
}

bool Planner::take_answers() {
  const auto answers = parts_.lookups.take_answers();
  for (const RecordAnswer& answer : answers) {
    const auto asked = asked_.find(answer.query.tag);
    if (asked == asked_.end()) continue;
    const auto [day, spread] = asked->second;
    asked_.erase(asked);
    if (answer.cancelled) continue;
    failures_in_a_row_ = dns_failed(answer.destinations) ? failures_in_a_row_ + 1 : 0;
    decide(day, spread, answer);
  }
  if (failures_in_a_row_ >= kTroubleInARow) pause();
  return !answers.empty();
}

/// The resolver is in trouble: days wait until it is better, those who asked for 'now' do not.
void Planner::pause() {
  const auto is_day = [](const Work& work) { return work.spread == Spread::send_window; };
  if (work_.empty() || !is_day(work_.front())) return;
  parts_.log.warning(LogLine("planning-paused")
                         .add("day", format_day(work_.front().day))
                         .add("detail", "the resolver answers nothing"));
  page_.clear();
  std::erase_if(work_, is_day);
  parts_.lookups.cancel();
  failures_in_a_row_ = 0;
}

Result<void> Planner::record(bool all) {
  if (done_.empty() || (!all && done_.size() < kDomainBatch)) return {};
  if (auto done = parts_.ledger.record(done_); !done) return done;
  decided_ += done_.size();
  done_.clear();
  return {};
}

Plan Planner::close_without(Day day, const std::string& domain, PlanState state,
                            std::string detail) {
  Plan plan;
  plan.day = day;
  plan.domain = domain;
  plan.state = state;
  plan.due = parts_.clock.now();
  plan.detail = std::move(detail);
  parts_.log.debug(LogLine(fmt::format("report-{}", to_word(state)))
                       .add("domain", domain)
                       .add("day", format_day(day)));
  return plan;
}

void Planner::decide(Day day, Spread spread, const RecordAnswer& answer) {
  const Seconds now = parts_.clock.now();
  const Destinations& destinations = answer.destinations;
  Plan plan;
  plan.day = day;
  plan.domain = answer.query.domain;
  plan.state = to_plan_state(destinations.status);
  plan.due = now;
  plan.lookups = answer.query.earlier_lookups;
  plan.detail = destinations.detail;
  add_deliveries(plan, spread, destinations.rua);
  if (plan.state == PlanState::dns_failure) {
    ++plan.lookups;
    plan.due = now + backoff(plan.lookups);
  }
  log_plan(plan, destinations);
  done_.push_back(std::move(plan));
}

/// Where it goes after the operator and the bounces have had their say. Changes the plan's state if
/// that is to nobody, or, by a rule, to somebody although there is no record.
void Planner::add_deliveries(Plan& plan, Spread spread, const std::vector<Rua>& record) {
  const Seconds now = parts_.clock.now();
  bool any = false;
  for (const Route& route : find_routes(parts_.rules, plan.domain, record)) {
    Delivery delivery;
    delivery.key = {plan.day, plan.domain, route.rua.uri};
    delivery.due = now;
    const auto suppressed = suppressed_.until(route.rua, now);
    if (route.excluded) {
      delivery.state = DeliveryState::excluded;
      delivery.detail = route.why;
    } else if (suppressed) {
      delivery.state = DeliveryState::suppressed;
      delivery.detail = "until " + format_rfc3339(*suppressed);
    } else {
      any = true;
      if (spread == Spread::send_window) {
        delivery.due = draw_due_time(plan.day, now, settings_.send_window, random_);
      }
    }
    plan.deliveries.push_back(std::move(delivery));
  }
  if (any) {
    plan.state = PlanState::planned;
    plan.detail.clear();
  } else if (!plan.deliveries.empty() || parts_.rules.ignores_record(plan.domain)) {
    plan.state = PlanState::excluded;
    plan.detail = "nobody is left to send it to";
  }
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
  switch (plan.state) {
    case PlanState::planned:
      parts_.log.debug(line("report-planned")
                           .add("destinations", std::uint64_t{plan.deliveries.size()})
                           .add("record_from", destinations.from_mta ? "mta" : "dns"));
      break;
    case PlanState::dns_failure:
      parts_.log.notice(line("dns-failure")
                            .add("next", format_rfc3339(plan.due))
                            .add("detail", destinations.detail));
      break;
    case PlanState::no_record:
      parts_.log.debug(line(to_word(plan.state)).add("detail", plan.detail));
      break;
    case PlanState::invalid_record:
    case PlanState::no_usable_rua:
    case PlanState::excluded:
      parts_.log.info(line(to_word(plan.state)).add("detail", plan.detail));
      break;
    case PlanState::skipped:
    case PlanState::too_old:
      break;  // logged where it is decided
  }
}

}  // namespace tlsrpt::sender
