// SPDX-License-Identifier: BSD-2-Clause
// Which reports count once, however and in whatever order they come (R225, R227).
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "milter/received_schema.hpp"
#include "milter/received_store.hpp"
#include "received_samples.hpp"
#include "tests/unit/temp_dir.hpp"

namespace tlsrpt::milter {
namespace {

/// Ways in which one report comes; its content tells them apart by a count.
enum class Way { signed_mail, other_signer, unsigned_mail, other_unsigned, https, file };

std::string name_of(Way way) {
  switch (way) {
    case Way::signed_mail:
      return "signed";
    case Way::other_signer:
      return "other-signer";
    case Way::unsigned_mail:
      return "unsigned";
    case Way::other_unsigned:
      return "other-unsigned";
    case Way::https:
      return "https";
    case Way::file:
      return "file";
  }
  return "";
}

/// The report as it comes that way. Its signer is an organisational parent of its From domain, and
/// of contact-info's, so that nothing fits by accident.
ReceivedReport by(Way way, const std::string& id = "r1") {
  ReceivedReport report = received(
      1, "a.example", id, {policy_result("x.example", "sts", static_cast<std::uint64_t>(way))});
  report.report.contact_info = "tlsrpt@reports.a.example";
  report.json += name_of(way);
  Provenance& from = report.provenance;
  from = {};
  from.received_at = march(2);
  from.source = "milter";
  switch (way) {
    case Way::signed_mail:
    case Way::other_signer:
      from.dkim = DkimStatus::pass;
      from.dkim_domain = way == Way::signed_mail ? "a.example" : "b.example";
      from.from_domain = "mail." + from.dkim_domain;
      from.submitter = from.dkim_domain;
      break;
    case Way::unsigned_mail:
    case Way::other_unsigned:
      from.dkim = DkimStatus::fail;
      from.from_domain = way == Way::unsigned_mail ? "mail.a.example" : "mail.c.example";
      from.submitter = from.from_domain;
      break;
    case Way::https:
    case Way::file:
      from.source = way == Way::https ? "https" : "file";
      from.submitter = "reports.a.example";
      break;
  }
  return report;
}

std::string content_of(const ListedReport& listed) {
  return name_of(static_cast<Way>(listed.report.policies.at(0).total_successful_session_count));
}

class Duplicates : public testing::Test {
 protected:
  ReceivedStore open() {
    return ReceivedStore::open(directory_.file("received.db"), SqliteMode::read_write_create)
        .value();
  }
  TempDir directory_;
};

struct Case {
  std::vector<Way> ways;
  std::vector<std::string> kept;  ///< contents, in the order of their ids
};

TEST_F(Duplicates, are_told_in_every_order_of_arrival) {
  const std::vector<Case> cases = {
      {{Way::signed_mail, Way::https}, {"signed"}},
      {{Way::signed_mail, Way::file, Way::https}, {"signed"}},
      {{Way::https, Way::file}, {"https", "file"}},  // the one that came first
      {{Way::unsigned_mail, Way::https}, {"unsigned"}},
      {{Way::signed_mail, Way::unsigned_mail}, {"signed"}},
      {{Way::signed_mail, Way::unsigned_mail, Way::https}, {"signed"}},
      {{Way::signed_mail, Way::other_signer}, {"other-signer", "signed"}},
      {{Way::signed_mail, Way::other_unsigned}, {"other-unsigned", "signed"}},
      {{Way::unsigned_mail, Way::other_unsigned}, {"other-unsigned", "unsigned"}},
      {{Way::other_signer, Way::https}, {"https", "other-signer"}},
      {{Way::other_unsigned, Way::https}, {"https", "other-unsigned"}},
      {{Way::signed_mail, Way::other_signer, Way::https}, {"other-signer", "signed"}},
  };
  int number = 0;
  ReceivedStore store = open();
  for (const Case& one : cases) {
    std::vector<Way> ways = one.ways;
    std::sort(ways.begin(), ways.end());
    do {
      const std::string id = std::to_string(++number);
      std::string order;
      for (const Way way : ways) {
        order += name_of(way) + " ";
        ASSERT_TRUE(store.store({by(way, id)}, {}, {}));
      }
      SCOPED_TRACE("R225 R227 " + order);
      std::vector<std::string> kept;
      const auto all = store.list({}).value();
      for (const ListedReport& listed : all) {
        if (listed.report.report_id == id) kept.push_back(content_of(listed));
      }
      std::sort(kept.begin(), kept.end());
      if (one.kept == std::vector<std::string>{"https", "file"}) {
        EXPECT_EQ(kept, std::vector<std::string>{name_of(ways.front())});
      } else {
        EXPECT_EQ(kept, one.kept);
      }
    } while (std::next_permutation(ways.begin(), ways.end()));
  }
}

TEST_F(Duplicates, a_forgery_without_a_name_gains_nothing_by_coming_first) {
  SCOPED_TRACE("R227");
  ReceivedStore store = open();
  const auto forged = store.store({by(Way::https)}, {}, {}).value();
  EXPECT_FALSE(forged[0].duplicate);
  const auto real = store.store({by(Way::signed_mail)}, {}, {}).value();
  EXPECT_TRUE(real[0].duplicate);
  EXPECT_EQ(real[0].id, forged[0].id);
  const auto kept = store.report(forged[0].id).value().value();
  EXPECT_EQ(kept.provenance.dkim, DkimStatus::pass);
  EXPECT_EQ(kept.provenance.submitter, "a.example");
  EXPECT_EQ(kept.report, by(Way::signed_mail).report);
  EXPECT_TRUE(store.store({by(Way::signed_mail)}, {}, {}).value()[0].duplicate)
      << "the report goes by the name of the one who signed it";
  EXPECT_TRUE(store.store({by(Way::https)}, {}, {}).value()[0].duplicate);
  EXPECT_EQ(store.report(forged[0].id).value()->report, by(Way::signed_mail).report);
}

TEST_F(Duplicates, a_stranger_who_signs_neither_takes_the_place_of_a_report_nor_keeps_it_out) {
  SCOPED_TRACE("R227");
  for (const bool stranger_first : {true, false}) {
    SCOPED_TRACE(stranger_first);
    for (const bool has_contact : {true, false}) {
      ReceivedStore store = open();
      const std::string id = std::to_string(stranger_first) + std::to_string(has_contact);
      ReceivedReport real = by(Way::https, id);
      if (!has_contact) real.report.contact_info.clear();
      std::vector<ReceivedReport> both = {real, by(Way::other_signer, id)};
      if (stranger_first) std::swap(both[0], both[1]);
      for (const ReceivedReport& report : both) {
        const auto stored = store.store({report}, {}, {}).value();
        EXPECT_FALSE(stored[0].duplicate);
        EXPECT_EQ(store.report(stored[0].id).value()->report, report.report);
      }
      EXPECT_TRUE(store.store({real}, {}, {}).value()[0].duplicate);
    }
  }
}

TEST_F(Duplicates, of_the_same_text_are_told_whoever_brings_them) {
  ReceivedStore store = open();
  ReceivedReport saved = by(Way::file);
  saved.report.contact_info = "tlsrpt@service.example";
  ReceivedReport mailed = by(Way::signed_mail);
  mailed.report = saved.report;
  mailed.json = saved.json;
  ASSERT_TRUE(store.store({saved}, {}, {}));
  EXPECT_TRUE(store.store({mailed}, {}, {}).value()[0].duplicate);
  EXPECT_EQ(store.list({}).value().at(0).provenance.dkim, DkimStatus::pass);
  EXPECT_TRUE(store.store({saved}, {}, {}).value()[0].duplicate);
}

TEST_F(Duplicates, are_those_that_agree_in_all_else) {
  ReceivedStore store = open();
  ASSERT_TRUE(store.store({by(Way::signed_mail)}, {}, {}));
  const std::vector<std::function<void(ReceivedReport&)>> differences = {
      [](ReceivedReport& report) { report.report.organization_name = "Other"; },
      [](ReceivedReport& report) { report.report.report_id = "r2"; },
      [](ReceivedReport& report) {
        report.report.date_range.start_datetime -= Seconds::duration(1);
      },
      [](ReceivedReport& report) { report.report.date_range.end_datetime += Seconds::duration(1); },
      [](ReceivedReport& report) {
        report.report.policies.push_back(policy_result("y.example", "sts", 1));
      },
  };
  for (const auto& change : differences) {
    ReceivedReport other = by(Way::https);
    change(other);
    EXPECT_FALSE(store.store({other}, {}, {}).value()[0].duplicate);
  }
}

TEST_F(Duplicates, without_an_id_are_told_by_their_text) {
  ReceivedStore store = open();
  ReceivedReport report = by(Way::https, "");
  ASSERT_TRUE(store.store({report}, {}, {}));
  ReceivedReport by_mail = by(Way::signed_mail, "");
  by_mail.json = report.json;
  EXPECT_TRUE(store.store({by_mail}, {}, {}).value()[0].duplicate);
  report.json += " ";
  EXPECT_FALSE(store.store({report}, {}, {}).value()[0].duplicate);
}

/// Stores so many copies under made-up names, then one of a real sender.
void store_behind_made_up_copies(ReceivedStore& store, int made_up) {
  ReceivedReport copy = by(Way::unsigned_mail);
  for (int i = 0; i < made_up; ++i) {
    copy.provenance.from_domain = copy.provenance.submitter = std::to_string(i) + ".example";
    ASSERT_FALSE(store.store({copy}, {}, {}).value()[0].duplicate);
  }
  ASSERT_FALSE(store.store({by(Way::unsigned_mail)}, {}, {}).value()[0].duplicate);
}

TEST_F(Duplicates, are_looked_for_among_so_many_copies_and_no_more) {
  for (const bool few : {true, false}) {
    SCOPED_TRACE(few);
    ReceivedStore store = ReceivedStore::open(directory_.file(few ? "few.db" : "many.db"),
                                              SqliteMode::read_write_create)
                              .value();
    store_behind_made_up_copies(store, few ? 99 : 100);
    ReceivedReport other_submitter = by(Way::unsigned_mail);
    other_submitter.provenance.submitter = "other.example";
    EXPECT_EQ(store.store({other_submitter}, {}, {}).value()[0].duplicate, few);
    EXPECT_TRUE(store.store({by(Way::unsigned_mail)}, {}, {}).value()[0].duplicate)
        << "the same in all that tells reports apart";
    EXPECT_EQ(store.store({by(Way::https)}, {}, {}).value()[0].duplicate, few);
  }
}

constexpr int kReports = 60;

/// Stores the same reports as everybody else, in his own way.
bool store_all_by(ReceivedStore store, Way way) {
  for (int i = 0; i < kReports; ++i) {
    if (!store.store({by(way, std::to_string(i))}, {}, {})) return false;
  }
  return true;
}

TEST_F(Duplicates, are_told_between_processes_at_the_same_moment) {
  open();
  std::vector<pid_t> children;
  for (const Way way : {Way::signed_mail, Way::https, Way::file}) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) ::_exit(store_all_by(open(), way) ? 0 : 1);
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  ReportFilter all;
  all.limit = 10000;
  ReceivedStore store = open();
  const auto listed = store.list(all).value();
  EXPECT_EQ(listed.size(), std::size_t{kReports});
  for (const ListedReport& report : listed) {
    EXPECT_EQ(report.provenance.dkim, DkimStatus::pass);
    EXPECT_EQ(content_of(report), "signed");
  }
  EXPECT_EQ(store.counters().value().at("reports_stored"), std::uint64_t{kReports});
  EXPECT_EQ(store.counters().value().at("reports_duplicate"), std::uint64_t{2 * kReports});
}

TEST_F(Duplicates, are_told_between_connections_of_one_process) {
  std::vector<std::thread> threads;
  for (const Way way : {Way::signed_mail, Way::https, Way::unsigned_mail}) {
    threads.emplace_back(
        [way, store = open()]() mutable { EXPECT_TRUE(store_all_by(std::move(store), way)); });
  }
  for (std::thread& thread : threads) thread.join();
  ReportFilter all;
  all.limit = 10000;
  const auto listed = open().list(all).value();
  EXPECT_EQ(listed.size(), std::size_t{kReports});
  for (const ListedReport& report : listed) EXPECT_EQ(content_of(report), "signed");
}

/// A row as version 1 of the schema had it.
constexpr const char* kOldRows = R"sql(
INSERT INTO report (id, identity, received_at, source, dkim, from_domain, submitter,
  organization_name, contact_info, report_id, start_datetime, end_datetime, failing, json) VALUES
  (7, x'01', 1772438400, 'file', 'none', NULL, 'a.example',
   'a.example Ltd', 'tlsrpt@a.example', 'r1', 1772323200, 1772409599, 1, x''),
  (8, x'02', 1772438400, 'file', 'none', NULL, 'contact.example',
   NULL, NULL, NULL, 1772323200, 1772409599, 0, x'00');
INSERT INTO policy (policy_domain, end_datetime, report, position, policy_type,
  total_successful_session_count, total_failure_session_count, failing) VALUES
  ('x.example', 1772409599, 7, 0, 'sts', 1, 2, 1);
INSERT INTO failure (policy_domain, report, policy, position, result_type, failed_session_count)
  VALUES ('x.example', 7, 0, 0, 'certificate-expired', 2);
)sql";

TEST_F(Duplicates, of_a_report_that_an_older_version_stored_are_told) {
  const std::string path = directory_.file("received.db");
  {
    Sqlite old =
        Sqlite::open(path, SqliteMode::read_write_create, {received_migrations().at(0)}).value();
    const auto filled = old.execute(kOldRows);
    ASSERT_TRUE(filled) << filled.error().detail;
  }
  EXPECT_EQ(ReceivedStore::open(path, SqliteMode::read_only).error().code, ErrorCode::unsupported)
      << "who may only read cannot bring it up to date";
  ReceivedStore store = open();
  const auto again = store.store({by(Way::signed_mail)}, {}, {}).value();
  EXPECT_TRUE(again[0].duplicate);
  EXPECT_EQ(again[0].id, 7);
  EXPECT_EQ(store.report(7).value()->report, by(Way::signed_mail).report);
  EXPECT_EQ(store.list({}).value().size(), 2u) << "one whose text is damaged does no harm";
}

}  // namespace
}  // namespace tlsrpt::milter
