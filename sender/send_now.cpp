// SPDX-License-Identifier: BSD-2-Clause
#include "sender/send_now.hpp"

#include <memory>

#include "common/escape.hpp"
#include "sender/domain_deliveries.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::chrono::milliseconds kPatience{200};

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
    case DeliveryState::bounced:
      ++counts.failed;
      break;
    case DeliveryState::waiting:
    case DeliveryState::sending:
    case DeliveryState::deferred:
      ++counts.open;
      break;
    case DeliveryState::suppressed:
    case DeliveryState::excluded:
    case DeliveryState::unsupported:
      break;
  }
}

/// The list in pages, as the planner wants it.
NextDomains pages_of(const std::vector<std::string>& domains) {
  return [&domains, at = std::size_t{0}]() mutable -> Result<std::vector<std::string>> {
    const std::size_t begin = at;
    at = std::min(domains.size(), begin + kDomainBatch);
    return std::vector<std::string>(domains.begin() + static_cast<std::ptrdiff_t>(begin),
                                    domains.begin() + static_cast<std::ptrdiff_t>(at));
  };
}

}  // namespace

void SendNow::ended(const Delivery& delivery) {
  count(delivery, counts_);
  print_(to_line(delivery));
}

Result<void> SendNow::plan(Day day, const std::vector<std::string>& domains,
                           const StopRequested& stop, const Wait& wait) {
  Planner& planner = sending_.planner;
  planner.add_domains(day, pages_of(domains), Spread::now);
  while (!planner.idle()) {
    if (stop()) planner.stop();
    const auto busy = planner.step();
    if (!busy) return tl::unexpected(busy.error());
    progress_("looking up", std::min<std::uint64_t>(planner.decided(), domains.size()),
              domains.size());
    if (!*busy && !planner.idle()) wait({sending_.lookups->fd()}, kPatience);
  }
  return {};
}

Result<void> SendNow::deliver(Day day, const std::vector<std::string>& domains,
                              const StopRequested& stop, const Wait& wait) {
  DomainDeliveries source(sending_.ledger, day, domains,
                          {[this](const Delivery& delivery) { ended(delivery); },
                           [this](const std::string& domain, PlanState state) {
                             if (state == PlanState::dns_failure) ++counts_.open;
                             print_(fmt::format("{} - {}", domain, to_word(state)));
                           }});
  Dispatcher& dispatcher = sending_.dispatcher;
  dispatcher.on_end([this](const Delivery& delivery) { ended(delivery); });
  for (;;) {
    const bool stopping = stop();
    const auto busy = stopping ? dispatcher.settle() : dispatcher.step(source);
    if (!busy) return tl::unexpected(busy.error());
    progress_("sending", source.domains_read(), domains.size());
    if (*busy) continue;
    const auto more = stopping ? Result<bool>(false) : may_go_on(source);
    if (!more) return tl::unexpected(more.error());
    if (!*more && sending_.pool->in_hand() == 0) {
      counts_.open += source.left();
      return {};
    }
    wait({sending_.pool->fd()}, kDoneWait);
  }
}

/// Is there anything left to be tried? Not while the mail server is in trouble: the daemon has more
/// patience.
Result<bool> SendNow::may_go_on(DeliverySource& source) {
  for (const Rua::Scheme scheme : {Rua::Scheme::mailto, Rua::Scheme::https}) {
    const auto next = source.next(scheme);
    if (!next) return tl::unexpected(next.error());
    if (*next && !sending_.dispatcher.is_paused(scheme)) return true;
  }
  return false;
}

Result<SendCounts> SendNow::send(Day day, const std::vector<std::string>& domains,
                                 const StopRequested& stop, const Wait& wait) {
  counts_ = {};
  if (auto done = plan(day, domains, stop, wait); !done) return tl::unexpected(done.error());
  auto done = deliver(day, domains, stop, wait);
  sending_.dispatcher.on_end({});
  if (!done) return tl::unexpected(done.error());
  if (auto left = sending_.dispatcher.leave(); !left) return tl::unexpected(left.error());
  return counts_;
}

}  // namespace tlsrpt::sender
