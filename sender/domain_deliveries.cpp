// SPDX-License-Identifier: BSD-2-Clause
#include "sender/domain_deliveries.hpp"

#include <utility>

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kMostHeld = 10000;

}  // namespace

Result<void> DomainDeliveries::read_domain() {
  const std::string& domain = domains_[at_++];
  const auto plan = ledger_.find_plan(day_, domain);
  if (!plan) return tl::unexpected(plan.error());
  const PlanState state = *plan ? (*plan)->state : PlanState::dns_failure;
  if (state != PlanState::planned) observer_.not_planned(domain, state);
  auto deliveries = ledger_.deliveries(day_, domain);
  if (!deliveries) return tl::unexpected(deliveries.error());
  for (Delivery& delivery : *deliveries) {
    if (can_be_served(delivery.state)) {
      lines_[delivery.key.scheme()].ready.push_back(std::move(delivery));
    } else {
      observer_.not_tried(delivery);
    }
  }
  return {};
}

Result<std::vector<Delivery>> DomainDeliveries::take(Rua::Scheme scheme, Seconds now,
                                                     std::size_t limit) {
  Line& line = lines_[scheme];
  while (!line.put_off.empty() && line.put_off.begin()->first <= now) {
    line.ready.push_back(std::move(line.put_off.begin()->second));
    line.put_off.erase(line.put_off.begin());
  }
  while (line.ready.size() < limit && at_ < domains_.size() && held() < kMostHeld) {
    if (auto done = read_domain(); !done) return tl::unexpected(done.error());
  }
  std::vector<Delivery> taken;
  while (taken.size() < limit && !line.ready.empty()) {
    taken.push_back(std::move(line.ready.front()));
    line.ready.pop_front();
  }
  return taken;
}

Result<void> DomainDeliveries::put_off(const Delivery& delivery, Seconds until) {
  lines_[delivery.key.scheme()].put_off.emplace(until, delivery);
  return {};
}

void DomainDeliveries::passed_over(const Delivery& delivery) {
  const auto now = ledger_.find_delivery(delivery.id);
  observer_.not_tried(now && *now ? **now : delivery);
}

std::size_t DomainDeliveries::left() const { return domains_.size() - at_ + held(); }

std::size_t DomainDeliveries::held() const {
  std::size_t number = 0;
  for (const auto& [scheme, line] : lines_) number += line.ready.size() + line.put_off.size();
  return number;
}

Result<std::optional<Seconds>> DomainDeliveries::next(Rua::Scheme scheme) {
  const Line& line = lines_[scheme];
  if (!line.ready.empty() || (at_ < domains_.size() && held() < kMostHeld)) {
    return std::optional<Seconds>(Seconds{});
  }
  if (line.put_off.empty()) return std::optional<Seconds>{};
  return std::optional<Seconds>(line.put_off.begin()->first);
}

}  // namespace tlsrpt::sender
