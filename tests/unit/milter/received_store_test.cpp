// SPDX-License-Identifier: BSD-2-Clause
#include "milter/received_store.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "milter/received_schema.hpp"
#include "received_samples.hpp"
#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::milter {
namespace {

class Store : public testing::Test {
 protected:
  void SetUp() override { reopen(SqliteMode::read_write_create); }

  void reopen(SqliteMode mode) {
    store_.reset();
    auto opened = ReceivedStore::open(directory_.file("received.db"), mode);
    ASSERT_TRUE(opened) << opened.error().detail;
    store_.emplace(std::move(*opened));
  }

  StoredReport put(const ReceivedReport& report) {
    auto stored = store_->store({report}, {}, {});
    EXPECT_TRUE(stored) << stored.error().detail;
    return stored ? stored->at(0) : StoredReport{};
  }

  void refuse(const std::vector<RefusedInput>& inputs, const StoreLimits& limits = {}) {
    auto stored = store_->store({}, inputs, limits);
    ASSERT_TRUE(stored) << stored.error().detail;
  }

  std::vector<std::string> ids(const ReportFilter& filter) {
    std::vector<std::string> ids;
    const auto listed = store_->list(filter);
    EXPECT_TRUE(listed);
    if (!listed) return ids;
    for (const ListedReport& report : *listed) ids.push_back(report.report.report_id);
    return ids;
  }

  TempDir directory_;
  std::optional<ReceivedStore> store_;
};

using Ids = std::vector<std::string>;

RefusedInput refused_mail(unsigned day, const std::string& bytes,
                          Refusal refusal = Refusal::not_json) {
  RefusedInput input;
  input.provenance.received_at = march(day);
  input.provenance.source = "milter";
  input.provenance.from_domain = "sender.example";
  input.refusal = refusal;
  input.detail = "at byte 7";
  input.subject = "Report Domain: x.example";
  input.bytes = bytes;
  return input;
}

ReceivedReport full_report() {
  PolicyResult sts = policy_result("x.example", "sts", 10, 3);
  sts.policy.policy_string = {"version: STSv1", "mode: enforce \"\n\\"};
  sts.policy.mx_host = {"*.mx.x.example"};
  FailureDetails details = failure("certificate-expired", 2);
  details.sending_mta_ip = "192.0.2.1";
  details.receiving_mx_hostname = "a.mx.x.example";
  details.receiving_mx_helo = "helo.x.example";
  details.receiving_ip = "2001:db8::1";
  details.additional_information = "https://info.example/";
  details.failure_reason_code = "X509_V_ERR_CERT_HAS_EXPIRED";
  sts.failure_details = {details, failure("validation-failure", 1)};
  PolicyResult tlsa = policy_result("mx.x.example", "tlsa", 13);
  tlsa.policy.policy_string = {"3 1 1 00"};
  ReceivedReport report = received(1, "sender.example", "r1", {sts, tlsa});
  report.provenance.dkim_selector = "s2026";
  report.provenance.queue_id = "4fXyZ";
  report.provenance.message_id = "<1@sender.example>";
  report.provenance.dkim_reason = "";
  report.flags = {Flag::date_format, Flag::dkim_key_service_type};
  return report;
}

TEST_F(Store, gives_back_what_was_stored) {
  const ReceivedReport report = full_report();
  const StoredReport stored = put(report);
  EXPECT_FALSE(stored.duplicate);
  reopen(SqliteMode::read_only);
  const auto back = store_->report(stored.id);
  ASSERT_TRUE(back) << back.error().detail;
  ASSERT_TRUE(back->has_value());
  EXPECT_EQ((*back)->report, report.report);
  EXPECT_EQ((*back)->json, report.json);
  EXPECT_EQ((*back)->flags, report.flags);
  EXPECT_EQ((*back)->provenance.received_at, report.provenance.received_at);
  EXPECT_EQ((*back)->provenance.source, "milter");
  EXPECT_EQ((*back)->provenance.dkim, DkimStatus::pass);
  EXPECT_EQ((*back)->provenance.dkim_domain, "sender.example");
  EXPECT_EQ((*back)->provenance.dkim_selector, "s2026");
  EXPECT_EQ((*back)->provenance.submitter, "sender.example");
  EXPECT_EQ((*back)->provenance.queue_id, "4fXyZ");
  EXPECT_EQ((*back)->provenance.message_id, "<1@sender.example>");
  const auto listed = store_->list({});
  ASSERT_TRUE(listed);
  ASSERT_EQ(listed->size(), 1u);
  EXPECT_EQ(listed->at(0).report, report.report);
  EXPECT_EQ(listed->at(0).id, stored.id);
}

TEST_F(Store, keeps_a_report_in_which_the_sender_left_nearly_everything_out) {
  ReceivedReport report;
  report.report.policies = {policy_result("", "", 0)};
  const StoredReport stored = put(report);
  const auto back = store_->report(stored.id);
  ASSERT_TRUE(back && back->has_value());
  EXPECT_EQ((*back)->report, report.report);
}

TEST_F(Store, has_no_report_or_refused_input_of_an_unknown_id) {
  const auto report = store_->report(7);
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->has_value());
  const auto refused = store_->refused(7);
  ASSERT_TRUE(refused);
  EXPECT_FALSE(refused->has_value());
}

TEST_F(Store, tells_a_duplicate_by_reporter_id_range_and_domains) {
  SCOPED_TRACE("R225");
  const ReceivedReport original =
      received(1, "a.example", "r1",
               {policy_result("x.example", "sts", 1), policy_result("y.example", "", 1)});
  const StoredReport first = put(original);

  ReceivedReport again = original;
  std::swap(again.report.policies[0], again.report.policies[1]);
  again.provenance.received_at += std::chrono::hours(5);
  const StoredReport second = put(again);
  EXPECT_TRUE(second.duplicate);
  EXPECT_EQ(second.id, first.id);

  const std::vector<std::function<void(ReceivedReport&)>> differences = {
      [](ReceivedReport& report) { report.provenance.submitter = "b.example"; },
      [](ReceivedReport& report) { report.report.organization_name = "Other"; },
      [](ReceivedReport& report) { report.report.report_id = "r1_idx1"; },
      [](ReceivedReport& report) { report.report.date_range.end_datetime += Seconds::duration(1); },
      [](ReceivedReport& report) { report.report.policies.pop_back(); },
  };
  for (const auto& change : differences) {
    ReceivedReport other = original;
    change(other);
    EXPECT_FALSE(put(other).duplicate);
  }
  EXPECT_EQ(ids({}).size(), 6u);
}

TEST_F(Store, tells_reports_without_an_id_by_their_text) {
  ReceivedReport report = received(1, "a.example", "", {policy_result("x.example", "sts", 1)});
  put(report);
  EXPECT_TRUE(put(report).duplicate);
  report.json = "{}";
  EXPECT_FALSE(put(report).duplicate);
}

TEST_F(Store, finds_a_duplicate_within_one_mail) {
  const ReceivedReport report = full_report();
  const auto stored = store_->store({report, report}, {}, {});
  ASSERT_TRUE(stored);
  EXPECT_FALSE(stored->at(0).duplicate);
  EXPECT_TRUE(stored->at(1).duplicate);
}

TEST_F(Store, prefers_the_authentic_copy_whichever_comes_first) {
  SCOPED_TRACE("R227");
  const ReceivedReport authentic = full_report();
  ReceivedReport forged = full_report();
  forged.provenance.dkim = DkimStatus::fail;
  forged.provenance.dkim_reason = "signature";
  forged.report.policies[0].total_successful_session_count = 999;
  forged.report.policies[0].failure_details.clear();

  const StoredReport first = put(forged);
  EXPECT_TRUE(put(authentic).duplicate);
  auto kept = store_->report(first.id);
  ASSERT_TRUE(kept && kept->has_value());
  EXPECT_EQ((*kept)->provenance.dkim, DkimStatus::pass);
  EXPECT_EQ((*kept)->provenance.dkim_reason, "");
  EXPECT_EQ((*kept)->report, authentic.report);

  EXPECT_TRUE(put(forged).duplicate);
  kept = store_->report(first.id);
  ASSERT_TRUE(kept && kept->has_value());
  EXPECT_EQ((*kept)->provenance.dkim, DkimStatus::pass);
  EXPECT_EQ((*kept)->report, authentic.report);
  EXPECT_EQ(ids({}), Ids{"r1"});
}

TEST_F(Store, lists_newest_first_within_the_filter) {
  put(received(1, "a.example", "a1", {policy_result("x.example", "sts", 1)}));
  put(received(
      3, "a.example", "a3",
      {policy_result("x.example", "sts", 1, 1), policy_result("x.example", "tlsa", 1, 1)}));
  put(received(2, "a.example", "a2",
               {policy_result("x.example", "sts", 1), policy_result("y.example", "sts", 1, 1)}));
  PolicyResult described = policy_result("y.example", "sts", 1);
  described.failure_details = {failure("validation-failure", 0)};
  put(received(4, "a.example", "a4", {described}));

  ReportFilter filter;
  EXPECT_EQ(ids(filter), (Ids{"a4", "a3", "a2", "a1"}));
  filter.limit = 2;
  EXPECT_EQ(ids(filter), (Ids{"a4", "a3"}));
  filter = {};
  filter.since = march(2);
  filter.until = march(4);
  EXPECT_EQ(ids(filter), (Ids{"a3", "a2"}));
  filter = {};
  filter.failures_only = true;
  EXPECT_EQ(ids(filter), (Ids{"a4", "a3", "a2"}));
  filter.domain = "x.example";
  EXPECT_EQ(ids(filter), (Ids{"a3"}));
  filter.failures_only = false;
  EXPECT_EQ(ids(filter), (Ids{"a3", "a2", "a1"}));
  filter.until = march(3);
  EXPECT_EQ(ids(filter), (Ids{"a2", "a1"}));
  filter.domain = "z.example";
  EXPECT_EQ(ids(filter), Ids{});
}

TEST_F(Store, lists_by_reporter_and_type_within_the_other_filters) {
  const auto expired = [](const std::string& domain, const std::string& type) {
    PolicyResult result = policy_result(domain, "sts", 1, 2);
    result.failure_details = {failure(type, 1), failure(type, 1)};
    return result;
  };
  put(received(1, "a.example", "a1", {expired("x.example", "certificate-expired")}));
  put(received(2, "b.example", "b2", {expired("y.example", "Certificate-Expired")}));
  put(received(3, "a.example", "a3", {policy_result("x.example", "sts", 1)}));
  put(received(4, "a.example", "a4",
               {expired("x.example", "starttls-not-supported"),
                expired("y.example", "certificate-expired")}));
  ReceivedReport renamed = received(5, "c.example", "c5", {policy_result("x.example", "sts", 1)});
  renamed.report.organization_name = "A.example";
  put(renamed);
  const struct {
    ReportFilter filter;
    Ids expected;
  } cases[] = {
      {{.reporter = "A.EXAMPLE"}, {"c5", "a4", "a3", "a1"}},
      {{.reporter = "a.example ltd"}, {"a4", "a3", "a1"}},
      {{.reporter = "a.exampl"}, {}},
      {{.since = march(2), .until = march(4), .reporter = "a.example"}, {"a3"}},
      {{.reporter = "a.example", .failures_only = true}, {"a4", "a1"}},
      {{.reporter = "a.example", .limit = 2}, {"c5", "a4"}},
      {{.domain = "y.example", .reporter = "a.example"}, {"a4"}},
      {{.result_type = "CERTIFICATE-EXPIRED"}, {"a4", "b2", "a1"}},
      {{.result_type = "certificate-expired", .limit = 2}, {"a4", "b2"}},
      {{.domain = "x.example", .result_type = "certificate-expired"}, {"a1"}},
      {{.reporter = "a.example", .result_type = "certificate-expired"}, {"a4", "a1"}},
      {{.since = march(2), .result_type = "certificate-expired"}, {"a4", "b2"}},
      {{.result_type = "dnssec-invalid"}, {}},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.filter.reporter + " " + one.filter.result_type + " " + one.filter.domain);
    EXPECT_EQ(ids(one.filter), one.expected);
  }
}

TEST_F(Store, keeps_what_is_about_domains_of_others_apart) {
  SCOPED_TRACE("R228");
  PolicyResult failing = policy_result("z.example", "sts", 1, 1);
  failing.failure_details = {failure("certificate-expired", 1)};
  put(received(1, "a.example", "ours", {policy_result("x.example", "sts", 1)}));
  put(received(
      2, "a.example", "both",
      {failing, policy_result("x.example", "sts", 1), policy_result("mx.example", "tlsa", 1)}));
  put(received(3, "b.example", "theirs", {failing}));
  put(received(4, "b.example", "none", {}));
  put(received(5, "b.example", "nameless", {policy_result("", "sts", 1)}));

  const std::vector<std::string> ours = {"x.example", "mx.example"};
  const struct {
    ReportFilter filter;
    Ids expected;
    Ids quarantined;
  } cases[] = {
      {{}, {"none", "both", "ours"}, {"nameless", "theirs", "both"}},
      {{.limit = 2}, {"none", "both"}, {"nameless", "theirs"}},
      {{.failures_only = true}, {}, {"theirs", "both"}},
      {{.domain = "x.example"}, {"both", "ours"}, {}},
      {{.domain = "z.example"}, {}, {"theirs", "both"}},
      {{.result_type = "certificate-expired"}, {}, {"theirs", "both"}},
      {{.reporter = "b.example"}, {"none"}, {"nameless", "theirs"}},
      {{.reporter = "a.example", .failures_only = true}, {}, {"both"}},
      {{.since = march(3), .until = march(4)}, {}, {"theirs"}},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.filter.reporter + " " + one.filter.result_type + " " + one.filter.domain);
    ReportFilter filter = one.filter;
    filter.policy_domains = ours;
    EXPECT_EQ(ids(filter), one.expected);
    filter.quarantined = true;
    EXPECT_EQ(ids(filter), one.quarantined);
  }

  ReportFilter filter;
  filter.policy_domains = ours;
  const auto counted = store_->list(filter).value().at(1);
  ASSERT_EQ(counted.report.policies.size(), 2u) << "one with some of ours counts with ours only";
  EXPECT_EQ(counted.report.policies[0].policy.policy_domain, "x.example");
  filter.quarantined = true;
  const auto apart = store_->list(filter).value().at(2);
  ASSERT_EQ(apart.report.policies.size(), 1u);
  EXPECT_EQ(apart.report.policies[0], failing);

  filter.quarantined = false;
  filter.policy_domains.emplace_back("z.example");
  EXPECT_EQ(ids(filter), (Ids{"none", "theirs", "both", "ours"})) << "decided when it is read";
  filter.policy_domains.clear();
  EXPECT_EQ(ids(filter).size(), 5u);
  filter.quarantined = true;
  EXPECT_TRUE(ids(filter).empty());
}

TEST_F(Store, leaves_policies_out_where_they_are_not_wanted) {
  put(received(1, "a.example", "1", {policy_result("x.example", "sts", 1)}));
  ReportFilter filter;
  filter.with_policies = false;
  const auto listed = store_->list(filter).value();
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].report.report_id, "1");
  EXPECT_TRUE(listed[0].report.policies.empty());
}

TEST_F(Store, keeps_refused_mails_with_their_reason) {
  refuse({refused_mail(1, "mail one", Refusal::gzip_damaged), refused_mail(2, "mail two")});
  const auto listed = store_->list_refused({});
  ASSERT_TRUE(listed);
  ASSERT_EQ(listed->size(), 2u);
  EXPECT_EQ(listed->at(0).refusal, Refusal::not_json);
  EXPECT_EQ(listed->at(1).refusal, Refusal::gzip_damaged);
  EXPECT_EQ(listed->at(1).detail, "at byte 7");
  EXPECT_EQ(listed->at(1).size, 8u);
  const auto one = store_->refused(listed->at(1).id);
  ASSERT_TRUE(one && one->has_value());
  EXPECT_EQ((*one)->bytes, "mail one");
  EXPECT_EQ((*one)->subject, "Report Domain: x.example");
}

TEST_F(Store, counts_an_identical_refused_mail_instead_of_repeating_it) {
  refuse({refused_mail(1, "same"), refused_mail(2, "same")});
  refuse({refused_mail(3, "same")});
  const auto listed = store_->list_refused({});
  ASSERT_TRUE(listed);
  ASSERT_EQ(listed->size(), 1u);
  EXPECT_EQ(listed->at(0).times, 3u);
  EXPECT_EQ(listed->at(0).provenance.received_at, march(3));
}

TEST_F(Store, drops_the_bytes_of_the_oldest_refused_mails_but_not_their_reasons) {
  const StoreLimits limits{25, 100};
  refuse({refused_mail(1, std::string(10, 'a')), refused_mail(2, std::string(10, 'b'))}, limits);
  refuse({refused_mail(3, std::string(10, 'c'))}, limits);
  const auto listed = store_->list_refused({});
  ASSERT_TRUE(listed);
  ASSERT_EQ(listed->size(), 3u);
  EXPECT_EQ(store_->refused(listed->at(2).id)->value().bytes, "");
  EXPECT_EQ(listed->at(2).size, 10u);
  EXPECT_EQ(store_->refused(listed->at(1).id)->value().bytes, std::string(10, 'b'));
  EXPECT_EQ(store_->refused(listed->at(0).id)->value().bytes, std::string(10, 'c'));
}

TEST_F(Store, keeps_the_beginning_of_a_refused_mail_larger_than_all_the_room) {
  refuse({refused_mail(1, "0123456789")}, StoreLimits{4, 100});
  const auto listed = store_->list_refused({});
  ASSERT_TRUE(listed);
  EXPECT_EQ(listed->at(0).size, 10u);
  EXPECT_EQ(store_->refused(listed->at(0).id)->value().bytes, "0123");
}

TEST_F(Store, bounds_the_number_of_refused_mails) {
  const StoreLimits limits{1000, 2};
  refuse({refused_mail(1, "a"), refused_mail(2, "b"), refused_mail(3, "c")}, limits);
  const auto listed = store_->list_refused({});
  ASSERT_TRUE(listed);
  ASSERT_EQ(listed->size(), 2u);
  EXPECT_EQ(listed->at(1).provenance.received_at, march(2));
}

TEST_F(Store, adds_up_counters) {
  ASSERT_TRUE(store_->count({{"mails", 2}, {"refused not-json", 1}}));
  ASSERT_TRUE(store_->count({{"mails", 3}}));
  const auto counters = store_->counters();
  ASSERT_TRUE(counters);
  EXPECT_EQ(*counters,
            (std::map<std::string, std::uint64_t>{{"mails", 5}, {"refused not-json", 1}}));
}

TEST_F(Store, keeps_counters_by_day) {
  using Counters = std::map<std::string, std::uint64_t>;
  ASSERT_TRUE(store_->count({{"mails", 1}}, march(3)));
  ASSERT_TRUE(store_->count({{"mails", 2}, {"posts", 7}}, march(4) - std::chrono::seconds(1)));
  ASSERT_TRUE(store_->count({{"mails", 4}}, march(4)));
  const auto day = [](unsigned number) {
    return std::chrono::floor<std::chrono::days>(march(number));
  };
  EXPECT_EQ(store_->counters(day(3), day(4)).value(), (Counters{{"mails", 3}, {"posts", 7}}));
  EXPECT_EQ(store_->counters(day(4)).value(), (Counters{{"mails", 4}}));
  ASSERT_TRUE(store_->prune(march(4)));
  EXPECT_EQ(store_->counters().value(), (Counters{{"mails", 4}}));
}

TEST_F(Store, counts_what_it_forgets_of_refused_mails) {
  refuse({refused_mail(1, "a"), refused_mail(2, "bb"), refused_mail(3, "cc")}, StoreLimits{3, 2});
  EXPECT_EQ(store_->counters().value().at("refused_bytes_dropped"), 2u);
  EXPECT_EQ(store_->counters().value().at("refused_forgotten"), 1u);
}

TEST_F(Store, keeps_counters_of_an_older_version) {
  const std::string path = directory_.file("old.db");
  {
    const std::vector<std::string> older(received_migrations().begin(),
                                         received_migrations().begin() + 3);
    Sqlite database = Sqlite::open(path, SqliteMode::read_write_create, older).value();
    ASSERT_TRUE(database.execute("INSERT INTO counter (name, value) VALUES ('mails_seen', 41)"));
  }
  ReceivedStore store = ReceivedStore::open(path, SqliteMode::read_write_create).value();
  ASSERT_TRUE(store.count({{"mails_seen", 1}}, march(3)));
  EXPECT_EQ(store.counters().value().at("mails_seen"), 42u);
}

TEST_F(Store, forgets_what_arrived_before_a_time) {
  SCOPED_TRACE("R257");
  const StoredReport old = put(full_report());
  put(received(5, "a.example", "a5", {policy_result("x.example", "sts", 1)}));
  refuse({refused_mail(1, "old"), refused_mail(6, "new")});
  EXPECT_EQ(store_->count_older(march(5)).value().reports, 1u);
  const auto pruned = store_->prune(march(5));
  ASSERT_TRUE(pruned);
  EXPECT_EQ(pruned->reports, 1u);
  EXPECT_EQ(pruned->refused, 1u);
  EXPECT_EQ(store_->count_older(march(5)).value().refused, 0u);
  EXPECT_EQ(ids({}), Ids{"a5"});
  EXPECT_FALSE(store_->report(old.id)->has_value());
  EXPECT_EQ(store_->list_refused({})->size(), 1u);
  EXPECT_FALSE(put(full_report()).duplicate);
}

TEST_F(Store, forgets_more_than_one_batch) {
  std::vector<ReceivedReport> reports;
  for (int i = 0; i < 1200; ++i) {
    reports.push_back(
        received(1, "a.example", std::to_string(i), {policy_result("x.example", "", 1)}));
  }
  ASSERT_TRUE(store_->store(reports, {}, {}));
  EXPECT_EQ(store_->prune(march(5)).value().reports, 1200u);
  EXPECT_EQ(ids({}), Ids{});
}

TEST_F(Store, follows_its_path_when_the_file_is_moved_or_removed) {
  const auto report = [](const std::string& id) {
    return received(1, "sender.example", id, {policy_result("example.org", "sts", 1)});
  };
  put(report("1"));
  std::filesystem::rename(directory_.file("received.db"), directory_.file("old.db"));
  put(report("2"));
  put(report("3"));
  EXPECT_EQ(ids({}), (Ids{"3", "2"}));
  auto old = ReceivedStore::open(directory_.file("old.db"), SqliteMode::read_write_create);
  ASSERT_TRUE(old);
  EXPECT_EQ(old->list({}).value().size(), 1u) << "what was in the log when it was moved";

  std::filesystem::remove(directory_.file("received.db"));
  ASSERT_TRUE(store_->count({{"mails_seen", 1}}));
  put(report("4"));
  reopen(SqliteMode::read_write_create);
  EXPECT_EQ(ids({}), Ids{"4"});
}

TEST_F(Store, fails_while_its_folder_is_gone) {
  const std::string away = directory_.path() + "-away";
  std::filesystem::rename(directory_.path(), away);
  const auto report = received(1, "sender.example", "1", {policy_result("example.org", "sts", 1)});
  EXPECT_FALSE(store_->store({report}, {}, {}));
  EXPECT_FALSE(store_->store({report}, {}, {}));
  std::filesystem::rename(away, directory_.path());
  EXPECT_FALSE(put(report).duplicate);
}

TEST_F(Store, is_not_readable_for_everybody) {
  struct stat info {};
  ASSERT_EQ(::stat(directory_.file("received.db").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07u, 0u);
}

TEST(ReceivedPath, is_received_db_in_the_folder_of_the_database) {
  EXPECT_EQ(received_path("sqlite:/var/lib/opentlsrpt").value(), "/var/lib/opentlsrpt/received.db");
  EXPECT_EQ(received_path("sqlite:/var/lib/opentlsrpt//").value(),
            "/var/lib/opentlsrpt/received.db");
  EXPECT_EQ(received_path("sqlite:/").value(), "/received.db");
  EXPECT_EQ(received_path("postgresql://host/x").error().code, ErrorCode::unsupported);
  EXPECT_EQ(received_path("sqlite:relative").error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace tlsrpt::milter
