// SPDX-License-Identifier: BSD-2-Clause
#include "milter/intake_service.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "milter/pruner.hpp"
#include "milter/received_schema.hpp"
#include "tests/unit/fake_dns.hpp"
#include "tests/unit/milter/fake_log.hpp"
#include "tests/unit/milter/received_samples.hpp"
#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::milter {
namespace {

struct SetClock final : Clock {
  Seconds time = march(3);
  [[nodiscard]] Seconds now() const override { return time; }
};

/// Finds one report whose id is the message's text.
struct TextOpener final : MessageOpener {
  Result<OpenedMessage> open(std::string_view message) override {
    OpenedMessage opened;
    opened.facts.from_domain = "sender.example";
    opened.facts.claims_report = true;
    ReadOutcome outcome;
    outcome.report = received(1, "sender.example", std::string(message),
                              {policy_result("example.org", "sts", 1)})
                         .report;
    opened.outcomes.push_back(outcome);
    return opened;
  }
  Result<std::vector<ReadOutcome>> open_file(std::string_view bytes) override {
    if (bytes == "{unreadable") {
      ReadOutcome outcome;
      outcome.refusal = Refusal::not_json;
      return std::vector<ReadOutcome>{outcome};
    }
    if (bytes == "{no reader") return fail(ErrorCode::temporary, "no reader");
    return open(bytes).value().outcomes;
  }
};

class IntakeServiceTest : public testing::Test {
 protected:
  IntakeServiceTest() { settings_.require_dkim = false; }
  ReceivedStore open_store() {
    return ReceivedStore::open(folder_.file("received.db"), SqliteMode::read_write_create).value();
  }
  TempDir folder_;
  TextOpener opener_;
  FakeDns dns_;
  SetClock clock_;
  FakeLog log_;
  IntakeSettings settings_;
};

TEST_F(IntakeServiceTest, stores_each_mail_of_many_sessions_once) {
  constexpr int kThreads = 4;
  constexpr int kMails = 10;
  IntakeService service(settings_, {}, {opener_, dns_, clock_, log_}, open_store());
  std::atomic<int> duplicates{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int mail = 0; mail < kMails; ++mail) {
        // Every second id comes from all threads at once.
        const std::string id =
            mail % 2 == 0 ? fmt::format("same-{}", mail) : fmt::format("{}-{}", thread, mail);
        const IntakeResult result = service.take(id, "Q");
        ASSERT_EQ(result.disposition, Disposition::stored) << result.detail;
        if (result.stored.at(0).duplicate) ++duplicates;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ReceivedStore store = open_store();
  EXPECT_EQ(store.list({}).value().size(), std::size_t{kMails / 2 + kThreads * kMails / 2});
  EXPECT_EQ(duplicates.load(), (kThreads - 1) * kMails / 2);
  EXPECT_EQ(store.counters().value().at("mails_seen"), std::uint64_t{kThreads * kMails});
}

TEST_F(IntakeServiceTest, records_a_cut_mail) {
  IntakeService service(settings_, {}, {opener_, dns_, clock_, log_}, open_store());
  EXPECT_EQ(service.take_cut("beginning", 9, "Q").disposition, Disposition::refused);
  ReceivedStore store = open_store();
  EXPECT_EQ(store.counters().value().at("refused_too-large"), 1u);
  EXPECT_EQ(store.list_refused({}).value().size(), 1u);
}

TEST_F(IntakeServiceTest, puts_off_a_sender_over_its_limit_and_counts_that_without_a_commit) {
  SCOPED_TRACE("R240");
  StoreLimits limits;
  limits.max_reports_per_day = 2;
  IntakeService service(settings_, limits, {opener_, dns_, clock_, log_}, open_store());
  EXPECT_EQ(service.take("1", "Q").disposition, Disposition::stored);
  EXPECT_EQ(service.take("2", "Q").disposition, Disposition::stored);
  const IntakeResult third = service.take("3", "Q");
  EXPECT_EQ(third.disposition, Disposition::over_limit);
  EXPECT_NE(third.detail.find("MaximumReportsPerDay"), std::string::npos) << third.detail;
  EXPECT_EQ(service.take("2", "Q").disposition, Disposition::stored) << "a duplicate";
  ReceivedStore store = open_store();
  EXPECT_EQ(store.list({}).value().size(), 2u);
  EXPECT_EQ(store.counters().value().count("put_off_over_limit"), 0u);
  service.write_counters();
  service.write_counters();
  EXPECT_EQ(store.counters().value().at("put_off_over_limit"), 1u);
  EXPECT_EQ(store.counters().value().at("mails_seen"), 3u) << "it is counted when it is taken";
}

TEST_F(IntakeServiceTest, counts_what_is_put_off_by_its_cause) {
  IntakeService service(settings_, {}, {opener_, dns_, clock_, log_}, open_store());
  const IntakeResult result = service.not_held();
  EXPECT_EQ(result.disposition, Disposition::failed);
  EXPECT_NE(result.detail.find("MaximumSpoolSize"), std::string::npos) << result.detail;
  EXPECT_EQ(service.take_body("{no reader", {"https", ""}).disposition, Disposition::failed);
  service.write_counters();
  const std::map<std::string, std::uint64_t> expected{{"put_off_fault", 2}};
  EXPECT_EQ(open_store().counters().value(), expected);
}

TEST_F(IntakeServiceTest, counts_later_what_could_not_be_counted) {
  IntakeService service(settings_, {}, {opener_, dns_, clock_, log_}, open_store());
  service.count({{"https_timeouts", 2}});
  Sqlite other = Sqlite::open(folder_.file("received.db"), SqliteMode::read_write_create,
                              received_migrations())
                     .value();
  ASSERT_TRUE(
      other.execute("CREATE TRIGGER no BEFORE INSERT ON counter BEGIN "
                    "SELECT RAISE(ABORT, 'no'); END"));
  service.write_counters();
  EXPECT_TRUE(open_store().counters().value().empty());
  ASSERT_TRUE(other.execute("DROP TRIGGER no"));
  service.count({{"https_timeouts", 1}});
  service.write_counters();
  EXPECT_EQ(open_store().counters().value().at("https_timeouts"), 3u);
}

TEST_F(IntakeServiceTest, takes_a_report_that_came_without_a_mail) {
  IntakeService service(settings_, {}, {opener_, dns_, clock_, log_}, open_store());
  MailContext https{"https", ""};
  https.source_address = "192.0.2.1";
  https.flags.add(Flag::content_mismatch);
  const IntakeResult first = service.take_body("{r1", https);
  EXPECT_EQ(first.disposition, Disposition::stored) << first.detail;
  ASSERT_EQ(first.stored.size(), 1u);
  EXPECT_FALSE(first.stored[0].duplicate);
  const IntakeResult again = service.take_body("{r1", https);
  EXPECT_EQ(again.disposition, Disposition::stored);
  EXPECT_TRUE(again.stored.at(0).duplicate);
  EXPECT_EQ(service.take_body("{unreadable", https).disposition, Disposition::refused);
  EXPECT_EQ(service.take_body("{no reader", https).disposition, Disposition::failed);

  ReceivedStore store = open_store();
  const auto listed = store.list({}).value();
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].provenance.source, "https");
  EXPECT_EQ(listed[0].provenance.source_address, "192.0.2.1");
  EXPECT_EQ(listed[0].provenance.submitter, "sender.example") << "who it says it is from";
  EXPECT_EQ(listed[0].provenance.dkim, DkimStatus::none);
  EXPECT_TRUE(listed[0].flags.has(Flag::content_mismatch));
  const auto refused = store.list_refused({}).value();
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].provenance.source_address, "192.0.2.1");
  EXPECT_EQ(store.counters().value().at("posts_seen"), 3u);
}

TEST_F(IntakeServiceTest, nobody_waits_long_for_a_store_that_is_held_up) {
  using namespace std::chrono_literals;
  constexpr int kThreads = 6;
  IntakeService service(settings_, {}, {opener_, dns_, clock_, log_, 1ms}, open_store());
  Sqlite other = Sqlite::open(folder_.file("received.db"), SqliteMode::read_write_create,
                              received_migrations())
                     .value();
  auto held = Transaction::begin(other);
  ASSERT_TRUE(held);
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  const auto begin = std::chrono::steady_clock::now();
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      if (service.take(std::to_string(thread), "Q").disposition == Disposition::failed) ++failed;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, kThreads);
  // SQLite's own patience is five seconds, which they must not wait one after the other.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s * kThreads);
  ASSERT_TRUE(held->commit());
  EXPECT_EQ(service.take("0", "Q").disposition, Disposition::stored);
}

TEST_F(IntakeServiceTest, forgets_old_reports_once_a_day) {
  IntakeService service(settings_, {}, {opener_, dns_, clock_, log_}, open_store());
  Pruner pruner(folder_.file("received.db"), std::chrono::days(2), clock_, log_);
  const auto reports = [&] { return open_store().list({}).value().size(); };
  pruner.prune_when_due();
  service.take("1", "Q");
  clock_.time = march(5) + std::chrono::hours(1);
  pruner.prune_when_due();
  EXPECT_EQ(reports(), 0u);
  clock_.time = march(1);
  service.take("2", "Q");
  clock_.time = march(5) + std::chrono::hours(2);
  pruner.prune_when_due();
  EXPECT_EQ(reports(), 1u) << "it has been done on this day";
  clock_.time = march(6);
  pruner.prune_when_due();
  EXPECT_EQ(reports(), 0u);

  clock_.time = march(1);
  service.take("3", "Q");
  clock_.time = march(30);
  Pruner keeps(folder_.file("received.db"), std::chrono::days(0), clock_, log_);
  keeps.prune_when_due();
  EXPECT_EQ(reports(), 1u) << "0 keeps them for ever";
  EXPECT_TRUE(log_.lines().empty());
}

TEST_F(IntakeServiceTest, says_so_when_old_reports_cannot_be_removed) {
  Pruner pruner(folder_.file("missing/received.db"), std::chrono::days(1), clock_, log_);
  pruner.prune_when_due();
  EXPECT_EQ(log_.count("prune-failed"), 1u);
}

}  // namespace
}  // namespace tlsrpt::milter
