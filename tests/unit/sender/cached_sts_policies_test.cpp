// SPDX-License-Identifier: BSD-2-Clause
#include "sender/cached_sts_policies.hpp"

#include <filesystem>

#include "tests/unit/fake_dns.hpp"
#include "tests/unit/sender/sts_house.hpp"
#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::sender {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr milliseconds kLong = minutes{1};  // nothing here lasts that long
constexpr milliseconds kNone{0};

StsStanding unknown() {
  StsStanding standing;
  standing.unknown = true;
  return standing;
}

/// Answers may change while threads ask.
class Zone final : public FakeDns {
 public:
  void set(const std::string& domain, DnsAnswer<std::string> answer) {
    const std::lock_guard lock(mutex_);
    txt_answers.insert_or_assign(sts_record_name(domain), std::move(answer));
  }
  void announce(const std::string& domain, const std::string& id) {
    set(domain, found<std::string>({"v=STSv1; id=" + id}));
  }
  void hold(bool held) {
    const std::lock_guard lock(mutex_);
    held_ = held;
    changed_.notify_all();
  }
  DnsAnswer<std::string> txt(std::string_view name) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !held_; });
    return FakeDns::txt(name);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false;
};

class CachedStsPoliciesTest : public testing::Test {
 protected:
  CachedStsPoliciesTest() { open(); }
  ~CachedStsPoliciesTest() override {
    dns_.hold(false);
    fetcher_.hold(false);
  }
  void open() {
    policies_.reset();
    policies_ = std::make_unique<CachedStsPolicies>(settings_,
                                                    StsParts{dns_, fetcher_, clock_, log_, stop_});
  }
  StsStanding find(const std::string& domain = "d.example", milliseconds patience = kLong) {
    return policies_->find(domain, patience);
  }
  /// What an answer that came at once has set off is over: the record was asked for so often.
  void settle(std::size_t questions) {
    while (dns_.questions().size() < questions) std::this_thread::yield();
    policies_.reset();
  }
  /// The standing after a check in the background.
  StsStanding after_check(const std::string& domain = "d.example") {
    const std::size_t asked = dns_.questions().size();
    find(domain, kNone);
    settle(asked + 1);
    open();
    dns_.hold(true);  // what is remembered, without another look
    StsStanding standing = find(domain, kNone);
    dns_.hold(false);
    open();  // what it may have set off is over
    return standing;
  }
  void announce_and_serve(const std::string& id = "1", StsPolicy policy = sts_policy()) {
    dns_.announce("d.example", id);
    fetcher_.serve("d.example", std::move(policy));
  }

  TempDir folder_;
  Zone dns_;
  FakeFetcher fetcher_;
  SteadyHand clock_;
  SharedLog log_;
  StopSignal stop_ = StopSignal::create().value();
  StsSettings settings_{.database = folder_.file("policies.db")};
  std::unique_ptr<CachedStsPolicies> policies_;
};

TEST_F(CachedStsPoliciesTest, waits_for_the_first_policy_of_a_domain) {
  announce_and_serve();
  const StsStanding standing = find();
  EXPECT_EQ(standing.policy, sts_policy());
  EXPECT_EQ(standing.id, "1");
  EXPECT_EQ(standing.expires_at, kStsStart + days{7});
  EXPECT_FALSE(standing.problem);
  EXPECT_EQ(log_.count("sts-policy-fetched domain=d.example id=1 mode=enforce"), 1);
}

TEST_F(CachedStsPoliciesTest, says_unknown_after_its_patience_and_goes_on) {
  announce_and_serve();
  fetcher_.hold(true);
  EXPECT_EQ(find("d.example", milliseconds{1}), unknown());
  EXPECT_EQ(find("d.example", kNone), unknown());
  fetcher_.hold(false);
  EXPECT_EQ(find().policy, sts_policy());
  EXPECT_EQ(fetcher_.fetches("d.example"), 1);
}

TEST_F(CachedStsPoliciesTest, answers_at_once_while_a_policy_is_in_force) {
  announce_and_serve();
  find();
  clock_.pass(hours{1});
  dns_.hold(true);
  EXPECT_EQ(find().policy, sts_policy());  // would last for ever if it waited
  EXPECT_EQ(find().policy, sts_policy());
  dns_.hold(false);
}

TEST_F(CachedStsPoliciesTest, asks_for_the_record_once_a_minute) {
  announce_and_serve();
  find();
  clock_.pass(seconds{59});
  for (int i = 0; i < 100; ++i) find();
  EXPECT_EQ(dns_.questions().size(), 1u);
  clock_.pass(seconds{1});
  find();
  settle(2);
  EXPECT_EQ(dns_.questions().size(), 2u);
  EXPECT_EQ(fetcher_.fetches("d.example"), 1) << "the id is the same";
}

TEST_F(CachedStsPoliciesTest, R275_fetches_a_policy_with_a_new_id) {
  announce_and_serve();
  find();
  clock_.pass(minutes{2});
  announce_and_serve("2", sts_policy("testing"));
  const StsStanding standing = after_check();
  EXPECT_EQ(standing.policy, sts_policy("testing"));
  EXPECT_EQ(standing.id, "2");
  EXPECT_EQ(log_.count("sts-policy-fetched"), 2);
}

TEST_F(CachedStsPoliciesTest, R270_R285_keeps_the_old_policy_when_the_new_one_cannot_be_had) {
  announce_and_serve();
  find();
  clock_.pass(minutes{2});
  dns_.announce("d.example", "2");
  fetcher_.serve("d.example", tl::unexpected(http_404()));
  const StsStanding standing = after_check();
  EXPECT_EQ(standing.policy, sts_policy());
  EXPECT_EQ(standing.id, "1");
  EXPECT_EQ(standing.problem, http_404());
  EXPECT_EQ(log_.count("sts-policy-problem domain=d.example"), 1);
}

TEST_F(CachedStsPoliciesTest, R270_keeps_the_policy_when_the_record_vanishes_or_dns_fails) {
  announce_and_serve();
  find();
  clock_.pass(minutes{2});
  dns_.set("d.example", FakeDns::no_name<std::string>());
  StsStanding standing = after_check();
  EXPECT_EQ(standing.policy, sts_policy());
  ASSERT_TRUE(standing.problem);
  EXPECT_EQ(standing.problem->result_type, "sts-policy-fetch-error");
  EXPECT_EQ(standing.problem->reason_code, "no-sts-record");
  clock_.pass(minutes{2});
  dns_.set("d.example", FakeDns::failed<std::string>());
  standing = after_check();
  EXPECT_EQ(standing.policy, sts_policy());
  EXPECT_EQ(standing.problem->reason_code, "dns-failure");
  clock_.pass(minutes{2});
  dns_.announce("d.example", "1");
  EXPECT_FALSE(after_check().problem);
}

TEST_F(CachedStsPoliciesTest, R272_tells_no_problem_beside_mode_none) {
  announce_and_serve("1", sts_policy("none"));
  find();
  clock_.pass(minutes{2});
  dns_.set("d.example", FakeDns::no_name<std::string>());
  const StsStanding standing = after_check();
  EXPECT_EQ(standing.policy->mode, StsMode::none);
  EXPECT_FALSE(standing.problem);
}

TEST_F(CachedStsPoliciesTest, R271_R281_gives_the_problem_when_there_is_no_policy) {
  dns_.announce("d.example", "1");
  const StsStanding standing = find();
  EXPECT_FALSE(standing.policy);
  EXPECT_EQ(standing.problem, http_404());
  EXPECT_FALSE(standing.unknown);
}

TEST_F(CachedStsPoliciesTest, R266_fetches_the_same_id_again_after_five_minutes) {
  dns_.announce("d.example", "1");
  find();
  clock_.pass(seconds{299});
  EXPECT_EQ(after_check().problem, http_404()) << "over a restart as well";
  EXPECT_EQ(fetcher_.fetches("d.example"), 1);
  clock_.pass(seconds{61});
  fetcher_.serve("d.example", sts_policy());
  EXPECT_EQ(after_check().policy, sts_policy());
  EXPECT_EQ(fetcher_.fetches("d.example"), 2);
}

TEST_F(CachedStsPoliciesTest, R266_fetches_a_new_id_at_once) {
  dns_.announce("d.example", "1");
  find();
  clock_.pass(seconds{61});
  announce_and_serve("2");
  EXPECT_EQ(after_check().policy, sts_policy());
}

TEST_F(CachedStsPoliciesTest, waits_again_when_the_last_failure_was_long_ago) {
  dns_.announce("d.example", "1");
  find();
  clock_.pass(hours{2});
  fetcher_.serve("d.example", sts_policy());
  EXPECT_EQ(find().policy, sts_policy());
}

TEST_F(CachedStsPoliciesTest, R258_R284_has_nothing_to_report_without_a_valid_record) {
  EXPECT_EQ(find("none.example"), StsStanding{});
  dns_.set("two.example", FakeDns::found<std::string>({"v=STSv1; id=1", "v=STSv1; id=2"}));
  EXPECT_EQ(find("two.example"), StsStanding{});
  dns_.set("bad.example", FakeDns::found<std::string>({"v=STSv1; id=?"}));
  EXPECT_EQ(find("bad.example"), StsStanding{});
}

TEST_F(CachedStsPoliciesTest, R284_knows_nothing_when_dns_fails_and_tries_again_soon) {
  dns_.set("d.example", FakeDns::failed<std::string>());
  EXPECT_EQ(find(), unknown());
  clock_.pass(seconds{29});
  EXPECT_EQ(find(), unknown());
  EXPECT_EQ(dns_.questions().size(), 1u);
  clock_.pass(seconds{1});
  announce_and_serve();
  EXPECT_EQ(find().policy, sts_policy());
}

TEST_F(CachedStsPoliciesTest, remembers_an_absence_as_long_as_dns_allows) {
  find();  // 300 seconds
  clock_.pass(seconds{299});
  announce_and_serve();
  EXPECT_EQ(find(), StsStanding{});
  EXPECT_EQ(dns_.questions().size(), 1u);
  clock_.pass(seconds{1});
  EXPECT_EQ(find().policy, sts_policy());
}

TEST_F(CachedStsPoliciesTest, keeps_policies_over_a_restart_without_asking_anybody) {
  announce_and_serve();
  find();
  open();
  dns_.hold(true);
  const StsStanding standing = find("d.example", kNone);
  EXPECT_EQ(standing.policy, sts_policy());
  EXPECT_EQ(standing.id, "1");
  EXPECT_EQ(standing.expires_at, kStsStart + days{7});
  dns_.hold(false);
}

TEST_F(CachedStsPoliciesTest, R270_saves_later_what_could_not_be_saved_at_once) {
  settings_.database = folder_.file("later/policies.db");
  open();
  announce_and_serve();
  EXPECT_TRUE(find().policy);
  std::filesystem::create_directory(folder_.file("later"));
  clock_.pass(minutes{1});
  while (log_.count("sts-store-back") == 0) {  // the failure itself may be a moment late
    policies_->refresh_due();
    std::this_thread::yield();
  }
  fetcher_.serve("d.example", tl::unexpected(http_404()));
  dns_.set("d.example", FakeDns::failed<std::string>("SERVFAIL"));
  open();
  EXPECT_EQ(find("d.example", kNone).policy, sts_policy());
}

TEST_F(CachedStsPoliciesTest, R270_looks_again_into_a_database_that_could_not_be_read) {
  announce_and_serve();
  find();
  const std::string file = settings_.database;
  policies_.reset();
  std::filesystem::rename(file, file + ".away");
  std::filesystem::create_directory(file);
  dns_.set("d.example", FakeDns::no_name<std::string>());
  open();
  EXPECT_FALSE(find().policy);
  std::filesystem::remove(file);
  std::filesystem::rename(file + ".away", file);
  clock_.pass(minutes{2});
  EXPECT_TRUE(find().policy);
}

TEST_F(CachedStsPoliciesTest, is_as_none_when_the_policy_has_expired) {
  announce_and_serve();
  find();
  fetcher_.serve("d.example", tl::unexpected(http_404()));
  clock_.pass(days{7});
  const StsStanding standing = find();
  EXPECT_FALSE(standing.policy);
  EXPECT_EQ(standing.problem, http_404());
}

TEST_F(CachedStsPoliciesTest, R280_refreshes_daily_though_nobody_asks) {
  announce_and_serve();
  find();
  policies_->refresh_due();
  settle(1);
  EXPECT_EQ(dns_.questions().size(), 1u);
  open();
  clock_.pass(hours{28});
  policies_->refresh_due();
  settle(2);
  open();
  dns_.hold(true);
  EXPECT_EQ(find("d.example", kNone).expires_at, kStsStart + hours{28} + days{7});
  EXPECT_EQ(fetcher_.fetches("d.example"), 2);
  EXPECT_EQ(log_.count("sts-policy-fetched"), 1) << "it is not new";
}

TEST_F(CachedStsPoliciesTest, R280_refreshes_without_a_database_too) {
  settings_.database.clear();
  open();
  announce_and_serve();
  find();
  clock_.pass(hours{28});
  policies_->refresh_due();
  settle(2);
  EXPECT_EQ(fetcher_.fetches("d.example"), 2);
}

TEST_F(CachedStsPoliciesTest, takes_over_what_another_program_has_fetched) {
  announce_and_serve();
  find();
  clock_.pass(minutes{2});
  announce_and_serve("2", sts_policy("testing"));
  {
    CachedStsPolicies other(settings_, StsParts{dns_, fetcher_, clock_, log_, stop_});
    EXPECT_EQ(other.find("d.example", kLong).policy.has_value(), true);
    while (fetcher_.fetches("d.example") < 2) std::this_thread::yield();
  }
  EXPECT_EQ(after_check().id, "2");
  EXPECT_EQ(fetcher_.fetches("d.example"), 2);
}

TEST_F(CachedStsPoliciesTest, does_not_take_its_own_troubles_for_the_domains) {
  announce_and_serve();
  fetcher_.serve("d.example", tl::unexpected(PolicyProblem{"", "no-trust-store", "gone"}));
  EXPECT_EQ(find(), unknown());
  EXPECT_EQ(log_.count("sts-fetch-impossible"), 1);
  EXPECT_EQ(log_.count("sts-policy-problem"), 0);
  clock_.pass(seconds{30});
  fetcher_.serve("d.example", sts_policy());
  EXPECT_EQ(find().policy, sts_policy());
}

TEST_F(CachedStsPoliciesTest, remembers_a_bounded_number_and_the_others_in_the_database) {
  settings_.max_domains = 2;
  open();
  for (const char* domain : {"a.example", "b.example", "c.example", "d.example"}) {
    dns_.announce(domain, "1");
    fetcher_.serve(domain, sts_policy());
    EXPECT_TRUE(find(domain).policy);
  }
  policies_.reset();
  open();
  dns_.hold(true);
  for (const char* domain : {"a.example", "b.example", "c.example", "d.example"})
    EXPECT_TRUE(find(domain, kNone).policy) << domain;
}

TEST_F(CachedStsPoliciesTest, lets_a_bounded_number_wait) {
  settings_.max_threads = 1;
  settings_.max_waiting = 2;
  open();
  dns_.hold(true);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(find(fmt::format("d{}.example", i), kNone).unknown) << i;
  dns_.hold(false);
  EXPECT_EQ(find("d0.example"), StsStanding{});
}

TEST_F(CachedStsPoliciesTest, answers_many_at_once) {
  announce_and_serve();
  std::vector<std::jthread> threads;
  std::atomic<int> found = 0;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&, i] {
      for (int j = 0; j < 20; ++j)
        found += find(i % 2 == 0 ? "d.example" : fmt::format("n{}.example", j)).policy ? 1 : 0;
    });
  }
  threads.clear();
  EXPECT_EQ(found, 8 * 20);
  EXPECT_EQ(fetcher_.fetches("d.example"), 1);
}

TEST_F(CachedStsPoliciesTest, stops_waiting_when_the_program_is_to_end) {
  dns_.hold(true);
  std::jthread stopper([&] { stop_.request(); });
  EXPECT_TRUE(find("d.example", kLong).unknown);  // would be a minute
  dns_.hold(false);
}

TEST_F(CachedStsPoliciesTest, works_in_memory_if_there_is_no_database) {
  settings_.database = folder_.file("nowhere/policies.db");
  open();
  announce_and_serve();
  EXPECT_EQ(find().policy, sts_policy());
  EXPECT_EQ(log_.count("sts-store-failed"), 1);
}

}  // namespace
}  // namespace tlsrpt::sender
