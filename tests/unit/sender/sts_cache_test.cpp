// SPDX-License-Identifier: BSD-2-Clause
#include "sender/sts_cache.hpp"

#include <filesystem>
#include <fstream>

#include "tests/unit/sender/sts_house.hpp"
#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::sender {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::seconds;
using Texts = std::vector<std::string>;

class StsCacheTest : public testing::Test {
 protected:
  StsCache open(std::size_t max_rows = 1000) { return {file_, max_rows, clock_, log_}; }
  StsEntry fetched(const std::string& domain = "d.example", std::string id = "1") {
    StsEntry entry;
    take_policy(entry, domain, std::move(id), sts_policy(), clock_.now());
    entry.used_at = clock_.now();
    return entry;
  }
  static void expect_equal(const StsEntry& one, const StsEntry& other) {
    ASSERT_EQ(one.policy != nullptr, other.policy != nullptr);
    if (one.policy) {
      EXPECT_EQ(*one.policy, *other.policy);
    }
    EXPECT_EQ(one.id, other.id);
    EXPECT_EQ(one.fetched_at, other.fetched_at);
    EXPECT_EQ(one.expires_at, other.expires_at);
    EXPECT_EQ(one.refresh_at, other.refresh_at);
    EXPECT_EQ(one.problem, other.problem);
    EXPECT_EQ(one.problem_id, other.problem_id);
    EXPECT_EQ(one.problem_at, other.problem_at);
    EXPECT_EQ(one.checked_at, other.checked_at);
    EXPECT_EQ(one.used_at, other.used_at);
  }

  TempDir folder_;
  std::string file_ = folder_.file("policies.db");
  SteadyHand clock_;
  SharedLog log_;
};

TEST_F(StsCacheTest, keeps_policies_and_problems_over_a_restart) {
  StsEntry both = fetched();
  take_failure(both, "2", http_404(), clock_.now());
  StsEntry problem;
  take_failure(problem, "3", {"sts-webpki-invalid", "X", "a\"'\n\xff"}, clock_.now());
  {
    StsCache cache = open();
    cache.save("d.example", both);
    cache.save("p.example", problem);
  }
  StsCache cache = open();
  expect_equal(cache.load("d.example").value(), both);
  expect_equal(cache.load("p.example").value(), problem);
  EXPECT_FALSE(cache.load("other.example"));
  EXPECT_EQ(log_.count(""), 0);
}

TEST_F(StsCacheTest, is_shared_and_the_newer_part_of_each_stays) {
  StsCache one = open();
  StsCache other = open();
  const StsEntry old = fetched("d.example", "1");
  one.save("d.example", old);
  clock_.pass(hours{1});
  one.save("d.example", fetched("d.example", "2"));
  clock_.pass(hours{1});
  StsEntry late = old;  // of one who has not seen the second
  take_failure(late, "3", http_404(), clock_.now());
  late.used_at = clock_.now();
  other.save("d.example", late);
  const StsEntry found = one.load("d.example").value();
  EXPECT_EQ(found.id, "2");
  EXPECT_EQ(found.fetched_at, kStsStart + hours{1});
  EXPECT_EQ(found.problem, http_404());
  EXPECT_EQ(found.used_at, clock_.now());
}

TEST_F(StsCacheTest, overwrites_what_was_written_under_a_clock_that_was_ahead) {
  StsCache cache = open();
  clock_.pass(days{365});
  cache.save("d.example", fetched("d.example", "future"));
  clock_.pass(-days{365});
  cache.save("d.example", fetched("d.example", "1"));
  EXPECT_EQ(cache.load("d.example")->id, "1");
  EXPECT_EQ(cache.load("d.example")->used_at, clock_.now());
}

TEST_F(StsCacheTest, R280_says_what_is_to_be_fetched_again) {
  StsCache cache = open();
  const StsEntry entry = fetched("d.example");
  cache.save("d.example", entry);
  EXPECT_EQ(cache.due(entry.refresh_at - seconds{1}, 10), Texts{});
  EXPECT_EQ(cache.due(entry.refresh_at, 10), Texts{"d.example"});
  EXPECT_EQ(cache.due(entry.refresh_at, 0), Texts{});
  EXPECT_EQ(cache.due(entry.expires_at, 10), Texts{}) << "nobody needs it";
  StsEntry failed = entry;
  take_failure(failed, "1", http_404(), entry.refresh_at);
  cache.save("d.example", failed);
  EXPECT_EQ(cache.due(entry.refresh_at + seconds{3599}, 10), Texts{});
  EXPECT_EQ(cache.due(entry.refresh_at + hours{1}, 10), Texts{"d.example"});
}

TEST_F(StsCacheTest, drops_what_is_not_used_and_what_has_expired) {
  StsCache cache = open();
  StsEntry unused = fetched("unused.example");
  unused.expires_at += days{300};
  StsEntry used = unused;
  used.used_at += days{180};
  cache.save("unused.example", unused);
  cache.save("used.example", used);
  cache.save("expired.example", fetched("expired.example"));
  cache.purge(kStsStart + days{8} + seconds{1});
  EXPECT_TRUE(cache.load("unused.example"));
  EXPECT_FALSE(cache.load("expired.example")) << "a week and a day";
  cache.purge(kStsStart + days{181});
  EXPECT_FALSE(cache.load("unused.example"));
  EXPECT_TRUE(cache.load("used.example"));
}

TEST_F(StsCacheTest, is_bounded_by_dropping_what_was_used_longest_ago) {
  StsCache cache = open(3);
  for (int i = 0; i < 10; ++i) {
    clock_.pass(seconds{1});
    cache.save(fmt::format("d{}.example", i), fetched());
  }
  cache.purge(clock_.now());
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(cache.load(fmt::format("d{}.example", i)).has_value(), i >= 7) << i;
}

TEST_F(StsCacheTest, that_cannot_be_opened_is_told_once_and_tried_again) {
  file_ = folder_.file("later/policies.db");
  StsCache cache = open();
  cache.save("d.example", fetched());
  EXPECT_FALSE(cache.load("d.example"));
  EXPECT_FALSE(cache.due(clock_.now(), 1));
  EXPECT_EQ(log_.count("sts-store-failed"), 1);
  std::filesystem::create_directory(folder_.file("later"));
  cache.save("d.example", fetched());
  EXPECT_FALSE(cache.load("d.example")) << "not before a minute has passed";
  clock_.pass(seconds{60});
  cache.save("d.example", fetched());
  EXPECT_TRUE(cache.load("d.example"));
  EXPECT_EQ(log_.count("sts-store-back"), 1);
  EXPECT_EQ(log_.count("sts-store-failed"), 1);
}

TEST_F(StsCacheTest, goes_on_when_its_file_is_taken_away_or_damaged) {
  StsCache cache = open();
  cache.save("d.example", fetched());
  std::filesystem::remove(file_);
  std::filesystem::remove(file_ + "-wal");
  std::filesystem::remove(file_ + "-shm");
  cache.save("e.example", fetched());
  EXPECT_TRUE(cache.load("e.example"));
  EXPECT_FALSE(cache.load("d.example"));
  std::filesystem::remove(file_ + "-wal");
  std::filesystem::remove(file_ + "-shm");
  std::filesystem::remove(file_);
  std::ofstream(file_) << "this is no database at all, and long enough to be seen as none";
  cache.save("f.example", fetched());
  EXPECT_EQ(log_.count("sts-store-failed"), 1);
}

TEST_F(StsCacheTest, without_a_path_is_none_and_that_is_no_failure) {
  file_.clear();
  StsCache cache = open();
  cache.save("d.example", fetched());
  EXPECT_FALSE(cache.load("d.example"));
  EXPECT_EQ(log_.count(""), 0);
}

}  // namespace
}  // namespace tlsrpt::sender
