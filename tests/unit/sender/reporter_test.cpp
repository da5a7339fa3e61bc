// SPDX-License-Identifier: BSD-2-Clause
#include "sender/reporter.hpp"

#include <set>

#include "common/gzip.hpp"
#include "tests/unit/sender/sending_house.hpp"

namespace tlsrpt::sender {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

using ReporterTest = SendingTest;

HandOverResult later(const Envelope&) { return {HandOver::temporary, "451 4.3.0 later"}; }

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
  EXPECT_FALSE(process->ledger.find_plan(day("2026-03-01"), "rcpt.example").value())
      << "a collector may hold outcomes of the day for a moment after midnight";
  run_until("2026-03-02T06:00:00Z");
  EXPECT_EQ(transport.handed_over.size(), 1u);
  run_until("2026-03-04T00:00:00Z");
  EXPECT_EQ(transport.handed_over.size(), 1u);
  EXPECT_EQ(dns.questions().size(), 1u);
}

TEST_F(ReporterTest, days_missed_while_down_are_caught_up_each_with_its_own_range) {
  for (const char* missed : {"2026-02-26", "2026-02-27", "2026-03-01"}) {
    count(missed, outcome("rcpt.example"));
  }
  ask_for_reports("rcpt.example");
  run_until("2026-03-02T12:00:00Z");
  ASSERT_EQ(transport.handed_over.size(), 3u);
  for (const char* missed : {"2026-02-26", "2026-02-27", "2026-03-01"}) {
    const auto report = process->ledger.find_report(day(missed), "rcpt.example").value();
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
  EXPECT_TRUE(transport.handed_over.empty());
  EXPECT_TRUE(process->store.days()->empty());
}

TEST_F(ReporterTest, retries_follow_the_backoff) {
  settings.send_window = seconds(0);
  restart();
  count("2026-03-01", outcome("rcpt.example"));
  ask_for_reports("rcpt.example");
  std::vector<Seconds> attempts;
  transport.answer = [&](const Envelope& envelope) {
    attempts.push_back(clock.time);
    return later(envelope);
  };
  run_until("2026-03-03T12:00:00Z");
  ASSERT_EQ(attempts.size(), 12u);
  for (std::size_t i = 1; i + 1 < attempts.size(); ++i) {
    EXPECT_EQ(attempts[i] - attempts[i - 1], backoff(static_cast<int>(i))) << i;
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
  transport.answer = [&](const Envelope& envelope) {
    const auto down = hours(envelope.recipient.starts_with("23@") ? 23 : 25);
    return clock.time < first + down ? later(envelope) : HandOverResult{HandOver::accepted, "250"};
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
  transport.answer = later;
  clock.time = due;
  round();
  restart();
  transport.answer = nullptr;
  run_until("2026-03-02T12:00:00Z");
  ASSERT_EQ(transport.handed_over.size(), 2u);
  EXPECT_EQ(transport.handed_over[0].message, transport.handed_over[1].message);
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
  transport.answer = later;
  round();
  ASSERT_EQ(log.count("delivery-paused"), 1);
  transport.answer = nullptr;
  clock.time = at("2026-03-02T05:00:00Z");
  count("2026-03-01", outcome("late.example"));
  ask_for_reports("late.example");
  run_until("2026-03-02T05:10:00Z");
  EXPECT_EQ(delivery("2026-03-01", "late.example").state, DeliveryState::delivered);
}

TEST_F(ReporterTest, what_came_of_a_hand_over_is_written_down_before_anything_else_is_served) {
  settings.send_window = seconds(0);
  restart();
  for (const char* domain : {"a.example", "b.example"}) {
    count("2026-03-01", outcome(domain));
    ask_for_reports(domain);
  }
  transport.answer = [&](const Envelope&) {
    EXPECT_TRUE(process->store.database().execute("PRAGMA query_only=ON"));
    return HandOverResult{HandOver::accepted, "250 2.0.0 Ok"};
  };
  EXPECT_FALSE(process->reporter.round(never));
  clock.time += hours(1);  // the claim has run out
  EXPECT_FALSE(process->reporter.round(never));
  EXPECT_EQ(transport.handed_over.size(), 1u);
  ASSERT_TRUE(process->store.database().execute("PRAGMA query_only=OFF"));
  transport.answer = nullptr;
  round();
  EXPECT_EQ(transport.handed_over.size(), 2u);
  for (const char* domain : {"a.example", "b.example"}) {
    EXPECT_EQ(delivery("2026-03-01", domain).state, DeliveryState::delivered);
    EXPECT_EQ(delivery("2026-03-01", domain).attempts, 1);
  }
}

TEST_F(ReporterTest, one_bad_address_does_not_block_the_other) {
  count("2026-03-01", outcome("rcpt.example"));
  ask_for_reports("rcpt.example", "v=TLSRPTv1; rua=mailto:bad@rcpt.example,mailto:ok@rcpt.example");
  transport.answer = [](const Envelope& envelope) {
    return envelope.recipient == "bad@rcpt.example"
               ? HandOverResult{HandOver::permanent, "550 5.1.1 unknown"}
               : HandOverResult{HandOver::accepted, "250 Ok"};
  };
  run_until("2026-03-02T06:00:00Z");
  const auto rows = process->ledger.deliveries(day("2026-03-01"), "rcpt.example").value();
  ASSERT_EQ(rows.size(), 2u);  // R149
  EXPECT_EQ(rows[0].state, DeliveryState::failed);
  EXPECT_EQ(rows[1].state, DeliveryState::delivered);
}

TEST_F(ReporterTest, a_failure_of_dns_uses_the_record_of_the_mta_and_absence_sends_nothing) {
  count("2026-03-01", outcome("fallback.example"));
  count("2026-03-01", outcome("gone.example"));
  dns.txt_answers["_smtp._tls.fallback.example"] = FakeDns::failed<std::string>();
  run_until("2026-03-02T06:00:00Z");
  ASSERT_EQ(transport.handed_over.size(), 1u);
  EXPECT_EQ(delivery("2026-03-01", "fallback.example").state, DeliveryState::delivered);
  EXPECT_EQ(process->ledger.find_plan(day("2026-03-01"), "gone.example").value()->state,
            PlanState::no_record);
  EXPECT_EQ(log.count("no-record domain=gone.example"), 1);
}

TEST_F(ReporterTest, unknown_dns_without_a_fallback_is_asked_again_until_it_answers) {
  count("2026-03-01", outcome("rcpt.example", false, ""));
  dns.txt_answers["_smtp._tls.rcpt.example"] = FakeDns::failed<std::string>();
  run_until("2026-03-02T05:00:00Z");
  EXPECT_TRUE(transport.handed_over.empty());
  EXPECT_GE(log.count("dns-failure"), 4);
  EXPECT_LE(log.count("dns-failure"), 7) << "with growing pauses";
  dns.txt_answers.clear();
  ask_for_reports("rcpt.example");  // R35
  run_until("2026-03-02T18:00:00Z");
  EXPECT_EQ(transport.handed_over.size(), 1u);
}

TEST_F(ReporterTest, a_resolver_that_answers_nothing_holds_up_neither_deliveries_nor_days) {
  settings.send_window = seconds(0);
  restart();
  for (int i = 0; i < 600; ++i) {
    const std::string domain = fmt::format("d{:03}.example", i);
    count("2026-03-01", outcome(domain, false, i < 10 ? std::string(kRecord) : ""));
    dns.txt_answers[tlsrpt_name(domain)] = FakeDns::failed<std::string>("timeout");
  }
  round();
  EXPECT_EQ(dns.questions().size(), kDomainBatch);
  EXPECT_EQ(log.count("planning-paused"), 1);
  EXPECT_EQ(transport.handed_over.size(), 10u) << "by the record that an MTA saw";
  for (int i = 0; i < 600; ++i) ask_for_reports(fmt::format("d{:03}.example", i));
  run_until("2026-03-02T01:00:00Z");
  EXPECT_EQ(transport.handed_over.size(), 600u);
}

TEST_F(ReporterTest, a_resolver_that_answers_nothing_is_not_asked_on_when_all_is_to_be_sent_now) {
  std::vector<std::string> domains;
  for (int i = 0; i < 600; ++i) {
    domains.push_back(fmt::format("d{:03}.example", i));
    count("2026-03-01", outcome(domains.back()));
    dns.txt_answers[tlsrpt_name(domains.back())] = FakeDns::failed<std::string>("timeout");
  }
  ASSERT_TRUE(process->planner.plan_domains(day("2026-03-01"), domains, Spread::now, never));
  EXPECT_EQ(dns.questions().size(), kDomainBatch);
  round();
  EXPECT_EQ(transport.handed_over.size(), 600u);
}

TEST_F(ReporterTest, https_destinations_are_recorded_and_said_but_not_served) {
  count("2026-03-01", outcome("rcpt.example"));
  ask_for_reports("rcpt.example", "v=TLSRPTv1; rua=https://rcpt.example/tls");
  run_until("2026-03-02T06:00:00Z");
  EXPECT_EQ(delivery("2026-03-01", "rcpt.example").state, DeliveryState::unsupported);
  EXPECT_EQ(log.count("destination-unsupported"), 1);
  EXPECT_TRUE(transport.handed_over.empty());
}

TEST_F(ReporterTest, reports_without_failures_can_be_switched_off) {
  settings.report_success = false;
  restart();
  count("2026-03-01", outcome("good.example"));
  count("2026-03-01", outcome("bad.example", /*failed=*/true));
  ask_for_reports("good.example");
  ask_for_reports("bad.example");
  run_until("2026-03-02T06:00:00Z");
  EXPECT_EQ(transport.handed_over.size(), 1u);
  EXPECT_EQ(process->ledger.find_plan(day("2026-03-01"), "good.example").value()->state,
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
  restart();
  for (int i = 0; i < 30; ++i) {
    const std::string domain = fmt::format("d{}.example", i);
    count("2026-03-01", outcome(domain));
    ask_for_reports(domain);
  }
  transport.answer = later;
  round();
  EXPECT_EQ(transport.handed_over.size(), 10u);
  EXPECT_EQ(log.count("delivery-paused"), 1);
  transport.answer = nullptr;
  run_until("2026-03-02T01:00:00Z");
  EXPECT_EQ(transport.handed_over.size(), 40u);
}

TEST_F(ReporterTest, a_stop_ends_the_round_before_the_next_hand_over) {
  settings.send_window = seconds(0);
  restart();
  for (const char* domain : {"a.example", "b.example"}) {
    count("2026-03-01", outcome(domain));
    ask_for_reports(domain);
  }
  bool stopping = false;
  transport.answer = [&](const Envelope&) {
    stopping = true;
    return HandOverResult{HandOver::accepted, "250"};
  };
  ASSERT_TRUE(process->reporter.round([&] { return stopping; }));
  EXPECT_EQ(transport.handed_over.size(), 1u);
  restart();
  round();
  EXPECT_EQ(transport.handed_over.size(), 2u);
}

TEST_F(ReporterTest, each_domain_gets_its_report_though_another_ones_record_is_hostile) {
  count("2026-03-01", outcome("evil.example"));
  count("2026-03-01", outcome("good.example"));
  ask_for_reports("evil.example",
                  "v=TLSRPTv1; rua=mailto:a@b%0d%0aRCPT TO:<x@y>,mailto:\x01@\xff,mailto:x@.");
  ask_for_reports("good.example");
  run_until("2026-03-02T06:00:00Z");
  EXPECT_EQ(delivery("2026-03-01", "good.example").state, DeliveryState::delivered);
  EXPECT_EQ(transport.handed_over.size(), 1u);
}

}  // namespace
}  // namespace tlsrpt::sender
