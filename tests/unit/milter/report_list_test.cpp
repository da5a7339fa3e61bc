// SPDX-License-Identifier: BSD-2-Clause
#include "milter/report_list.hpp"

#include <gtest/gtest.h>

#include "milter/report_view.hpp"
#include "received_samples.hpp"

namespace tlsrpt::milter {
namespace {

ListedReport listed(std::int64_t id, const ReceivedReport& report) {
  return {id, report.provenance, report.report, report.flags};
}

ReceivedReport failing_report() {
  FailureDetails details = failure("certificate-expired", 2);
  details.receiving_mx_hostname = "mx.x.example";
  details.receiving_ip = "192.0.2.1";
  details.failure_reason_code = "expired";
  PolicyResult sts = policy_result("x.example", "sts", 1200, 3);
  sts.policy.policy_string = {"version: STSv1", "mode: enforce"};
  sts.policy.mx_host = {"mx.x.example"};
  sts.failure_details = {details};
  ReceivedReport report =
      received(1, "a.example", "r1", {sts, policy_result("mx.x.example", "tlsa", 1203)});
  report.flags = {Flag::date_format};
  return report;
}

TEST(ReportList, has_a_line_for_each_report) {
  ReceivedReport other = received(2, "b.example", "r2",
                                  {policy_result("a.x", "sts", 1), policy_result("b.x", "sts", 1),
                                   policy_result("c.x", "sts", 1)});
  other.report.organization_name.clear();
  other.provenance.dkim = DkimStatus::none;
  other.report.date_range.end_datetime = march(4);
  EXPECT_EQ(report_list_text({listed(12, other), listed(7, failing_report())}),
            "  ID  DAY                     ORGANIZATION   DOMAINS        "
            "         SESSIONS/FAILED            DKIM  FLAGS\n"
            "  12  2026-03-02..2026-03-03  b.example      a.x,b.x +1     "
            "         sts 3/0                    none\n"
            "   7  2026-03-01              a.example Ltd  mx.x.example,x."
            "example  sts 1,203/3, tlsa 1,203/0  pass  date-format\n");
}

TEST(ReportList, says_that_nothing_fits) {
  EXPECT_EQ(report_list_text({}), "No stored report fits.\n");
  EXPECT_EQ(refusal_list_text({}), "No refused mail fits.\n");
}

TEST(ReportList, shows_refused_mails_with_their_reason) {
  ListedRefusal refusal;
  refusal.id = 3;
  refusal.provenance.received_at = march(2);
  refusal.provenance.from_domain = "b.example";
  refusal.refusal = Refusal::gzip_damaged;
  refusal.detail = "at byte 7\x1b";
  refusal.size = 12345;
  EXPECT_EQ(refusal_list_text({refusal}),
            R"(  ID  ARRIVED               FROM       REASON        TIMES   BYTES  DETAIL
   3  2026-03-02T00:00:00Z  b.example  gzip-damaged      1  12,345  at byte 7\x1b
)");
}

TEST(ReportView, explains_each_failure) {
  EXPECT_EQ(report_view(7, failing_report()),
            R"(Report:           7
Organization:     a.example Ltd
Contact:          tlsrpt@a.example
Report-ID:        r1
Begins:           2026-03-01T00:00:00Z
Ends:             2026-03-01T23:59:59Z
Arrived:          2026-03-02T07:00:00Z (milter)
Submitter:        a.example
DKIM:             pass d=a.example
From domain:      a.example
Flag:             date-format

Policy sts of x.example
  policy-string:    version: STSv1
  policy-string:    mode: enforce
  mx-host:          mx.x.example
  1,200 successful, 3 failed sessions (99.75 % successful)

  2 sessions: certificate-expired
    the MX's certificate has expired
    Reason code:      expired
    Receiving MX:     mx.x.example
    Receiving IP:     192.0.2.1

  1 failed session counted, but not described

Policy tlsa of mx.x.example
  1,203 successful, 0 failed sessions (100 % successful)
)");
}

TEST(ReportView, escapes_every_text_of_a_stranger) {
  SCOPED_TRACE("R237");
  ReceivedReport report = failing_report();
  const std::string evil = "\x1b[31m\r\n\x9b";
  report.report.organization_name = evil;
  report.report.contact_info = evil;
  report.report.report_id = evil;
  report.provenance.dkim_domain = evil;
  report.provenance.message_id = evil;
  for (PolicyResult& result : report.report.policies) {
    result.policy = {evil, {evil}, evil, {evil}};
    for (FailureDetails& details : result.failure_details) {
      details = {evil, evil, evil, evil, evil, 1, evil, evil};
    }
  }
  const std::string view = report_view(1, report);
  EXPECT_EQ(view.find('\x1b'), std::string::npos);
  EXPECT_EQ(view.find('\r'), std::string::npos);
  EXPECT_EQ(view.find('\x9b'), std::string::npos);
}

TEST(RefusalView, says_whether_the_bytes_are_kept) {
  RefusedInput refused;
  refused.refusal = Refusal::not_authentic;
  refused.provenance.source = "milter";
  refused.bytes = "12345";
  EXPECT_NE(refusal_view(1, refused).find("5 bytes are kept"), std::string::npos);
  refused.bytes.clear();
  EXPECT_NE(refusal_view(1, refused).find("no longer kept"), std::string::npos);
}

}  // namespace
}  // namespace tlsrpt::milter
