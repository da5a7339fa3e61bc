// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// Where the dispatcher finds what is to be delivered now.

#include <optional>
#include <vector>

#include "sender/ledger.hpp"

namespace tlsrpt::sender {

class DeliverySource {
 public:
  virtual ~DeliverySource() = default;
  /// Candidates of one kind that may be served at 'now', at most 'limit'. Each is then claimed,
  /// put off or passed over.
  virtual Result<std::vector<Delivery>> take(Rua::Scheme scheme, Seconds now,
                                             std::size_t limit) = 0;
  /// One of them has to wait.
  virtual Result<void> put_off(const Delivery& delivery, Seconds until) = 0;
  /// One of them was done already, is in another process's hands, or cannot be served at all.
  virtual void passed_over(const Delivery&) {}
  /// Not somebody's wish: a day beyond MaximumAge is not served any more.
  [[nodiscard]] virtual bool of_the_daemon() const { return false; }
  /// When the next one may be served; nothing if none is left.
  virtual Result<std::optional<Seconds>> next(Rua::Scheme scheme) = 0;
};

/// What is due in the ledger: the daemon's source.
class DueDeliveries final : public DeliverySource {
 public:
  explicit DueDeliveries(Ledger& ledger) : ledger_(ledger) {}
  [[nodiscard]] bool of_the_daemon() const override { return true; }
  Result<std::vector<Delivery>> take(Rua::Scheme scheme, Seconds now, std::size_t limit) override {
    return ledger_.due(scheme, now, limit);
  }
  Result<void> put_off(const Delivery& delivery, Seconds until) override {
    return ledger_.postpone(delivery.id, until);
  }
  Result<std::optional<Seconds>> next(Rua::Scheme scheme) override {
    return ledger_.next_due(scheme);
  }

 private:
  Ledger& ledger_;
};

}  // namespace tlsrpt::sender
