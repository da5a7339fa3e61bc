// SPDX-License-Identifier: BSD-2-Clause
#pragma once

// 'opentlsrpt-reporter queue': what is waiting, for whom, until when, and why.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sender/ledger.hpp"
#include "sender/text_table.hpp"

namespace tlsrpt::sender {

inline constexpr std::size_t kQueueShown = 1000;        ///< lines for a person
inline constexpr std::size_t kQueueShownJson = 100000;  ///< lines for a program; bounds memory

struct QueueRequest {
  std::optional<Day> day{};
  std::vector<DeliveryState> states{};  ///< empty: all
  std::vector<std::string> domains{};   ///< normalised; empty: all
};

struct Queue {
  std::vector<Delivery> deliveries;  ///< by due time, for each domain that was asked for
  std::uint64_t total = 0;           ///< also of those that are left out
};

Result<Queue> read_queue(Ledger& ledger, const QueueRequest& request, std::size_t limit);

/// Lines for a terminal of 'width' columns (kNoWidth: any), titles first; none if there is nothing.
std::vector<std::string> queue_table(const Queue& queue, std::size_t width);

/// One JSON object without line end.
std::string queue_json(const Delivery& delivery);

/// "1000 of 23456 deliveries are shown; ..."
std::string queue_total(const Queue& queue);

}  // namespace tlsrpt::sender
