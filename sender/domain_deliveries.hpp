// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// The deliveries of chosen domains on one day, each to be tried once: the source of 'send'.

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sender/delivery_source.hpp"

namespace tlsrpt::sender {

class DomainDeliveries final : public DeliverySource {
 public:
  /// A delivery that is not tried, as it stands in the ledger; or a domain without any.
  struct Observer {
    std::function<void(const Delivery&)> not_tried;
    std::function<void(const std::string& domain, PlanState)> not_planned;
  };

  DomainDeliveries(Ledger& ledger, Day day, const std::vector<std::string>& domains,
                   Observer observer)
      : ledger_(ledger), day_(day), domains_(domains), observer_(std::move(observer)) {}

  Result<std::vector<Delivery>> take(Rua::Scheme scheme, Seconds now, std::size_t limit) override;
  Result<void> put_off(const Delivery& delivery, Seconds until) override;
  void passed_over(const Delivery& delivery) override;
  Result<std::optional<Seconds>> next(Rua::Scheme scheme) override;

  /// Deliveries that wait here, and domains that were not read.
  [[nodiscard]] std::size_t left() const;
  /// How many domains have been read.
  [[nodiscard]] std::size_t domains_read() const { return at_; }

 private:
  struct Line {
    std::deque<Delivery> ready;
    std::multimap<Seconds, Delivery> put_off;
  };
  [[nodiscard]] std::size_t held() const;
  Result<void> read_domain();

  Ledger& ledger_;
  Day day_;
  const std::vector<std::string>& domains_;
  Observer observer_;
  std::size_t at_ = 0;
  std::map<Rua::Scheme, Line> lines_;
};

}  // namespace tlsrpt::sender
