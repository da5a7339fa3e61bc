// SPDX-License-Identifier: BSD-2-Clause
#include "sender/queue_view.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "common/escape.hpp"

namespace tlsrpt::sender {

namespace {

constexpr std::size_t kNameWidth = 30;
constexpr std::size_t kUriWidth = 40;
constexpr std::size_t kErrorWidth = 1000;

/// "2026-03-02 04:15Z": seconds say nothing here.
std::string short_time(Seconds time) {
  const std::string text = format_rfc3339(time);
  return text.substr(0, 10) + " " + text.substr(11, 5) + "Z";
}

std::string next_try(const Delivery& delivery) {
  if (delivery.state == DeliveryState::sending) return "now";
  return is_open(delivery.state) ? short_time(delivery.due) : "-";
}

std::vector<std::string> to_row(const Delivery& delivery) {
  return {next_try(delivery),
          std::string(to_word(delivery.state)),
          std::to_string(delivery.attempts),
          format_day(delivery.key.day),
          escape_terminal(delivery.key.domain),
          escape_terminal(delivery.key.destination),
          escape_terminal(delivery.detail)};
}

}  // namespace

Result<Queue> read_queue(Ledger& ledger, const QueueRequest& request, std::size_t limit) {
  Queue queue;
  const std::vector<std::string> all = {""};
  for (const std::string& domain : request.domains.empty() ? all : request.domains) {
    const DeliveryFilter filter{request.day, domain, request.states};
    const auto count = ledger.count(filter);
    if (!count) return tl::unexpected(count.error());
    queue.total += *count;
    auto rows = ledger.list(filter, limit - queue.deliveries.size());
    if (!rows) return tl::unexpected(rows.error());
    std::move(rows->begin(), rows->end(), std::back_inserter(queue.deliveries));
  }
  return queue;
}

std::vector<std::string> queue_table(const Queue& queue, std::size_t width) {
  if (queue.deliveries.empty()) return {};
  const std::vector<TableColumn> columns = {{"NEXT TRY", 17},       {"STATE", 11},
                                            {"TRIES", 5},           {"DAY", 10},
                                            {"DOMAIN", kNameWidth}, {"DESTINATION", kUriWidth},
                                            {"DETAIL", kErrorWidth}};
  std::vector<std::vector<std::string>> rows;
  for (const Delivery& delivery : queue.deliveries) rows.push_back(to_row(delivery));
  return text_table(columns, rows, width);
}

std::string queue_json(const Delivery& delivery) {
  nlohmann::ordered_json object = {{"day", format_day(delivery.key.day)},
                                   {"domain", delivery.key.domain},
                                   {"destination", delivery.key.destination},
                                   {"state", to_word(delivery.state)},
                                   {"attempts", delivery.attempts}};
  if (is_open(delivery.state)) object["next_attempt"] = format_rfc3339(delivery.due);
  if (delivery.first_attempt) object["first_attempt"] = format_rfc3339(*delivery.first_attempt);
  if (!delivery.detail.empty()) object["detail"] = delivery.detail;
  return escape_json_for_terminal(
      object.dump(-1, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace));
}

std::string queue_total(const Queue& queue) {
  if (queue.deliveries.size() < queue.total) {
    return fmt::format("{} of {} deliveries are shown; --day, --state or a domain narrow them down",
                       queue.deliveries.size(), queue.total);
  }
  return fmt::format("{} {}", queue.total, queue.total == 1 ? "delivery" : "deliveries");
}

}  // namespace tlsrpt::sender
