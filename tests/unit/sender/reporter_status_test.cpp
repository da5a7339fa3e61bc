// SPDX-License-Identifier: BSD-2-Clause
#include "sender/reporter_status.hpp"

#include "tests/unit/sender/ledger_entries.hpp"

namespace tlsrpt::sender {
namespace {

class ReporterStatusTest : public LedgerTest {
 protected:
  ReporterStatusTest() {
    for (const char* domain : {"a.example", "b.example", "c.example", "d.example"}) {
      count("2026-03-01", domain);
    }
    add("2026-03-01", "a.example",
        {{"mailto:t@a.example", DeliveryState::delivered},
         {"https://a.example/r", DeliveryState::deferred}},
        "450 \x1b[1mlater");
    add("2026-03-01", "b.example", {{"mailto:t@b.example", DeliveryState::suppressed}});
    add_without_report("2026-03-01", "c.example", PlanState::no_record);
    add("2026-02-27", "a.example", {{"mailto:t@a.example", DeliveryState::failed}});
  }

  ReporterStatus read(std::string_view shown = "2026-03-01") {
    return read_reporter_status(store, ledger, day(shown), now).value();
  }

  Seconds now = at("2026-03-02T12:00:00Z");
};

TEST_F(ReporterStatusTest, says_what_became_of_yesterdays_reports) {
  ASSERT_TRUE(suppressions.add("t@b.example", now + std::chrono::hours(1), ""));
  EXPECT_EQ(status_text(read(), now, /*only_shown=*/false),
            "Reports about yesterday, 2026-03-01:\n"
            "  4 domains, 0 reports built; 1 sent, 1 retrying, 0 failed, 1 suppressed; "
            "without report: 1 no-record, 1 not decided\n"
            "Last errors:\n"
            "  a.example https://a.example/r deferred (tries: 0, next 2026-03-02T01:00:00Z): "
            "450 \\x1b[1mlater\n"
            "2026-02-27: 1 domains, 0 reports built; 0 sent, 0 retrying, 1 failed; "
            "without report: none\n"
            "Next delivery due 2026-03-02T01:00:00Z, oldest open day 2026-03-01\n"
            "Suppressed destinations: 1\n");
}

TEST_F(ReporterStatusTest, another_day_can_be_shown_alone) {
  EXPECT_EQ(status_text(read("2026-02-20"), now, /*only_shown=*/true),
            "Reports about 2026-02-20:\n  nothing was counted\n");
}

TEST_F(ReporterStatusTest, numbers_for_prometheus) {
  const std::string text = prometheus_text(read());
  for (const char* line : {"\nopentlsrpt_reporter_deliveries{state=\"delivered\"} 1\n",
                           "\nopentlsrpt_reporter_deliveries{state=\"failed\"} 1\n",
                           "\nopentlsrpt_reporter_deliveries{state=\"bounced\"} 0\n",
                           "\nopentlsrpt_reporter_yesterday_deliveries{state=\"failed\"} 0\n",
                           "\nopentlsrpt_reporter_plans{state=\"no-record\"} 1\n",
                           "\n# TYPE opentlsrpt_reporter_next_due gauge\n",
                           "\nopentlsrpt_reporter_next_due 1772413200\n",
                           "\nopentlsrpt_reporter_oldest_open_day 1772323200\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
}

TEST(ReporterStatus, of_an_empty_database_can_be_shown) {
  EXPECT_EQ(status_text(ReporterStatus{}, Seconds{}, /*only_shown=*/false),
            "Reports about 1970-01-01:\n  nothing was counted\nSuppressed destinations: 0\n");
  EXPECT_EQ(prometheus_text(ReporterStatus{}).find("next_due"), std::string::npos);
}

}  // namespace
}  // namespace tlsrpt::sender
