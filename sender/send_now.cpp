// SPDX-License-Identifier: BSD-2-Clause
#include "sender/send_now.hpp"

#include "common/escape.hpp"

namespace tlsrpt::sender {

namespace {

std::string to_line(const Delivery& delivery) {
  return fmt::format("{} {} {}{}{}", delivery.key.domain, escape_terminal(delivery.key.destination),
                     to_word(delivery.state), delivery.detail.empty() ? "" : " ",
                     escape_terminal(delivery.detail));
}

void count(const Delivery& delivery, SendCounts& counts) {
  switch (delivery.state) {
    case DeliveryState::delivered:
      ++counts.delivered;
      break;
    case DeliveryState::failed:
    case DeliveryState::expired:
      ++counts.failed;
      break;
    case DeliveryState::waiting:
    case DeliveryState::sending:
    case DeliveryState::deferred:
      ++counts.open;
      break;
    case DeliveryState::unsupported:
      break;
  }
}

}  // namespace

Result<SendCounts> ImmediateSender::send(Day day, const std::vector<std::string>& domains,
                                         const PrintLine& print, const StopRequested& stop) {
  SendCounts counts;
  if (auto done = planner_.plan_domains(day, domains, Spread::now, stop); !done) {
    return tl::unexpected(done.error());
  }
  for (const std::string& domain : domains) {
    if (stop()) break;
    if (auto done = send_domain(day, domain, print, counts); !done) {
      return tl::unexpected(done.error());
    }
  }
  if (auto done = deliverer_.rest(); !done) return tl::unexpected(done.error());
  return counts;
}

Result<void> ImmediateSender::send_domain(Day day, const std::string& domain,
                                          const PrintLine& print, SendCounts& counts) {
  const auto plan = ledger_.find_plan(day, domain);
  if (!plan) return tl::unexpected(plan.error());
  const PlanState state = *plan ? (*plan)->state : PlanState::dns_failure;
  if (state == PlanState::dns_failure) ++counts.open;
  if (state != PlanState::planned) print(fmt::format("{} - {}", domain, to_word(state)));
  const auto deliveries = ledger_.deliveries(day, domain);
  if (!deliveries) return tl::unexpected(deliveries.error());
  for (const Delivery& delivery : *deliveries) {
    const auto sent = send_one(delivery);
    if (!sent) return tl::unexpected(sent.error());
    count(*sent, counts);
    print(to_line(*sent));
  }
  return {};
}

Result<Delivery> ImmediateSender::send_one(const Delivery& delivery) {
  auto served = deliverer_.serve(delivery.key, ClaimMode::now);
  if (!served) return tl::unexpected(served.error());
  if (*served) return std::move(**served);
  return delivery;  // delivered before, not to be served, or in another process's hands
}

}  // namespace tlsrpt::sender
