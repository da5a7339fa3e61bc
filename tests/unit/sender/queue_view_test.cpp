// SPDX-License-Identifier: BSD-2-Clause
#include "sender/queue_view.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/sender/ledger_entries.hpp"

namespace tlsrpt::sender {
namespace {

using Lines = std::vector<std::string>;

class QueueTest : public LedgerTest {};

TEST_F(QueueTest, shows_what_was_asked_for_with_the_true_total) {
  add("2026-03-01", "a.example", {{"mailto:t@a.example", DeliveryState::waiting}});
  add("2026-03-01", "b.example",
      {{"mailto:t@b.example", DeliveryState::failed},
       {"https://b.example/r", DeliveryState::deferred}});
  add("2026-02-28", "a.example", {{"mailto:t@a.example", DeliveryState::delivered}});
  const auto count = [&](const QueueRequest& request) {
    return read_queue(ledger, request, 10)->total;
  };
  EXPECT_EQ(count({}), 4u);
  EXPECT_EQ(count({.states = {DeliveryState::waiting, DeliveryState::deferred}}), 2u);
  EXPECT_EQ(count({.domains = {"a.example"}}), 2u);
  EXPECT_EQ(count({.day = day("2026-03-01"), .domains = {"a.example", "b.example"}}), 3u);
  EXPECT_EQ(count({.domains = {"c.example"}}), 0u);
  const auto cut = read_queue(ledger, {.domains = {"b.example", "a.example"}}, 3).value();
  EXPECT_EQ(cut.deliveries.size(), 3u);
  EXPECT_EQ(queue_total(cut),
            "3 of 4 deliveries are shown; --day, --state or a domain narrow them down");
}

Delivery deferred() {
  Delivery delivery;
  delivery.key = {day("2026-03-01"), "a.example", "mailto:t@a.example"};
  delivery.state = DeliveryState::deferred;
  delivery.due = at("2026-03-02T04:05:59Z");
  delivery.attempts = 3;
  delivery.first_attempt = at("2026-03-02T03:00:00Z");
  delivery.detail = "450 \x1b[31mgreylisted\n";
  return delivery;
}

TEST(Queue, is_a_table_for_people) {
  EXPECT_EQ(queue_table({{deferred()}, 1}, kNoWidth),
            (Lines{"NEXT TRY           STATE     TRIES  DAY         DOMAIN     DESTINATION         "
                   "DETAIL",
                   "2026-03-02 04:05Z  deferred  3      2026-03-01  a.example  mailto:t@a.example  "
                   "450 \\x1b[31mgreylisted\\x0a"}));
  EXPECT_EQ(queue_table({}, 80), Lines{});
  EXPECT_EQ(queue_total({{deferred()}, 1}), "1 delivery");
}

TEST(Queue, no_line_is_wider_than_the_terminal) {
  Delivery wide = deferred();
  wide.key.domain = std::string(200, 'd');
  wide.key.destination = std::string(500, 'u');
  for (const std::size_t width : {20u, 80u, 132u, 200u}) {
    for (const std::string& line : queue_table({{wide, deferred()}, 2}, width)) {
      EXPECT_LE(line.size(), width);
    }
  }
}

TEST(Queue, closed_deliveries_have_no_next_try) {
  Delivery done = deferred();
  done.state = DeliveryState::delivered;
  EXPECT_TRUE(queue_table({{done}, 1}, kNoWidth)[1].starts_with("-  "));
  EXPECT_EQ(queue_json(done).find("next_attempt"), std::string::npos);
}

TEST(Queue, is_json_for_programs) {
  EXPECT_EQ(queue_json(deferred()),
            R"({"day":"2026-03-01","domain":"a.example","destination":"mailto:t@a.example",)"
            R"("state":"deferred","attempts":3,"next_attempt":"2026-03-02T04:05:59Z",)"
            R"("first_attempt":"2026-03-02T03:00:00Z","detail":"450 \u001b[31mgreylisted\n"})");
}

TEST(TextTable, cuts_between_characters) {
  EXPECT_EQ(cut_text("b\xc3\xbc"
                     "cher",
                     6),
            "b\xc3\xbc"
            "cher");
  EXPECT_EQ(cut_text("b\xc3\xbc"
                     "cherei",
                     5),
            "b\xc3\xbc...");
  EXPECT_EQ(cut_text("b\xc3\xbc"
                     "cher",
                     2),
            "b\xc3\xbc");
}

}  // namespace
}  // namespace tlsrpt::sender
