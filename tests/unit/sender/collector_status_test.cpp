// SPDX-License-Identifier: BSD-2-Clause
#include "sender/collector_status.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace tlsrpt::sender {
namespace {

using namespace std::chrono_literals;

constexpr Day kDay = std::chrono::sys_days(2026y / 3 / 1);

CollectorStatus sample() {
  CollectorStatus status;
  status.counters = {{"read", 12}, {"counted", 9}, {"bad-not-json", 2}, {"bad-empty", 1}};
  status.gauges = {
      {"written-at", static_cast<std::uint64_t>(Seconds(kDay).time_since_epoch().count())},
      {"keys", 4}};
  status.days = {{kDay, 3, {}}, {kDay + std::chrono::days(1), 5, {7, 8}}};
  status.samples = {{"not-json", Seconds(kDay) + 1h, 2, "\x1b[31mevil\n" + std::string(1000, 'x')}};
  return status;
}

TEST(CollectorStatus, shows_counters_days_and_the_last_bad_datagram_escaped) {
  const std::string text = status_text(sample(), Seconds(kDay) + 90s);
  for (const char* part :
       {"Last written 2026-03-01T00:00:00Z, 90 s ago.\n", "\nread                         12\n",
        "\nbad-not-json                 2\n", "\nkeys                         4\n",
        "\n2026-03-02                   5 domains\n",
        "7 successes and 8 failures without domain: raise MaximumKeys",
        "Last bad datagram, not-json, at 2026-03-01T01:00:00Z (300 of 1010 bytes shown)"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(CollectorStatus, of_a_database_that_nobody_has_written_says_so) {
  EXPECT_TRUE(status_text({}, Seconds(kDay)).starts_with("No collector has written yet.\n"));
}

TEST(CollectorStatus, is_text_that_prometheus_reads) {
  std::istringstream lines(prometheus_text(sample()));
  int values = 0;
  std::string described;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# HELP ")) {
      described = line.substr(7, line.find(' ', 7) - 7);
      continue;
    }
    if (line.starts_with("# TYPE ")) {
      EXPECT_TRUE(line.starts_with("# TYPE " + described + " ")) << line;
      continue;
    }
    EXPECT_TRUE(line.starts_with(described)) << line;
    ++values;
  }
  EXPECT_EQ(values, 29);
  const std::string text = prometheus_text(sample());
  EXPECT_NE(text.find("\nopentlsrpt_collector_read_total 12\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\nopentlsrpt_collector_bad_total{reason=\"not-json\"} 2\n"),
            std::string::npos);
}

}  // namespace
}  // namespace tlsrpt::sender
