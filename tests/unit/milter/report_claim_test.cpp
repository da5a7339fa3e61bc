// SPDX-License-Identifier: BSD-2-Clause
#include "milter/report_claim.hpp"

#include <gtest/gtest.h>

#include "common/message.hpp"

namespace tlsrpt::milter {
namespace {

struct Row {
  const char* name;
  const char* value;
  bool claims;
};

TEST(ReportClaim, agrees_with_what_the_reader_says_of_the_whole_message) {
  for (const Row& row : {
           Row{"TLS-Report-Domain", " example.org", true},
           Row{"tls-report-submitter", "x", true},
           Row{"TLS-Report", " example.org", false},
           Row{"TLS-Report-Domain-X", " example.org", false},
           Row{"Content-Type", " multipart/report; report-type=tlsrpt; boundary=x", true},
           Row{"content-type", " multipart/report;\n\tboundary=x;\n\tREPORT-TYPE=\"TLSRPT\"", true},
           Row{"ContentType", " multipart/report; report-type=tlsrpt; boundary=x", true},
           Row{"Content-Type", " multipart/report; report-type=feedback-report; boundary=x", false},
           Row{"Content-Type", " application/tlsrpt+gzip", true},
           Row{"Content-Type", " Application/TLSRPT+JSON; name=x", true},
           Row{"Content-Type", " application/tlsrpt", true},
           Row{"Content-Type", " application/gzip; name=tlsrpt.json.gz", false},
           Row{"Content-Type", " text/plain", false},
           Row{"Content-Type", "", false},
           Row{"Content-Description", " application/tlsrpt+gzip", false},
           Row{"Subject", " Report Domain: example.org Submitter: x Report-ID: 1", false},
       }) {
    SCOPED_TRACE(std::string(row.name) + ":" + row.value);
    EXPECT_EQ(claims_report(row.name, row.value), row.claims);
    const std::string message = std::string(row.name) + ":" + row.value + "\r\n\r\nbody\r\n";
    EXPECT_EQ(open_message(message).facts.claims_report, row.claims);
  }
}

}  // namespace
}  // namespace tlsrpt::milter
