// SPDX-License-Identifier: BSD-2-Clause
// A database of the programs that knew neither https: nor several processes (schema 3).
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "common/base64.hpp"
#include "tests/unit/sender/sending_house.hpp"

namespace tlsrpt::sender {
namespace {

class LedgerMigrationTest : public SendingTest {
 protected:
  LedgerMigrationTest() {
    reporter.reset();
    process.reset();
    for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(path() + end);
    const auto& all = outbound_migrations();
    auto old =
        Sqlite::open(path(), SqliteMode::read_write_create, {all.begin(), all.begin() + 3}).value();
    const std::int64_t day_number = day("2026-03-01").time_since_epoch().count();
    const std::int64_t now = clock.time.time_since_epoch().count();
    const auto filled = old.execute(fmt::format(kOld, day_number, now, now + 600, now - 3600));
    EXPECT_TRUE(filled) << filled.error().detail;
  }

  [[nodiscard]] std::string path() const { return std::string(folder.path()) + "/outbound.db"; }

  void open_with_the_new_programs() { restart(); }

  std::set<std::string> recipients() const {
    std::set<std::string> all;
    for (const Mail& mail : servers.mails) all.insert(mail.envelope.recipient);
    return all;
  }

 private:
  // {0}: the day, {1}: now, {2}: soon, {3}: an hour ago.
  static constexpr std::string_view kOld = R"sql(
INSERT INTO outcome (day,domain,policy_key,successes,failures,details,recorded_at,policy_type,
                     policy_domain,policy_string,mx_host,tlsrpt_record)
  VALUES ({0},'a.example',1,5,0,0,0,'no-policy-found','a.example','','',''),
         ({0},'fresh.example',2,7,0,0,0,'no-policy-found','fresh.example','','',
          'v=TLSRPTv1;rua=mailto:tls@fresh.example');
INSERT INTO outcome_day VALUES ({0},2);
INSERT INTO plan (domain,day,state,due,lookups) VALUES
  ('a.example',{0},'planned',{3},0), ('b.example',{0},'planned',{3},0),
  ('none.example',{0},'no-record',{3},0), ('later.example',{0},'dns-failure',{2},3);
INSERT INTO delivery (domain,day,destination,state,due,attempts,first_attempt,detail) VALUES
  ('a.example',{0},'mailto:done@a.example','delivered',{3},1,{3},'250 2.0.0 Ok'),
  ('a.example',{0},'mailto:wait@a.example','waiting',{2},0,NULL,''),
  ('a.example',{0},'https://a.example/r','unsupported',{3},0,NULL,''),
  ('b.example',{0},'mailto:hand@b.example','sending',{2},1,{3},''),
  ('b.example',{0},'mailto:again@b.example','deferred',{2},3,{3},'451 later'),
  ('b.example',{0},'mailto:no@b.example','failed',{3},1,{3},'550 no'),
  ('b.example',{0},'mailto:old@b.example','expired',{3},9,{3},'451 never');
INSERT INTO report VALUES ('a.example',{0},'a@sender.example','kept bytes of a','text',{3});
INSERT INTO report VALUES ('b.example',{0},'b@sender.example','kept bytes of b','text',{3});
)sql";
};

TEST_F(LedgerMigrationTest, keeps_the_state_of_every_delivery) {
  open_with_the_new_programs();
  struct Row {
    std::string domain, destination;
    DeliveryState state;
    int attempts;
    std::string detail;
  };
  const Row rows[] = {
      {"a.example", "mailto:done@a.example", DeliveryState::delivered, 1, "250 2.0.0 Ok"},
      {"a.example", "mailto:wait@a.example", DeliveryState::waiting, 0, ""},
      // What older programs could not serve, these can.
      {"a.example", "https://a.example/r", DeliveryState::waiting, 0, ""},
      // Who had it in hand was an older program, which has ended.
      {"b.example", "mailto:hand@b.example", DeliveryState::deferred, 1, ""},
      {"b.example", "mailto:again@b.example", DeliveryState::deferred, 3, "451 later"},
      {"b.example", "mailto:no@b.example", DeliveryState::failed, 1, "550 no"},
      {"b.example", "mailto:old@b.example", DeliveryState::expired, 9, "451 never"}};
  EXPECT_EQ(ledger().count({}).value(), std::size(rows));
  for (const Row& row : rows) {
    const auto all = deliveries("2026-03-01", row.domain);
    const auto found = std::find_if(all.begin(), all.end(), [&](const Delivery& one) {
      return one.key.destination == row.destination;
    });
    ASSERT_NE(found, all.end()) << row.destination;
    EXPECT_EQ(found->state, row.state) << row.destination;
    EXPECT_EQ(found->attempts, row.attempts) << row.destination;
    EXPECT_EQ(found->detail, row.detail) << row.destination;
    EXPECT_EQ(found->first_attempt.has_value(), row.attempts > 0) << row.destination;
  }
}

TEST_F(LedgerMigrationTest, keeps_plans_reports_and_counts) {
  open_with_the_new_programs();
  EXPECT_EQ(plan_state_of("2026-03-01", "a.example"), PlanState::planned);
  EXPECT_EQ(plan_state_of("2026-03-01", "none.example"), PlanState::no_record);
  const auto later = ledger().find_plan(day("2026-03-01"), "later.example").value();
  ASSERT_TRUE(later);
  EXPECT_EQ(later->state, PlanState::dns_failure);
  EXPECT_EQ(later->lookups, 3);
  EXPECT_EQ(later->due, clock.time + std::chrono::minutes(10));
  const auto report = ledger().find_report(day("2026-03-01"), "b.example").value();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->report_id, "b@sender.example");
  EXPECT_EQ(report->gzipped, "kept bytes of b");
  const auto counts = process->sending->store.load(day("2026-03-01"), "a.example").value();
  ASSERT_EQ(counts.policies.size(), 1u);
  EXPECT_EQ(counts.policies[0].total_successful_session_count, 5u);
}

TEST_F(LedgerMigrationTest, what_is_open_is_sent_as_it_was_built_and_nothing_else) {
  open_with_the_new_programs();
  ask_for_reports("fresh.example", "v=TLSRPTv1; rua=mailto:tls@fresh.example");
  run_until("2026-03-02T12:00:00Z");
  EXPECT_EQ(recipients(), (std::set<std::string>{"wait@a.example", "hand@b.example",
                                                 "again@b.example", "tls@fresh.example"}));
  EXPECT_EQ(servers.mails.size(), 4u);
  ASSERT_EQ(servers.posts.size(), 1u);
  EXPECT_EQ(servers.posts[0].body, "kept bytes of a");
  for (const Mail& mail : servers.mails) {
    const std::string& to = mail.envelope.recipient;
    if (to.ends_with("fresh.example")) continue;
    const std::string kept = to.ends_with("a.example") ? "kept bytes of a" : "kept bytes of b";
    EXPECT_NE(mail.message.find(base64_encode(kept)), std::string::npos) << to;
  }
}

}  // namespace
}  // namespace tlsrpt::sender
