// SPDX-License-Identifier: BSD-2-Clause
#include "sender/explain.hpp"

#include "tests/unit/fake_dns.hpp"
#include "tests/unit/sender/ledger_entries.hpp"

namespace tlsrpt::sender {
namespace {

class ExplainTest : public LedgerTest {
 protected:
  std::string explain(const std::string& domain, std::optional<Day> on = std::nullopt) {
    std::string out;
    const RecordSettings records;
    Explainer explainer({store, ledger, suppressions, dns, rules, records},
                        [&](const std::string& line) { out += line + "\n"; });
    EXPECT_TRUE(explainer.explain(domain, on, now));
    return out;
  }

  void use_rules(std::string_view text) {
    auto read = DestinationRules::parse(text, "/etc/rules");
    ASSERT_TRUE(read.problems.empty());
    rules = std::move(read.rules);
  }

  FakeDns dns;
  DestinationRules rules;
  Seconds now = at("2026-03-02T12:00:00Z");
};

TEST_F(ExplainTest, shows_record_rules_suppression_and_days) {
  dns.add_txt("_smtp._tls.a.example",
              "v=TLSRPTv1; rua=mailto:t@a.example,https://a.example/r,mailto:x@gone.example");
  dns.add_txt("_smtp._tls.a.example", "\x1b[1mjunk");
  use_rules(
      "rua *@gone.example never\n"
      "domain *.example copy archive@own.example\n");
  ASSERT_TRUE(suppressions.add("https://a.example/r", now + std::chrono::hours(1), "asked"));
  count("2026-03-01", "a.example", "v=TLSRPTv1; rua=mailto:old@a.example");
  count("2026-03-02", "a.example");
  add("2026-03-01", "a.example", {{"mailto:t@a.example", DeliveryState::deferred}}, "450 \x1b[1m");
  EXPECT_EQ(explain("a.example"),
            "Record that an MTA saw on 2026-03-01:\n"
            "  v=TLSRPTv1; rua=mailto:old@a.example\n"
            "TXT records of _smtp._tls.a.example now:\n"
            "  v=TLSRPTv1; rua=mailto:t@a.example,https://a.example/r,mailto:x@gone.example\n"
            "  \\x1b[1mjunk\n"
            "Verdict: usable\n"
            "Destinations of the record:\n"
            "  mailto:t@a.example [no rule]\n"
            "  https://a.example/r [no rule]\n"
            "  mailto:x@gone.example [/etc/rules:1: rua *@gone.example never]\n"
            "Rules about the domain:\n"
            "  /etc/rules:2: domain *.example copy\n"
            "Where a report would go now:\n"
            "  mailto:t@a.example gets the report [record]\n"
            "  https://a.example/r gets nothing [record], suppressed until 2026-03-02T13:00:00Z "
            "(by hand): asked\n"
            "  mailto:x@gone.example gets nothing [/etc/rules:1: rua *@gone.example never]\n"
            "  mailto:archive@own.example gets the report [/etc/rules:2: domain *.example copy]\n"
            "Days:\n"
            "  2026-03-02 not decided yet\n"
            "  2026-03-01 planned\n"
            "    mailto:t@a.example deferred, 0 tries, next 2026-03-02T01:00:00Z: 450 \\x1b[1m\n");
}

TEST_F(ExplainTest, without_dns_the_record_of_the_mta_counts) {
  dns.txt_answers["_smtp._tls.a.example"] = FakeDns::failed<std::string>("timeout");
  count("2026-03-01", "a.example", "v=TLSRPTv1; rua=mailto:old@a.example");
  const std::string text = explain("a.example");
  EXPECT_NE(text.find("  not known: timeout\nVerdict: usable, by the record that an MTA saw\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("  mailto:old@a.example gets the report [record]\n"), std::string::npos);
}

TEST_F(ExplainTest, says_why_there_is_no_report) {
  add_without_report("2026-03-01", "a.example", PlanState::no_record);
  EXPECT_EQ(explain("a.example", day("2026-03-01")),
            "No MTA saw a record.\n"
            "TXT records of _smtp._tls.a.example now:\n"
            "  none\n"
            "Verdict: no-record: no TXT record\n"
            "Rules about the domain:\n"
            "  none\n"
            "Where a report would go now:\n"
            "  nowhere\n"
            "Days:\n"
            "  2026-03-01 no-record\n");
  EXPECT_NE(explain("b.example").find("  nothing was counted or planned\n"), std::string::npos);
}

TEST_F(ExplainTest, warnings_of_the_record_are_shown) {
  dns.add_txt("_smtp._tls.a.example", "v=TLSRPTv1; rua=mailto:t@a.example,gopher://x");
  EXPECT_NE(explain("a.example").find("\n  warning: "), std::string::npos);
}

}  // namespace
}  // namespace tlsrpt::sender
