// SPDX-License-Identifier: BSD-2-Clause
#include "milter/report_quota.hpp"

#include <gtest/gtest.h>

#include "milter/received_schema.hpp"
#include "received_samples.hpp"
#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::milter {
namespace {

constexpr std::uint64_t kLimit = 3;

class ReportQuota : public testing::Test {
 protected:
  /// An item with reports of a signer, one for each id.
  StoreItem item(const std::string& signer, const std::vector<std::string>& ids) {
    StoreItem item;
    item.at = now_;
    for (const std::string& id : ids) {
      item.reports.push_back(received(1, signer, id, {policy_result("example.org", "sts", 1)}));
    }
    return item;
  }

  /// "new", "duplicate", or the word of the error.
  std::string put(const StoreItem& item) {
    const auto stored = store_.store(item, limits_);
    if (!stored) return std::string(to_word(stored.error().code));
    return stored->back().duplicate ? "duplicate" : "new";
  }
  std::string put(const std::string& signer, const std::string& id) {
    return put(item(signer, {id}));
  }
  void use_up(const std::string& signer) {
    for (std::uint64_t i = 0; i < kLimit; ++i) {
      ASSERT_EQ(put(signer, fmt::format("first {}", i)), "new");
    }
  }
  std::int64_t rows(const char* table) {
    Sqlite database =
        Sqlite::open(directory_.file("received.db"), SqliteMode::read_only, received_migrations())
            .value();
    Statement query = database.prepare(fmt::format("SELECT count(*) FROM {}", table)).value();
    EXPECT_TRUE(query.step().value());
    return query.integer(0);
  }

  TempDir directory_;
  ReceivedStore store_ =
      ReceivedStore::open(directory_.file("received.db"), SqliteMode::read_write_create).value();
  StoreLimits limits_{100u << 20, 100'000, kLimit};
  Seconds now_ = march(3) + std::chrono::hours(12);
};

TEST_F(ReportQuota, takes_as_many_as_the_limit_says_and_not_one_more) {  // R240
  use_up("flood.example");
  EXPECT_EQ(put("flood.example", "one more"), "limit-exceeded");
  EXPECT_EQ(rows("report"), std::int64_t{kLimit});
  EXPECT_EQ(put("other.example", "1"), "new") << "others are served";
  EXPECT_EQ(put("flood.example", "one more"), "limit-exceeded");
}

TEST_F(ReportQuota, says_who_and_which_setting) {
  use_up("a.flood.example");
  const auto stored = store_.store(item("a.flood.example", {"more"}), limits_);
  ASSERT_FALSE(stored);
  EXPECT_EQ(stored.error().detail,
            "flood.example has brought 3 new reports today (MaximumReportsPerDay)");
}

TEST_F(ReportQuota, begins_anew_with_the_utc_day_and_keeps_no_row_of_the_one_before) {
  now_ = march(3) + std::chrono::seconds(24 * 3600 - 1);
  use_up("flood.example");
  put("other.example", "1");
  EXPECT_EQ(put("flood.example", "more"), "limit-exceeded");
  EXPECT_EQ(rows("quota"), 2);
  now_ = march(4);
  EXPECT_EQ(put("flood.example", "more"), "new");
  EXPECT_EQ(rows("quota"), 1);
}

TEST_F(ReportQuota, of_duplicates_is_not_used_and_not_needed) {
  for (int i = 0; i < 10; ++i) put("a.example", "same");
  EXPECT_EQ(put("a.example", "2"), "new");
  EXPECT_EQ(put("a.example", "3"), "new");
  EXPECT_EQ(put("a.example", "4"), "limit-exceeded");
  EXPECT_EQ(put("a.example", "same"), "duplicate");
  EXPECT_EQ(put(item("a.example", {"same", "2"})), "duplicate");
  EXPECT_EQ(put(item("a.example", {"same", "4"})), "limit-exceeded");
}

TEST_F(ReportQuota, takes_a_mail_whole_or_not_at_all) {
  ASSERT_EQ(put(item("a.example", {"1", "2"})), "new");
  EXPECT_EQ(put(item("a.example", {"3", "4", "5"})), "new") << "something is left of the day";
  EXPECT_EQ(put(item("a.example", {"6", "7"})), "limit-exceeded");
  EXPECT_EQ(rows("report"), 5);
}

TEST_F(ReportQuota, is_the_organisations_whatever_subdomain_signs) {
  use_up("flood.example");
  EXPECT_EQ(put("x1.flood.example", "1"), "limit-exceeded");
  EXPECT_EQ(put("y.x2.flood.example", "1"), "limit-exceeded");
  use_up("a.co.uk");
  EXPECT_EQ(put("b.co.uk", "1"), "new") << "a public suffix is nobody's";
}

TEST_F(ReportQuota, of_a_signer_is_out_of_reach_for_those_who_only_use_his_name) {
  for (int i = 0; i < 10; ++i) {
    StoreItem forged = item("victim.example", {fmt::format("forged {}", i)});
    Provenance& from = forged.reports.front().provenance;
    from.dkim = DkimStatus::none;
    from.dkim_domain.clear();
    from.source = "https";
    from.source_address = "192.0.2.66";
    EXPECT_EQ(put(forged), i < 3 ? "new" : "limit-exceeded");
  }
  EXPECT_EQ(put("victim.example", "1"), "new");
}

TEST_F(ReportQuota, of_what_nobody_signed_is_that_of_its_address) {
  Provenance from;
  from.submitter = "victim.example";
  EXPECT_EQ(quota_holder(from), "unsigned victim.example");
  from.source = "https";
  EXPECT_EQ(quota_holder(from), "address local") << "the proxy does not tell";
  from.source_address = "192.0.2.1";
  EXPECT_EQ(quota_holder(from), "address 192.0.2.1");
  from.source_address = "2001:db8:1:2:3::4";
  EXPECT_EQ(quota_holder(from), "address 2001:db8:1:2::/64");
  from.dkim = DkimStatus::pass;
  from.dkim_domain = "mail.victim.example";
  EXPECT_EQ(quota_holder(from), "victim.example");
}

TEST_F(ReportQuota, is_used_by_what_is_refused_of_an_address_but_not_of_a_mail) {
  const auto refuse = [&](const std::string& source, int number) {
    StoreItem item;
    item.at = now_;
    RefusedInput& input = item.refused.emplace_back();
    input.provenance.source = source;
    input.provenance.source_address = source == "https" ? "192.0.2.66" : "";
    input.provenance.dkim = source == "https" ? DkimStatus::none : DkimStatus::pass;
    input.provenance.dkim_domain = "victim.example";
    input.refusal = Refusal::not_json;
    input.bytes = std::to_string(number);
    const auto stored = store_.store(item, limits_);
    return stored ? "recorded" : std::string(to_word(stored.error().code));
  };
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(refuse("https", i), i < 3 ? "recorded" : "limit-exceeded");
    EXPECT_EQ(refuse("milter", 10 + i), "recorded");
  }
  EXPECT_EQ(put("victim.example", "1"), "new");
}

TEST_F(ReportQuota, zero_is_no_limit_and_counts_nothing) {
  limits_.max_reports_per_day = 0;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(put("a.example", std::to_string(i)), "new");
  EXPECT_EQ(rows("quota"), 0);
}

TEST_F(ReportQuota, costs_nobody_else_in_the_same_commit) {
  use_up("flood.example");
  const StoreItem flood = item("flood.example", {"more"});
  const StoreItem other = item("other.example", {"1"});
  StoreItem counted;
  counted.at = now_;
  counted.counters["mails_seen"] = 1;
  const auto results = store_.store_all({&flood, &other, &flood, &counted}, limits_);
  ASSERT_EQ(results.size(), 4u);
  EXPECT_EQ(results[0].error().code, ErrorCode::limit_exceeded);
  EXPECT_TRUE(results[1]) << "another's report";
  EXPECT_EQ(results[2].error().code, ErrorCode::limit_exceeded);
  EXPECT_TRUE(results[3]);
  EXPECT_EQ(rows("report"), std::int64_t{kLimit + 1});
}

}  // namespace
}  // namespace tlsrpt::milter
