// SPDX-License-Identifier: BSD-2-Clause
// How long the views take on a store of many reports (OPENTLSRPT_BENCH_REPORTS, 100,000 by
// default), beside reading as many rows of the same file without any order or filter.

#include <array>
#include <cstdio>

#include "milter/received_schema.hpp"
#include "milter/summary.hpp"
#include "store_samples.hpp"

namespace {

using namespace tlsrpt;
using namespace tlsrpt::milter;
using namespace tlsrpt::milter::bench;
using Clock = std::chrono::steady_clock;

constexpr int kRounds = 5;
constexpr std::uint64_t kDays = 400;
constexpr std::uint64_t kInACommit = 1000;

double fill(ReceivedStore& store, std::uint64_t reports) {
  const auto begin = Clock::now();
  for (std::uint64_t number = 0; number < reports;) {
    std::vector<ReceivedReport> some;
    while (some.size() < kInACommit && number < reports) {
      some.push_back(sample(number++, std::max<std::uint64_t>(1, reports / kDays)));
    }
    if (!store.store(some, {}, {})) std::abort();
  }
  return seconds_since(begin);
}

/// Milliseconds, median.
template <typename Work>
double time_of(Work work) {
  std::vector<double> times;
  for (int round = 0; round < kRounds; ++round) {
    const auto begin = Clock::now();
    work();
    times.push_back(seconds_since(begin) * 1000);
  }
  return median(times);
}

void show(const char* what, double milliseconds, std::size_t rows) {
  std::printf("%-58s %9.1f ms %9zu rows\n", what, milliseconds, rows);
}

std::vector<std::string> ours(std::size_t domains) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < domains; ++i) names.push_back(fmt::format("domain{}.example", i));
  return names;
}

void measure_lists(ReceivedStore& store, Seconds newest) {
  const struct {
    const char* name;
    ReportFilter filter;
  } lists[] = {
      {"list", {}},
      {"list, a year ago", {.until = newest - std::chrono::days(365)}},
      {"list --failures", {.failures_only = true}},
      {"list --domain", {.domain = "domain7.example"}},
      {"list --domain, unknown", {.domain = "unknown.example"}},
      {"list --reporter, a large one", {.reporter = "mail0.example"}},
      {"list --reporter, a small one", {.reporter = "mail Provider 7 inc."}},
      {"list --type", {.result_type = "certificate-expired"}},
      {"list --type --domain",
       {.domain = "domain10.example", .result_type = "certificate-expired"}},
      {"list --type, unknown", {.result_type = "dnssec-invalid"}},
      {"list, one of 50 domains is not ours", {.policy_domains = ours(49)}},
      {"list, only one of 50 domains is ours", {.policy_domains = ours(1)}},
      {"list --quarantined, one of 50", {.policy_domains = ours(49), .quarantined = true}},
      {"list --quarantined, none", {.policy_domains = ours(50), .quarantined = true}},
  };
  for (const auto& one : lists) {
    std::size_t rows = 0;
    ReportFilter filter = one.filter;
    filter.limit = 50;
    const double time = time_of([&] { rows = store.list(filter).value().size(); });
    show(one.name, time, rows);
  }
}

void measure_summary(ReceivedStore& store, Seconds newest) {
  SummaryQuestion question;
  question.now = newest;
  question.since = newest - std::chrono::days(7);
  ReportFilter filter;
  filter.since = question.since;
  filter.limit = std::numeric_limits<std::size_t>::max();
  std::size_t rows = 0;
  const double time = time_of([&] {
    SummaryBuilder builder(question);
    if (!store.visit(filter, [&](const ListedReport& listed) { builder.add(listed); })) {
      std::abort();
    }
    rows = builder.finish().reports;
  });
  show("summary --days 7", time, rows);
}

}  // namespace

int main() {
  const char* wanted = std::getenv("OPENTLSRPT_BENCH_REPORTS");
  const std::uint64_t reports = wanted == nullptr ? 100'000 : std::strtoull(wanted, nullptr, 10);
  const Folder folder;
  const std::string path = folder.file("received.db");
  auto store = ReceivedStore::open(path, SqliteMode::read_write_create);
  if (!store || reports == 0) return 1;
  const double seconds = fill(*store, reports);
  std::printf("%llu reports, stored in %.1f s, 1000 a commit; %.0f MB\n",
              static_cast<unsigned long long>(reports), seconds,
              static_cast<double>(std::filesystem::file_size(path)) / 1e6);
  Sqlite database = Sqlite::open(path, SqliteMode::read_only, received_migrations()).value();
  const double scan = time_of([&] {
    auto query = database.prepare("SELECT sum(length(queue_id)) FROM report").value();
    if (!query.step()) std::abort();
  });
  show("limit: one pass over all rows of the table report", scan, reports);
  ReportFilter one;
  one.limit = 1;
  const Seconds newest = store->list(one).value().at(0).report.date_range.end_datetime;
  measure_lists(*store, newest);
  measure_summary(*store, newest);
  return 0;
}
