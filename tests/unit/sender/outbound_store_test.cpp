// SPDX-License-Identifier: BSD-2-Clause
#include "sender/outbound_store.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <numeric>

#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::sender {
namespace {

namespace fs = std::filesystem;
using std::chrono::sys_days;
using namespace std::chrono_literals;

constexpr Day kDay = sys_days(2026y / 3 / 1);
const StoreBounds kNoBounds{};

class OutboundStoreTest : public testing::Test {
 protected:
  void SetUp() override { folder_ = temp_.path(); }

  OutboundStore open(SqliteMode mode = SqliteMode::read_write_create) {
    auto store = OutboundStore::open(path(), mode);
    EXPECT_TRUE(store) << store.error().detail;
    return std::move(*store);
  }
  [[nodiscard]] std::string path() const { return (folder_ / "outbound.db").string(); }

  TempDir temp_;
  fs::path folder_;
};

FailureDetails detail(const std::string& result_type, const std::string& reason = "") {
  FailureDetails details;
  details.result_type = result_type;
  details.failed_session_count = 1;
  details.failure_reason_code = reason;
  return details;
}

CountedOutcome success(const std::string& domain, std::uint64_t sessions, Day day = kDay) {
  PolicyOutcome policy;
  policy.policy = {"sts", {"version: STSv1", "mode: enforce"}, domain, {"mx." + domain}};
  return {day, {domain, "v=TLSRPTv1;rua=mailto:r@" + domain, {policy}}, sessions};
}

CountedOutcome failure(const std::string& domain, std::uint64_t sessions,
                       const FailureDetails& details, Day day = kDay) {
  CountedOutcome counted = success(domain, sessions, day);
  counted.outcome.policies[0].failed = true;
  counted.outcome.policies[0].failure_details = {details};
  return counted;
}

FlushResult add(OutboundStore& store, const std::vector<CountedOutcome>& outcomes,
                const StoreBounds& bounds = kNoBounds) {
  auto result = store.add(outcomes, {}, bounds);
  EXPECT_TRUE(result) << result.error().detail;
  return result.value_or(FlushResult{});
}

DomainDay load(OutboundStore& store, const std::string& domain, Day day = kDay) {
  auto loaded = store.load(day, domain);
  EXPECT_TRUE(loaded) << loaded.error().detail;
  return *loaded;
}

TEST_F(OutboundStoreTest, counts_add_up_over_flushes_processes_and_restarts) {
  {
    OutboundStore one = open();
    OutboundStore other = open();
    add(one, {success("a.example", 2), failure("a.example", 1, detail("certificate-expired"))});
    add(other, {success("a.example", 3), failure("a.example", 4, detail("certificate-expired"))});
  }
  OutboundStore store = open(SqliteMode::read_only);
  const DomainDay day = load(store, "a.example");
  EXPECT_EQ(day.tlsrpt_record, "v=TLSRPTv1;rua=mailto:r@a.example");
  ASSERT_EQ(day.policies.size(), 1u);
  EXPECT_EQ(day.policies[0].total_successful_session_count, 5u);
  EXPECT_EQ(day.policies[0].total_failure_session_count, 5u);
  EXPECT_EQ(day.policies[0].policy, success("a.example", 1).outcome.policies[0].policy);
  ASSERT_EQ(day.policies[0].failure_details.size(), 1u);
  EXPECT_EQ(day.policies[0].failure_details[0].failed_session_count, 5u);
}

TEST_F(OutboundStoreTest, days_and_domains_are_kept_apart_and_listed_in_order) {
  OutboundStore store = open();
  add(store, {success("b.example", 1), success("a.example", 1),
              success("a.example", 7, kDay + std::chrono::days(1))});
  EXPECT_EQ(store.days().value(), (std::vector<Day>{kDay, kDay + std::chrono::days(1)}));
  EXPECT_EQ(store.domains(kDay).value(), (std::vector<std::string>{"a.example", "b.example"}));
  EXPECT_EQ(load(store, "a.example").policies[0].total_successful_session_count, 1u);
  EXPECT_EQ(load(store, "a.example", kDay + std::chrono::days(1))
                .policies[0]
                .total_successful_session_count,
            7u);
  EXPECT_TRUE(load(store, "c.example").policies.empty());
}

TEST_F(OutboundStoreTest, every_member_of_a_failure_comes_back) {
  OutboundStore store = open();
  const FailureDetails all{"validation-failure", "192.0.2.1", "mx.a.example", "helo.a.example",
                           "2001:db8::1",        3,           "https://x/",   "why not"};
  add(store, {failure("a.example", 3, all)});
  EXPECT_EQ(load(store, "a.example").policies[0].failure_details, std::vector<FailureDetails>{all});
}

TEST_F(OutboundStoreTest, policies_and_details_are_sorted_whatever_came_first) {
  const auto tlsa = [](Day day) {
    CountedOutcome counted = success("a.example", 1, day);
    counted.outcome.policies[0].policy = {"tlsa", {"3 1 1 AA"}, "mx.a.example", {}};
    return counted;
  };
  const Day other = kDay + std::chrono::days(1);
  OutboundStore store = open();
  add(store, {tlsa(kDay), failure("a.example", 1, detail("tlsa-invalid"), kDay),
              failure("a.example", 1, detail("certificate-expired"), kDay)});
  add(store, {failure("a.example", 1, detail("certificate-expired"), other),
              failure("a.example", 1, detail("tlsa-invalid"), other), tlsa(other)});
  EXPECT_EQ(load(store, "a.example").policies, load(store, "a.example", other).policies);
  EXPECT_EQ(load(store, "a.example").policies[1].policy.policy_type, "tlsa");
}

TEST_F(OutboundStoreTest, the_last_record_that_is_not_empty_is_kept) {
  OutboundStore store = open();
  CountedOutcome counted = success("a.example", 1);
  add(store, {counted});
  counted.outcome.tlsrpt_record = "v=TLSRPTv1;rua=mailto:new@a.example";
  add(store, {counted});
  counted.outcome.tlsrpt_record = "";
  add(store, {counted});
  EXPECT_EQ(load(store, "a.example").tlsrpt_record, "v=TLSRPTv1;rua=mailto:new@a.example");
}

TEST_F(OutboundStoreTest, sessions_beyond_the_bound_are_counted_without_their_domain) {
  OutboundStore store = open();
  StoreBounds bounds;
  bounds.max_keys = 2;
  const FlushResult result =
      add(store,
          {success("a.example", 1), success("b.example", 1), success("c.example", 5),
           failure("d.example", 3, detail("tlsa-invalid"))},
          bounds);
  EXPECT_EQ(result.overflow_sessions, 8u);
  EXPECT_EQ(result.keys, 2u);
  EXPECT_EQ(store.overflow(kDay)->successes, 5u);
  EXPECT_EQ(store.overflow(kDay)->failures, 3u);
  // Known domains and other days still count.
  EXPECT_EQ(
      add(store, {success("a.example", 1), success("c.example", 1, kDay + std::chrono::days(1))},
          bounds)
          .overflow_sessions,
      0u);
  EXPECT_EQ(store.domains(kDay).value().size(), 2u);
  EXPECT_EQ(load(store, "a.example").policies[0].total_successful_session_count, 2u);
  EXPECT_EQ(store.counters().value().at("overflow-sessions"), 8u);
}

TEST_F(OutboundStoreTest, details_beyond_the_bound_are_folded_and_the_sums_stay_right) {  // R329
  OutboundStore store = open();
  StoreBounds bounds;
  bounds.max_failure_details = 3;
  std::vector<CountedOutcome> outcomes;
  for (int i = 0; i < 10; ++i) {
    outcomes.push_back(failure("a.example", 2,
                               detail(i % 2 == 0 ? "certificate-expired" : "validation-failure",
                                      fmt::format("reason {}", i))));
  }
  EXPECT_EQ(add(store, outcomes, bounds).folded_details, 14u);
  EXPECT_EQ(add(store, {outcomes[0]}, bounds).folded_details, 0u);
  EXPECT_EQ(add(store, {outcomes[9]}, bounds).folded_details, 2u);
  const PolicyResult policy = load(store, "a.example").policies[0];
  EXPECT_EQ(policy.total_failure_session_count, 24u);
  ASSERT_EQ(policy.failure_details.size(), 5u);
  const auto sum = std::accumulate(
      policy.failure_details.begin(), policy.failure_details.end(), std::uint64_t{0},
      [](std::uint64_t total, const FailureDetails& d) { return total + d.failed_session_count; });
  EXPECT_EQ(sum, 24u);
  EXPECT_EQ(store.counters().value().at("folded-details"), 16u);
}

TEST_F(OutboundStoreTest, policy_types_of_strangers_are_kept_and_never_reported) {
  OutboundStore store = open();
  CountedOutcome odd = success("odd.example", 3);
  odd.outcome.policies[0].policy.policy_type = "libtlsrpt-policy-type-7";
  CountedOutcome both = success("a.example", 2);
  both.outcome.policies.push_back(odd.outcome.policies[0]);
  add(store, {odd, both});
  EXPECT_EQ(store.domains(kDay).value(), std::vector<std::string>{"a.example"});
  EXPECT_EQ(store.count_domains(kDay).value(), 1u);
  EXPECT_TRUE(load(store, "odd.example").policies.empty());
  ASSERT_EQ(load(store, "a.example").policies.size(), 1u);
  EXPECT_EQ(load(store, "a.example").policies[0].policy.policy_type, "sts");
  auto kept = store.database().prepare(
      "SELECT sum(successes) FROM outcome WHERE policy_type='libtlsrpt-policy-type-7'");
  ASSERT_TRUE(kept->step().value());
  EXPECT_EQ(kept->integer(0), 5);
}

TEST_F(OutboundStoreTest, counts_of_an_older_program_are_taken_over) {
  const auto& all = outbound_migrations();
  {
    auto old = Sqlite::open(path(), SqliteMode::read_write_create, {all.begin(), all.begin() + 2});
    ASSERT_TRUE(old) << old.error().detail;
    const std::int64_t day = kDay.time_since_epoch().count();
    ASSERT_TRUE(old->execute(fmt::format(
        "INSERT INTO outcome_day VALUES ({0},2);"
        "INSERT INTO outcome_domain VALUES ('a.example',{0},'v=TLSRPTv1;rua=mailto:r@a.example');"
        "INSERT INTO outcome_domain VALUES ('b.example',{0},'');"
        "INSERT INTO outcome_policy VALUES ('a.example',1,'sts','a.example','version: STSv1\nmode: "
        "enforce','mx.a.example',{0});"
        "INSERT INTO outcome_policy VALUES ('b.example',2,'no-policy-found','b.example','','',{0});"
        "INSERT INTO outcome_count VALUES ('a.example',{0},1,7,3,1);"
        "INSERT INTO outcome_count VALUES ('b.example',{0},2,5,0,0);"
        "INSERT INTO outcome_detail VALUES "
        "('a.example',9,'tlsa-invalid','','mx.a.example','','','',"
        "'why',{0});"
        "INSERT INTO outcome_detail_count VALUES ('a.example',{0},1,9,3);"
        "INSERT INTO collector_counter VALUES ('read',15)",
        day)));
  }
  OutboundStore store = open();
  EXPECT_EQ(store.days().value(), std::vector<Day>{kDay});
  EXPECT_EQ(store.domains(kDay).value(), (std::vector<std::string>{"a.example", "b.example"}));
  const DomainDay a = load(store, "a.example");
  EXPECT_EQ(a.tlsrpt_record, "v=TLSRPTv1;rua=mailto:r@a.example");
  ASSERT_EQ(a.policies.size(), 1u);
  EXPECT_EQ(a.policies[0].policy, success("a.example", 1).outcome.policies[0].policy);
  EXPECT_EQ(a.policies[0].total_successful_session_count, 7u);
  EXPECT_EQ(a.policies[0].total_failure_session_count, 3u);
  ASSERT_EQ(a.policies[0].failure_details.size(), 1u);
  EXPECT_EQ(a.policies[0].failure_details[0].failure_reason_code, "why");
  EXPECT_EQ(a.policies[0].failure_details[0].failed_session_count, 3u);
  EXPECT_EQ(load(store, "b.example").policies[0].total_successful_session_count, 5u);
  EXPECT_EQ(store.counters().value().at("read"), 15u);
  StoreBounds bounds;
  bounds.max_keys = 2;
  EXPECT_EQ(add(store, {success("c.example", 1)}, bounds).overflow_sessions, 1u)
      << "the rows that were there count for the bound";
}

TEST_F(OutboundStoreTest, counts_saturate_instead_of_turning_over) {
  OutboundStore store = open();
  const std::uint64_t huge = ~std::uint64_t{0};
  for (int i = 0; i < 3; ++i) {
    add(store, {success("a.example", huge), failure("a.example", huge, detail("tlsa-invalid"))});
    ASSERT_TRUE(store.add({}, {{"read", huge}}, kNoBounds));
  }
  const PolicyResult policy = load(store, "a.example").policies[0];
  EXPECT_EQ(policy.total_successful_session_count, kMaxCount);
  EXPECT_EQ(policy.total_failure_session_count, kMaxCount);
  EXPECT_EQ(policy.failure_details[0].failed_session_count, kMaxCount);
  EXPECT_EQ(store.counters().value().at("read"), kMaxCount);
}

TEST_F(OutboundStoreTest, counters_are_running_totals) {
  OutboundStore store = open();
  ASSERT_TRUE(store.add({}, {{"read", 2}, {"bad-empty", 1}, {"never", 0}}, kNoBounds));
  ASSERT_TRUE(store.add({}, {{"read", 3}}, kNoBounds));
  const std::map<std::string, std::uint64_t> expected = {{"read", 5}, {"bad-empty", 1}};
  EXPECT_EQ(store.counters().value(), expected);
}

TEST_F(OutboundStoreTest, pruning_forgets_old_days_and_texts_but_nothing_that_is_in_use) {
  OutboundStore store = open();
  const Day next = kDay + std::chrono::days(1);
  add(store, {failure("a.example", 1, detail("tlsa-invalid")), success("old.example", 1)});
  add(store, {failure("a.example", 4, detail("tlsa-invalid"), next)});
  while (store.prune(next).value()) {
  }
  EXPECT_EQ(store.days().value(), std::vector<Day>{next});
  EXPECT_TRUE(load(store, "a.example").policies.empty());
  const PolicyResult kept = load(store, "a.example", next).policies.at(0);
  EXPECT_EQ(kept.total_failure_session_count, 4u);
  EXPECT_EQ(kept.failure_details.at(0).result_type, "tlsa-invalid");
  auto texts = store.database().prepare("SELECT count(*) FROM outcome_detail");
  ASSERT_TRUE(texts->step().value());
  EXPECT_EQ(texts->integer(0), 1);
}

TEST_F(OutboundStoreTest, a_failed_flush_counts_nothing_and_a_later_one_everything) {
  OutboundStore store = open();
  ASSERT_TRUE(store.database().execute("PRAGMA busy_timeout=0"));
  OutboundStore other = open();
  {
    auto lock = Transaction::begin(other.database());
    ASSERT_TRUE(lock);
    const auto result = store.add({success("a.example", 1)}, {{"read", 1}}, kNoBounds);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::temporary);
  }
  add(store, {success("a.example", 1)});
  EXPECT_EQ(load(store, "a.example").policies[0].total_successful_session_count, 1u);
  EXPECT_TRUE(store.counters().value().empty());
}

TEST_F(OutboundStoreTest, a_full_disk_rolls_everything_back) {
  OutboundStore store = open();
  ASSERT_TRUE(store.database().execute("PRAGMA max_page_count=30"));
  std::vector<CountedOutcome> outcomes;
  for (int i = 0; i < 3000; ++i) outcomes.push_back(success(fmt::format("d{}.example", i), 1));
  const auto result = store.add(outcomes, {}, kNoBounds);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::temporary);
  EXPECT_TRUE(store.domains(kDay).value().empty());
  ASSERT_TRUE(store.database().execute("PRAGMA max_page_count=100000"));
  add(store, outcomes);
  EXPECT_EQ(store.domains(kDay).value().size(), 3000u);
}

TEST_F(OutboundStoreTest, the_newest_bad_sample_of_each_reason_is_kept_cut) {
  OutboundStore store = open();
  ASSERT_TRUE(store.keep_bad_sample("not-json", Seconds(5s), 1, "first"));
  ASSERT_TRUE(store.keep_bad_sample("not-json", Seconds(6s), 4, std::string(10000, 'x')));
  auto query = store.database().prepare("SELECT seen_at, times, length(datagram) FROM bad_sample");
  ASSERT_TRUE(query->step().value());
  EXPECT_EQ(query->integer(0), 6);
  EXPECT_EQ(query->integer(1), 5);
  EXPECT_EQ(query->integer(2), 4096);
}

TEST(OutboundPath, is_made_from_the_folder_and_other_kinds_are_refused) {
  EXPECT_EQ(outbound_path("sqlite:/var/lib/opentlsrpt").value(), "/var/lib/opentlsrpt/outbound.db");
  EXPECT_EQ(outbound_path("sqlite:/x//").value(), "/x/outbound.db");
  EXPECT_EQ(outbound_path("sqlite:/").value(), "/outbound.db");
  EXPECT_EQ(outbound_path("postgresql://host/db").error().code, ErrorCode::unsupported);
  EXPECT_EQ(outbound_path("sqlite:").error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(outbound_path("sqlite:relative").error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace tlsrpt::sender
