// SPDX-License-Identifier: BSD-2-Clause
#include "sender/storer.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "sender/log_record.hpp"
#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::sender {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr Day kDay = std::chrono::sys_days(2026y / 3 / 1);

class FixedClock final : public Clock {
 public:
  [[nodiscard]] Seconds now() const override { return Seconds(kDay) + 5h; }
};

class Lines final : public Log {
 public:
  void write(LogLevel, std::string_view line) override { lines.emplace_back(line); }
  [[nodiscard]] std::size_t count(std::string_view begin) const {
    std::size_t number = 0;
    for (const std::string& line : lines) number += line.starts_with(begin) ? 1 : 0;
    return number;
  }
  std::vector<std::string> lines;
};

std::string datagram(std::string_view domain, int f = 0) {
  return fmt::format(R"({{"d":"{}","policies":[{{"policy-type":9,"f":{}}}]}})", domain, f);
}

class StorerTest : public testing::Test {
 protected:
  void SetUp() override {
    settings_.store.path = temp_.file("outbound.db");
    settings_.store.busy_timeout_ms = 1;
    open_journal();
  }

  void open_journal() {
    JournalSettings settings;
    settings.folders = {temp_.path()};
    settings.database = settings_.store.path;
    journal_.reset();  // the process before is gone
    journal_ = Journal::open(settings);
  }

  void append(const std::vector<std::string>& texts, Day day = kDay) {
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    journal_->append(day, views);
  }

  Storer storer() { return {settings_, *journal_, clock_, log_}; }

  OutboundStore stored() {
    return OutboundStore::open(settings_.store.path, SqliteMode::read_write_create).value();
  }

  /// Successes and failures of a domain.
  std::pair<std::uint64_t, std::uint64_t> sums(const std::string& domain, Day day = kDay) {
    std::pair<std::uint64_t, std::uint64_t> sums;
    const DomainDay loaded = stored().load(day, domain).value();
    for (const PolicyResult& policy : loaded.policies) {
      sums.first += policy.total_successful_session_count;
      sums.second += policy.total_failure_session_count;
    }
    return sums;
  }
  using Sums = std::pair<std::uint64_t, std::uint64_t>;

  [[nodiscard]] std::size_t journal_files() const {
    std::size_t number = 0;
    for (const auto& entry : fs::directory_iterator(temp_.path())) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("outcomes-") && !name.ends_with(".lock")) ++number;
    }
    return number;
  }

  TempDir temp_;
  StorerSettings settings_;
  FixedClock clock_;
  Lines log_;
  std::unique_ptr<Journal> journal_;
};

TEST_F(StorerTest, repeats_add_up_in_the_rows_of_the_first) {
  Storer storer = this->storer();
  for (int i = 0; i < 3; ++i) {
    append({datagram("a.example"), datagram("a.example"), datagram("A.example."),
            datagram("a.example", 1), datagram("b.example")});
    ASSERT_TRUE(storer.flush());
  }
  EXPECT_EQ(sums("a.example"), (Sums{9, 3}));
  EXPECT_EQ(sums("b.example"), (Sums{3, 0}));
  EXPECT_EQ(stored().load(kDay, "a.example").value().policies.size(), 1u);
  EXPECT_EQ(stored().counters().value().at("read"), 15u);
  EXPECT_EQ(stored().counters().value().at("counted"), 15u);
  EXPECT_EQ(storer.stats().counted, 15u);
  EXPECT_EQ(journal_files(), 0u);
}

TEST_F(StorerTest, failure_details_of_repeats_add_up_too) {
  const std::string failed =
      R"({"d":"a.example","policies":[{"policy-type":9,"f":1,"failure-details":[{"c":202},)"
      R"({"c":204,"n":"mx.a.example"}]},{"policy-type":1,"policy-domain":"mx.a.example","f":0}]})";
  Storer storer = this->storer();
  for (int i = 0; i < 3; ++i) {
    append({failed, failed});
    ASSERT_TRUE(storer.flush());
  }
  const DomainDay day = stored().load(kDay, "a.example").value();
  ASSERT_EQ(day.policies.size(), 2u);
  EXPECT_EQ(day.policies[0].total_failure_session_count, 6u);
  ASSERT_EQ(day.policies[0].failure_details.size(), 2u);
  for (const FailureDetails& details : day.policies[0].failure_details) {
    EXPECT_EQ(details.failed_session_count, 6u);
  }
  EXPECT_EQ(day.policies[1].total_successful_session_count, 6u);
}

TEST_F(StorerTest, bad_ones_are_counted_and_kept_and_their_good_policies_counted_each_time) {
  const std::string half =
      R"({"d":"a.example","policies":[{"policy-type":9,"f":0},{"policy-type":5,"f":0}]})";
  Storer storer = this->storer();
  for (int i = 0; i < 2; ++i) {
    append({half, half, "junk", ""});
    ASSERT_TRUE(storer.flush());
  }
  EXPECT_EQ(sums("a.example"), (Sums{4, 0}));
  const auto counters = stored().counters().value();
  EXPECT_EQ(counters.at("bad-unknown-policy-type"), 4u);
  EXPECT_EQ(counters.at("bad-not-json"), 2u);
  EXPECT_EQ(counters.at("bad-empty"), 2u);
  EXPECT_EQ(counters.at("counted"), 4u);
  EXPECT_EQ(storer.stats().bad, 8u);
  EXPECT_EQ(log_.count("outcome-bad "), 3u) << "one line a minute for each reason";
  const auto samples = stored().bad_samples().value();
  ASSERT_EQ(samples.size(), 3u);
  EXPECT_EQ(samples[1].reason, "not-json");
  EXPECT_EQ(samples[1].datagram, "junk");
  EXPECT_EQ(samples[1].times, 2u);
  EXPECT_EQ(samples[1].seen_at, clock_.now());
}

TEST_F(StorerTest, keys_beyond_the_bound_are_counted_together) {
  settings_.store.bounds.max_keys = 3;
  Storer storer = this->storer();
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 5; ++i) append({datagram(fmt::format("d{}.example", i), i == 4 ? 1 : 0)});
    ASSERT_TRUE(storer.flush());
  }
  EXPECT_EQ(stored().domains(kDay).value().size(), 3u);
  EXPECT_EQ(stored().overflow(kDay)->successes, 2u);
  EXPECT_EQ(stored().overflow(kDay)->failures, 2u);
  EXPECT_EQ(stored().counters().value().at("overflow-sessions"), 4u);
  EXPECT_EQ(log_.count("outcome-overflow sessions=2 keys=3"), 1u);
}

TEST_F(StorerTest, a_locked_database_costs_nothing) {
  Storer storer = this->storer();
  ASSERT_TRUE(storer.open());
  {
    OutboundStore other = stored();
    const auto lock = Transaction::begin(other.database());
    ASSERT_TRUE(lock);
    for (int i = 0; i < 40; ++i) {
      append({datagram("a.example")}, i < 20 ? kDay : kDay + std::chrono::days(1));
      EXPECT_FALSE(storer.flush());
    }
    EXPECT_EQ(log_.count("flush-failed error=temporary"), 1u);
    EXPECT_LT(journal_files(), 30u) << "many segments have been made into few";
  }
  ASSERT_TRUE(storer.flush());
  EXPECT_EQ(log_.count("flush-recovered"), 1u);
  EXPECT_EQ(sums("a.example"), (Sums{20, 0}));
  EXPECT_EQ(sums("a.example", kDay + std::chrono::days(1)), (Sums{20, 0}));
  EXPECT_EQ(journal_files(), 0u);
}

TEST_F(StorerTest, what_a_killed_process_had_received_is_stored_by_the_next_once) {
  {
    Storer storer = this->storer();
    append({datagram("a.example"), datagram("b.example")});
    ASSERT_TRUE(storer.flush());
    OutboundStore other = stored();
    const auto lock = Transaction::begin(other.database());
    for (int i = 0; i < 30; ++i) {
      append({datagram("a.example")});
      EXPECT_FALSE(storer.flush());
    }
    append({datagram("b.example")});
  }
  EXPECT_GT(journal_files(), 1u);
  for (int start = 0; start < 2; ++start) {
    open_journal();
    Storer storer = this->storer();
    ASSERT_TRUE(storer.open());
    ASSERT_TRUE(storer.flush());
    EXPECT_EQ(sums("a.example"), (Sums{31, 0}));
    EXPECT_EQ(sums("b.example"), (Sums{2, 0}));
    EXPECT_EQ(journal_files(), 0u);
  }
  EXPECT_GT(log_.count("journal-replayed "), 0u);
}

TEST_F(StorerTest, a_process_that_died_between_commit_and_clean_up_is_not_counted_twice) {
  append({datagram("a.example")});
  std::string path;
  std::string bytes;
  {
    const fs::path copy = temp_.file("copy");
    Storer storer = this->storer();
    path = journal_->folder().path_of(1);
    fs::copy_file(path, copy);
    ASSERT_TRUE(storer.flush());
    ASSERT_FALSE(fs::exists(path));
    fs::rename(copy, path);
  }
  open_journal();
  ASSERT_EQ(journal_->folder().leftovers().size(), 1u);
  Storer storer = this->storer();
  ASSERT_TRUE(storer.flush());
  EXPECT_EQ(sums("a.example"), (Sums{1, 0}));
  EXPECT_FALSE(fs::exists(path));
  EXPECT_EQ(log_.count("journal-replayed "), 0u);
}

TEST_F(StorerTest, at_the_end_what_cannot_be_stored_is_left_to_the_next) {
  {
    Storer storer = this->storer();
    ASSERT_TRUE(storer.open());
    OutboundStore other = stored();
    const auto lock = Transaction::begin(other.database());
    append({datagram("a.example")});
    EXPECT_TRUE(storer.finish(1ms));
    EXPECT_EQ(log_.count("outcomes-kept "), 1u);
  }
  open_journal();
  Storer storer = this->storer();
  ASSERT_TRUE(storer.flush());
  EXPECT_EQ(sums("a.example"), (Sums{1, 0}));
}

TEST_F(StorerTest, a_database_that_was_taken_away_is_made_anew) {
  Storer storer = this->storer();
  append({datagram("a.example")});
  ASSERT_TRUE(storer.flush());
  for (const char* end : {"", "-wal", "-shm"}) fs::remove(settings_.store.path + end);
  append({datagram("a.example")});
  ASSERT_TRUE(storer.flush());
  EXPECT_EQ(sums("a.example"), (Sums{1, 0}));
}

TEST_F(StorerTest, events_without_a_datagram_are_counted_and_the_state_is_shown) {
  Storer storer = this->storer();
  storer.count("stream-timeouts", 2);
  ASSERT_TRUE(storer.flush());
  storer.count("stream-timeouts", 3);
  append({datagram("a.example")});
  ASSERT_TRUE(storer.flush());
  EXPECT_EQ(stored().counters().value().at("stream-timeouts"), 5u);
  const auto gauges = stored().gauges().value();
  EXPECT_EQ(gauges.at("written-at"),
            static_cast<std::uint64_t>(clock_.now().time_since_epoch().count()));
  EXPECT_GT(gauges.at("resident-bytes"), 1'000'000u);
  EXPECT_EQ(gauges.at("keys"), 1u);
}

/// What a log's follower hands on together.
class StorerLogTest : public StorerTest {
 protected:
  void append_log(std::uint64_t generation, std::uint64_t sequence, std::uint64_t sessions,
                  Day day = kDay) {
    const std::string outcome =
        write_log_outcome({log_source_id("log"), generation, day, datagram("logged.example")});
    const std::string position =
        write_log_position({"log", generation, sequence, "begin", sequence, "end"});
    const std::vector<Segment::Entry> entries{{outcome, sessions}, {position, 1}};
    ASSERT_TRUE(journal_->append_whole(kDay, entries, 0ms));
  }
};

TEST_F(StorerLogTest, outcomes_and_the_place_behind_them_are_stored_together) {
  Storer storing = storer();
  ASSERT_TRUE(storing.open());
  append_log(1, 1, 3);
  append_log(1, 2, 4);
  ASSERT_TRUE(storing.flush());
  EXPECT_EQ(sums("logged.example"), Sums(7, 0));
  const auto positions = stored().log_positions().value();
  ASSERT_EQ(positions.size(), 1u);
  EXPECT_EQ(positions[0], (LogPosition{"log", 1, 2, "begin", 2, "end"}));
  EXPECT_EQ(storing.stats().read, 7u) << "a place is no datagram";
}

TEST_F(StorerLogTest, an_outcome_is_counted_for_its_own_day) {
  Storer storing = storer();
  ASSERT_TRUE(storing.open());
  append({datagram("logged.example")});
  append_log(1, 1, 3, kDay - std::chrono::days(2));
  append_log(1, 2, 2);
  ASSERT_TRUE(storing.flush());
  append_log(1, 3, 3, kDay - std::chrono::days(2));
  ASSERT_TRUE(storing.flush());
  EXPECT_EQ(sums("logged.example"), Sums(3, 0));
  EXPECT_EQ(sums("logged.example", kDay - std::chrono::days(2)), Sums(6, 0));
}

TEST_F(StorerLogTest, what_a_log_was_read_again_for_is_not_counted_twice) {
  Storer storing = storer();
  ASSERT_TRUE(storing.open());
  append_log(2, 1, 5);
  ASSERT_TRUE(storing.flush());
  append_log(1, 900, 5);  // left behind by the one before, and found late
  append({datagram("a.example")});
  ASSERT_TRUE(storing.flush());
  EXPECT_EQ(sums("logged.example"), Sums(5, 0));
  EXPECT_EQ(sums("a.example"), Sums(1, 0));
  EXPECT_EQ(stored().log_positions().value().at(0).sequence, 1u);
  EXPECT_EQ(stored().counters().value().at("log-superseded"), 5u);
}

TEST_F(StorerLogTest, datagrams_about_testing_policies_are_left_to_the_log) {
  settings_.store.testing_left_to_log = true;
  Storer storing = storer();
  ASSERT_TRUE(storing.open());
  const auto sts = [](std::string_view mode, int f) {
    return fmt::format(
        R"({{"d":"s.example","policies":[{{"policy-type":2,"policy-string":["version: STSv1",)"
        R"("mode: {}","mx: mx.s.example","max_age: 86400"],"mx-host":["mx.s.example"],"f":{}}}]}})",
        mode, f);
  };
  append({sts("testing", 0), sts("testing", 1), sts("enforce", 0), sts("testing", 0)});
  const std::string outcome = write_log_outcome({log_source_id("log"), 1, kDay, sts("testing", 1)});
  ASSERT_TRUE(journal_->append_whole(kDay, std::vector<Segment::Entry>{{outcome, 1}}, 0ms));
  ASSERT_TRUE(storing.flush());
  EXPECT_EQ(sums("s.example"), Sums(1, 1));
  EXPECT_EQ(stored().counters().value().at("left-to-log"), 3u);
}

TEST_F(StorerLogTest, a_database_without_places_gets_the_table) {
  const auto& all = outbound_migrations();
  ASSERT_TRUE(Sqlite::open(settings_.store.path, SqliteMode::read_write_create,
                           {all.begin(), all.begin() + 4})
                  .value()
                  .execute("INSERT INTO outcome (day,domain,policy_key,successes,failures,details,"
                           "recorded_at,policy_type,policy_domain,policy_string,mx_host,"
                           "tlsrpt_record) VALUES (20513,'old.example',1,5,0,0,0,"
                           "'no-policy-found','old.example','','','')"));
  Storer storing = storer();
  ASSERT_TRUE(storing.open());
  append_log(1, 1, 3);
  ASSERT_TRUE(storing.flush());
  EXPECT_EQ(sums("logged.example"), Sums(3, 0));
  EXPECT_EQ(sums("old.example"), Sums(5, 0));
  EXPECT_EQ(stored().log_positions().value().size(), 1u);
}

}  // namespace
}  // namespace tlsrpt::sender
