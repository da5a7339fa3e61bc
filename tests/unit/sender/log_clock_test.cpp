// SPDX-License-Identifier: BSD-2-Clause
#include "sender/log_clock.hpp"

#include <gtest/gtest.h>

#include "tests/unit/sender/log_lines.hpp"

namespace tlsrpt::sender {
namespace {

using namespace std::chrono_literals;

TEST(LogClock, goes_on_with_each_host_and_never_back) {
  LogClock clock;
  EXPECT_EQ(clock.heard("a", kLogNow), kLogNow);
  EXPECT_EQ(clock.heard("b", kLogNow + 1h), kLogNow);
  EXPECT_EQ(clock.heard("a", kLogNow + 10s), kLogNow + 10s);
  EXPECT_EQ(clock.heard("b", kLogNow + 1h + 20s), kLogNow + 20s);
  EXPECT_EQ(clock.heard("a", kLogNow + 15s), kLogNow + 20s);
  for (int host = 0; host < 3000; ++host) {
    EXPECT_EQ(clock.heard(std::to_string(host), kLogNow + host * 1s), kLogNow + 20s);
  }
}

/// In a log of several hosts each is a world of its own.
TEST(LogClock, a_host_in_another_zone_costs_others_no_session) {
  const auto line = [](std::string_view time, std::string_view host, std::string_view text) {
    return "Nov 23 " + std::string(time) + ' ' + std::string(host) +
           " postfix/smtp[7]: " + std::string(text) + '\n';
  };
  const auto tls = [](const std::string& domain) {
    return "Trusted TLS connection established to mx." + domain + "[192.0.2.1]:25: TLSv1.3 with x";
  };
  const auto sent = [](const std::string& domain) {
    return "4A1B2C: to=<x@" + domain + ">, relay=mx." + domain +
           "[192.0.2.1]:25, delay=1, dsn=2.0.0, status=sent (250 ok)";
  };
  EXPECT_EQ(
      to_lines(read_log(
          line("12:00:00", "mta1", tls("a.test")) + line("13:00:01", "mta2", tls("b.test")) +
          line("12:00:02", "mta1", sent("a.test")) + line("13:00:03", "mta2", sent("b.test")))),
      (Lines{"a.test mx.a.test[192.0.2.1] established",
             "b.test mx.b.test[192.0.2.1] established"}));
}

}  // namespace
}  // namespace tlsrpt::sender
