// SPDX-License-Identifier: BSD-2-Clause
#include "sender/reporter.hpp"

#include <set>
#include <utility>

#include "common/gzip.hpp"
#include "tests/unit/sender/sending_house.hpp"

namespace tlsrpt::sender {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

using ReporterTest = SendingTest;

HandOverResult in_trouble() {
  HandOverResult result = later();
  result.server_trouble = true;
  return result;
}

TEST(DueTime, lies_within_the_window_after_midnight_or_from_now_if_that_is_over) {
  const Day reported = day("2026-03-01");
  const auto lowest = [](std::uint64_t) { return std::uint64_t{0}; };
  const auto highest = [](std::uint64_t bound) { return bound - 1; };
  const Seconds early = at("2026-03-02T00:02:00Z");
  EXPECT_EQ(draw_due_time(reported, early, hours(4), lowest), early);
  EXPECT_EQ(draw_due_time(reported, early, hours(4), highest), at("2026-03-02T04:00:00Z"));
  const Seconds late = at("2026-03-02T09:00:00Z");
  EXPECT_EQ(draw_due_time(reported, late, hours(4), lowest), late);
  EXPECT_EQ(draw_due_time(reported, late, hours(4), highest), late + hours(4));
  EXPECT_EQ(draw_due_time(reported, early, seconds(0), highest), early);
}

TEST_F(ReporterTest, deliveries_of_many_domains_are_spread_over_the_window) {
  std::set<Seconds> times;
  for (int i = 0; i < 50; ++i) {
    const std::string domain = fmt::format("d{}.example", i);
    count("2026-03-01", outcome(domain));
    ask_for_reports(domain);
  }
  round();
  for (int i = 0; i < 50; ++i) {
    times.insert(delivery("2026-03-01", fmt::format("d{}.example", i)).due);
  }
  EXPECT_GT(times.size(), 40u);  // R144
  EXPECT_GE(*times.begin(), clock.time);
  EXPECT_LE(*times.rbegin(), at("2026-03-02T04:00:00Z"));
}

TEST_F(ReporterTest, a_day_is_reported_after_it_has_ended_and_once) {
  count("2026-03-01", outcome("rcpt.example"));
  ask_for_reports("rcpt.example");
  clock.time = at("2026-03-01T23:00:00Z");
  run_until("2026-03-02T00:02:00Z");
  EXPECT_FALSE(*ledger().find_plan(day("2026-03-01"), "rcpt.example"))
      << "a collector may hold outcomes of the day for a moment after midnight";
  run_until("2026-03-02T06:00:00Z");
  EXPECT_EQ(servers.mails.size(), 1u);
  run_until("2026-03-04T00:00:00Z");
  EXPECT_EQ(servers.mails.size(), 1u);
  EXPECT_EQ(dns.questions().size(), 1u);
}

TEST_F(ReporterTest, days_missed_while_down_are_caught_up_each_with_its_own_range) {
  for (const char* missed : {"2026-02-26", "2026-02-27", "2026-03-01"}) {
    count(missed, outcome("rcpt.example"));
  }
  ask_for_reports("rcpt.example");
  run_until("2026-03-02T12:00:00Z");
  ASSERT_EQ(servers.mails.size(), 3u);
  for (const char* missed : {"2026-02-26", "2026-02-27", "2026-03-01"}) {
    const auto report = ledger().find_report(day(missed), "rcpt.example").value();
    ASSERT_TRUE(report) << missed;
    const std::string json = gunzip(report->gzipped).bytes;
    EXPECT_NE(json.find(fmt::format("\"{}T00:00:00Z\"", missed)), std::string::npos) << json;
    EXPECT_NE(json.find(fmt::format("\"{}T23:59:59Z\"", missed)), std::string::npos) << json;
  }
}

TEST_F(ReporterTest, days_older_than_the_retention_are_forgotten_and_not_sent) {
  count("2026-02-19", outcome("rcpt.example"));
  ask_for_reports("rcpt.example");
  run_until("2026-03-02T12:00:00Z");
  EXPECT_TRUE(servers.mails.empty());
  EXPECT_TRUE(process->sending->store.days()->empty());
}

TEST_F(ReporterTest, retries_follow_the_backoff) {
  settings.send_window = seconds(0);
  restart();
  count("2026-03-01", outcome("rcpt.example"));
  ask_for_reports("rcpt.example");
  std::vector<Seconds> attempts;
  servers.answer = [&](const Envelope&) {
    attempts.push_back(clock.time);
    return later();
  };
  run_until("2026-03-03T12:00:00Z");
  ASSERT_GE(attempts.size(), 10u);
  ASSERT_LE(attempts.size(), 12u);
  for (std::size_t i = 1; i + 1 < attempts.size(); ++i) {  // R146
    EXPECT_GE(attempts[i] - attempts[i - 1], backoff(static_cast<int>(i))) << i;
    EXPECT_LE(attempts[i] - attempts[i - 1], backoff(static_cast<int>(i)) * 5 / 4) << i;
  }
  EXPECT_EQ(attempts.back() - attempts.front(), hours(24));
  EXPECT_EQ(delivery("2026-03-01", "rcpt.example").state, DeliveryState::expired);
  EXPECT_EQ(log.count("report-expired"), 1);  // R148
}

TEST_F(ReporterTest, a_server_down_for_23_hours_gets_the_report_and_one_down_for_25_does_not) {
  settings.send_window = seconds(0);
  restart();
  for (const int down : {23, 25}) {  // R145
    const std::string domain = fmt::format("down{}.example", down);
    count("2026-03-01", outcome(domain));
    ask_for_reports(domain, fmt::format("v=TLSRPTv1; rua=mailto:{}@{}", down, domain));
  }
  const Seconds first = clock.time;
  servers.answer = [&](const Envelope& envelope) {
    const auto down = hours(envelope.recipient.starts_with("23@") ? 23 : 25);
    return clock.time < first + down ? later() : HandOverResult{HandOver::accepted, "250"};
  };
  run_until("2026-03-04T00:00:00Z");
  EXPECT_EQ(delivery("2026-03-01", "down23.example").state, DeliveryState::delivered);
  EXPECT_EQ(delivery("2026-03-01", "down25.example").state, DeliveryState::expired);
}

TEST_F(ReporterTest, a_restart_keeps_due_times_attempts_and_reports) {
  count("2026-03-01", outcome("rcpt.example"));
  ask_for_reports("rcpt.example");
  round();
  const Seconds due = delivery("2026-03-01", "rcpt.example").due;
  ASSERT_GT(due, clock.time);
  restart();
  round();
  EXPECT_EQ(delivery("2026-03-01", "rcpt.example").due, due);
  servers.answer = [](const Envelope&) { return later(); };
  clock.time = due;
  round();
  restart();
  servers.answer = nullptr;
  run_until("2026-03-02T12:00:00Z");
  ASSERT_EQ(servers.mails.size(), 2u);
  EXPECT_EQ(servers.mails[0].message, servers.mails[1].message);
  EXPECT_EQ(delivery("2026-03-01", "rcpt.example").attempts, 2);
}

TEST_F(ReporterTest, a_clock_that_is_set_back_stops_neither_planning_nor_deliveries) {
  settings.send_window = seconds(0);
  restart();
  clock.time = at("2026-03-02T09:00:00Z");
  for (int i = 0; i < 12; ++i) {
    count("2026-03-01", outcome(fmt::format("d{}.example", i)));
    ask_for_reports(fmt::format("d{}.example", i));
  }
  servers.answer = [](const Envelope&) { return in_trouble(); };
  round();
  ASSERT_EQ(log.count("delivery-paused"), 1);
  servers.answer = nullptr;
  clock.time = at("2026-03-02T05:00:00Z");
  count("2026-03-01", outcome("late.example"));
  ask_for_reports("late.example");
  run_until("2026-03-02T05:10:00Z");
  EXPECT_EQ(delivery("2026-03-01", "late.example").state, DeliveryState::delivered);
}

TEST_F(ReporterTest, one_bad_address_does_not_block_the_other) {
  count("2026-03-01", outcome("rcpt.example"));
  ask_for_reports("rcpt.example", "v=TLSRPTv1; rua=mailto:bad@rcpt.example,mailto:ok@rcpt.example");
  servers.answer = [](const Envelope& envelope) {
    return envelope.recipient == "bad@rcpt.example"
               ? HandOverResult{HandOver::permanent, "550 5.1.1 unknown"}
               : HandOverResult{HandOver::accepted, "250 Ok"};
  };
  run_until("2026-03-02T06:00:00Z");
  const auto rows = deliveries("2026-03-01", "rcpt.example");
  ASSERT_EQ(rows.size(), 2u);  // R149
  EXPECT_EQ(rows[0].state, DeliveryState::failed);
  EXPECT_EQ(rows[1].state, DeliveryState::delivered);
}

TEST_F(ReporterTest, a_failure_of_dns_uses_the_record_of_the_mta_and_absence_sends_nothing) {
  count("2026-03-01", outcome("fallback.example"));
  count("2026-03-01", outcome("gone.example"));
  dns.txt_answers["_smtp._tls.fallback.example"] = FakeDns::failed<std::string>();
  run_until("2026-03-02T06:00:00Z");
  ASSERT_EQ(servers.mails.size(), 1u);
  EXPECT_EQ(delivery("2026-03-01", "fallback.example").state, DeliveryState::delivered);
  EXPECT_EQ(ledger().find_plan(day("2026-03-01"), "gone.example").value()->state,
            PlanState::no_record);
  EXPECT_EQ(log.count("no-record domain=gone.example"), 1);
}

TEST_F(ReporterTest, unknown_dns_without_a_fallback_is_asked_again_until_it_answers) {
  count("2026-03-01", outcome("rcpt.example", false, ""));
  dns.txt_answers["_smtp._tls.rcpt.example"] = FakeDns::failed<std::string>();
  run_until("2026-03-02T05:00:00Z");
  EXPECT_TRUE(servers.mails.empty());
  EXPECT_GE(log.count("dns-failure"), 4);
  EXPECT_LE(log.count("dns-failure"), 7) << "with growing pauses";
  dns.txt_answers.clear();
  ask_for_reports("rcpt.example");  // R35
  run_until("2026-03-02T18:00:00Z");
  EXPECT_EQ(servers.mails.size(), 1u);
}

TEST_F(ReporterTest, a_resolver_that_answers_nothing_holds_up_neither_deliveries_nor_days) {
  settings.send_window = seconds(0);
  restart();
  for (int i = 0; i < 900; ++i) {
    const std::string domain = fmt::format("d{:03}.example", i);
    count("2026-03-01", outcome(domain, false, i < 10 ? std::string(kRecord) : ""));
    dns.txt_answers[tlsrpt_name(domain)] = FakeDns::failed<std::string>("timeout");
  }
  round();
  EXPECT_LT(dns.questions().size(), 900u);
  EXPECT_EQ(log.count("planning-paused"), 1);
  EXPECT_EQ(servers.mails.size(), 10u) << "by the record that an MTA saw";
  for (int i = 0; i < 900; ++i) ask_for_reports(fmt::format("d{:03}.example", i));
  run_until("2026-03-02T01:00:00Z");
  EXPECT_EQ(servers.mails.size(), 900u);
}

TEST_F(ReporterTest, a_resolver_that_answers_nothing_is_not_asked_on_when_all_is_to_be_sent_now) {
  std::vector<std::string> domains;
  for (int i = 0; i < 900; ++i) {
    domains.push_back(fmt::format("d{:03}.example", i));
    count("2026-03-01", outcome(domains.back()));
    dns.txt_answers[tlsrpt_name(domains.back())] = FakeDns::failed<std::string>("timeout");
  }
  const auto once = [&domains]() -> Result<std::vector<std::string>> {
    return std::exchange(domains, {});
  };
  process->sending->planner.add_domains(day("2026-03-01"), once, Spread::now);
  round();
  EXPECT_LT(dns.questions().size(), 900u);
  EXPECT_EQ(servers.mails.size(), 900u);
}

TEST_F(ReporterTest, https_and_mail_destinations_are_served_each_in_its_way) {
  settings.send_window = seconds(0);
  restart();
  count_and_ask("2026-03-01", "rcpt.example",
                "v=TLSRPTv1; rua=https://rcpt.example/tls?a=b,mailto:tls@rcpt.example");
  servers.answer_to_post = [](const std::string&) { return later(); };
  round();
  EXPECT_EQ(servers.mails.size(), 1u) << "each by itself (R173)";
  ASSERT_EQ(servers.posts.size(), 1u);
  EXPECT_EQ(servers.posts[0].uri, "https://rcpt.example/tls?a=b");  // R155
  servers.answer_to_post = nullptr;
  run_until("2026-03-02T02:00:00Z");
  ASSERT_EQ(servers.posts.size(), 2u);
  EXPECT_EQ(servers.posts[0].body, servers.posts[1].body);  // R172
  EXPECT_EQ(gunzip(servers.posts[0].body).refusal, Refusal::none);
  for (const Delivery& one : deliveries("2026-03-01", "rcpt.example")) {
    EXPECT_EQ(one.state, DeliveryState::delivered) << one.key.destination;
  }
}

TEST_F(ReporterTest, a_server_that_names_a_time_is_not_asked_before) {
  settings.send_window = seconds(0);
  restart();
  count_and_ask("2026-03-01", "rcpt.example", "v=TLSRPTv1; rua=https://rcpt.example/tls");
  servers.answer_to_post = [](const std::string&) {
    HandOverResult busy = later();
    busy.retry_after = hours(3);
    return busy;
  };
  round();
  EXPECT_EQ(delivery("2026-03-01", "rcpt.example").due, clock.time + hours(3));  // R163
}

TEST_F(ReporterTest, days_beyond_the_maximum_age_are_closed_without_reports) {
  settings.maximum_age = hours(72);
  restart();
  count_and_ask("2026-02-26", "rcpt.example");
  count("2026-02-27", outcome("rcpt.example"));
  run_until("2026-03-02T06:00:00Z");
  EXPECT_EQ(plan_state_of("2026-02-26", "rcpt.example"), PlanState::too_old);
  EXPECT_EQ(servers.mails.size(), 1u);
  EXPECT_EQ(delivery("2026-02-27", "rcpt.example").state, DeliveryState::delivered);
}

TEST_F(ReporterTest, a_rule_that_keeps_a_domain_leaves_the_decision_to_its_record) {
  auto read = DestinationRules::parse("domain *.kept.example keep\ndomain * never\n", "rules");
  ASSERT_TRUE(read.problems.empty());
  rules = std::move(read.rules);
  count_and_ask("2026-03-01", "a.kept.example", "v=TLSRPTv1; rua=mailto:now@a.kept.example");
  count("2026-03-01", outcome("none.kept.example"));
  count_and_ask("2026-03-01", "other.example");
  run_until("2026-03-02T06:00:00Z");
  EXPECT_EQ(delivery("2026-03-01", "a.kept.example").key.destination, "mailto:now@a.kept.example");
  EXPECT_EQ(plan_state_of("2026-03-01", "none.kept.example"), PlanState::no_record);
  EXPECT_EQ(plan_state_of("2026-03-01", "other.example"), PlanState::excluded);
}

TEST_F(ReporterTest, the_operators_rules_decide_who_gets_reports) {
  auto read = DestinationRules::parse(
      "domain never.example never\n"
      "domain moved.example replace mailto:new@moved.example\n"
      "rua *@dead.example never\n"
      "domain * copy mailto:archive@sender.example\n",
      "rules");
  ASSERT_TRUE(read.problems.empty()) << read.problems[0].to_string();
  rules = std::move(read.rules);
  settings.send_window = seconds(0);
  restart();
  count_and_ask("2026-03-01", "never.example");
  count("2026-03-01", outcome("moved.example"));
  count_and_ask("2026-03-01", "dead.example", "v=TLSRPTv1; rua=mailto:tls@dead.example");
  count_and_ask("2026-03-01", "usual.example", "v=TLSRPTv1; rua=mailto:tls@usual.example");
  round();
  std::multiset<std::string> recipients;
  for (const Mail& mail : servers.mails) recipients.insert(mail.envelope.recipient);
  EXPECT_EQ(recipients,
            (std::multiset<std::string>{"archive@sender.example", "archive@sender.example",
                                        "new@moved.example", "tls@usual.example"}));
  EXPECT_EQ(plan_state_of("2026-03-01", "dead.example"), PlanState::excluded);
  EXPECT_EQ(plan_state_of("2026-03-01", "never.example"), PlanState::excluded);
  EXPECT_EQ(dns.questions().size(), 2u) << "no question where the record does not matter";
}

TEST_F(ReporterTest, an_address_that_refuses_reports_is_left_alone_after_the_limit_and_for_a_time) {
  settings.send_window = seconds(0);
  settings.suppression = {2, hours(24 * 5)};
  restart();
  servers.answer = [](const Envelope&) {
    HandOverResult refused{HandOver::permanent, "550 5.1.1 no such user"};
    refused.destination_refused = true;
    return refused;
  };
  ask_for_reports("rcpt.example");
  const auto report_on = [&](std::string_view on) {
    count(on, outcome("rcpt.example"));
    clock.time = Seconds(day(on) + std::chrono::days(1)) + minutes(5);
    round();
    return delivery(on, "rcpt.example").state;
  };
  EXPECT_EQ(report_on("2026-03-01"), DeliveryState::failed);
  EXPECT_EQ(report_on("2026-03-02"), DeliveryState::failed);
  EXPECT_EQ(log.count("destination-suppressed"), 1);
  EXPECT_EQ(report_on("2026-03-03"), DeliveryState::suppressed);  // R152
  EXPECT_EQ(servers.mails.size(), 2u);
  servers.answer = nullptr;
  EXPECT_EQ(report_on("2026-03-09"), DeliveryState::delivered);
}

TEST_F(ReporterTest, a_destination_that_many_domains_share_is_not_flooded) {
  settings.send_window = seconds(0);
  settings.limits = {100, /*per_minute=*/60};
  restart();
  for (int i = 0; i < 100; ++i) {
    count_and_ask("2026-03-01", fmt::format("d{}.example", i),
                  "v=TLSRPTv1; rua=mailto:tls@provider.example");
  }
  count_and_ask("2026-03-01", "other.example", "v=TLSRPTv1; rua=mailto:tls@other.example");
  round();
  EXPECT_LE(servers.mails.size(), 11u);
  EXPECT_EQ(delivery("2026-03-01", "other.example").state, DeliveryState::delivered)
      << "others do not wait for it";
  const Seconds begin = clock.time;
  while (servers.mails.size() < 101 && clock.time < begin + minutes(10)) {
    const std::size_t before = servers.mails.size();
    run_until(format_rfc3339(clock.time + seconds(10)));
    EXPECT_LE(servers.mails.size() - before, 22u);
  }
  EXPECT_EQ(servers.mails.size(), 101u);
  EXPECT_GE(clock.time - begin, seconds(70));
  EXPECT_LE(clock.time - begin, seconds(150));
}

TEST_F(ReporterTest, reports_without_failures_can_be_switched_off) {
  settings.report_success = false;
  restart();
  count("2026-03-01", outcome("good.example"));
  count("2026-03-01", outcome("bad.example", /*failed=*/true));
  ask_for_reports("good.example");
  ask_for_reports("bad.example");
  run_until("2026-03-02T06:00:00Z");
  EXPECT_EQ(servers.mails.size(), 1u);
  EXPECT_EQ(ledger().find_plan(day("2026-03-01"), "good.example").value()->state,
            PlanState::skipped);
  EXPECT_EQ(delivery("2026-03-01", "bad.example").state, DeliveryState::delivered);
}

TEST_F(ReporterTest, outcomes_of_a_domain_that_come_late_are_still_reported) {
  count("2026-03-01", outcome("early.example"));
  ask_for_reports("early.example");
  ask_for_reports("late.example");
  round();
  count("2026-03-01", outcome("late.example"));
  run_until("2026-03-02T06:00:00Z");
  EXPECT_EQ(delivery("2026-03-01", "late.example").state, DeliveryState::delivered);
}

TEST_F(ReporterTest, a_mail_server_in_trouble_pauses_the_others_before_their_first_attempt) {
  settings.send_window = seconds(0);
  settings.smtp.connections = 1;
  restart();
  for (int i = 0; i < 100; ++i) count_and_ask("2026-03-01", fmt::format("d{}.example", i));
  servers.answer = [](const Envelope&) { return in_trouble(); };
  round();
  const std::size_t tried = servers.mails.size();
  EXPECT_LE(tried, 32u) << "what one connection had in hand";
  EXPECT_EQ(log.count("delivery-paused"), 1);
  servers.answer = nullptr;
  run_until("2026-03-02T01:00:00Z");
  EXPECT_EQ(servers.mails.size(), 100 + tried);
}

TEST_F(ReporterTest, a_stop_lets_what_is_in_hand_end_and_begins_nothing_new) {
  settings.send_window = seconds(0);
  settings.smtp.connections = 1;
  restart();
  for (int i = 0; i < 100; ++i) count_and_ask("2026-03-01", fmt::format("d{}.example", i));
  servers.answer = [&](const Envelope&) {
    process->stop.request();
    return accepted();
  };
  reporter->run([&] { return process->stop.requested(); }, wait_a_moment);
  EXPECT_EQ(servers.mails.size(), 1u);
  std::size_t delivered = 0;
  for (int i = 0; i < 100; ++i) {
    for (const Delivery& one : deliveries("2026-03-01", fmt::format("d{}.example", i))) {
      EXPECT_NE(one.state, DeliveryState::sending);
      delivered += one.state == DeliveryState::delivered ? 1 : 0;
    }
  }
  EXPECT_EQ(delivered, 1u);
  servers.answer = nullptr;
  restart();
  round();
  EXPECT_EQ(servers.mails.size(), 100u);
}

TEST_F(ReporterTest, each_domain_gets_its_report_though_another_ones_record_is_hostile) {
  count("2026-03-01", outcome("evil.example"));
  count("2026-03-01", outcome("good.example"));
  ask_for_reports("evil.example",
                  "v=TLSRPTv1; rua=mailto:a@b%0d%0aRCPT TO:<x@y>,mailto:\x01@\xff,mailto:x@.");
  ask_for_reports("good.example");
  run_until("2026-03-02T06:00:00Z");
  EXPECT_EQ(delivery("2026-03-01", "good.example").state, DeliveryState::delivered);
  EXPECT_EQ(servers.mails.size(), 1u);
}

}  // namespace
}  // namespace tlsrpt::sender
