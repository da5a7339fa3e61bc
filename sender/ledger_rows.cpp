// SPDX-License-Identifier: BSD-2-Clause
#include "sender/ledger_rows.hpp"

#include <utility>

namespace tlsrpt::sender::ledger {

namespace {

Delivery read_delivery(const Statement& row) {
  Delivery delivery;
  delivery.id = row.integer(0);
  delivery.plan = row.integer(1);
  delivery.key = {to_day(row.integer(2)), row.text(3), row.text(4)};
  delivery.state = delivery_state(row.text(5)).value_or(DeliveryState::failed);
  delivery.due = to_seconds(row.integer(6));
  delivery.attempts = static_cast<int>(row.integer(7));
  if (!row.is_null(8)) delivery.first_attempt = to_seconds(row.integer(8));
  delivery.detail = row.text(9);
  return delivery;
}

}  // namespace

Result<std::vector<Delivery>> read_deliveries(Statement& query) {
  std::vector<Delivery> rows;
  for (;;) {
    const auto row = query.step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return rows;
    rows.push_back(read_delivery(query));
  }
}

}  // namespace tlsrpt::sender::ledger
