// SPDX-License-Identifier: BSD-2-Clause
#include "milter/serve_settings.hpp"

#include <gtest/gtest.h>

namespace tlsrpt::milter {
namespace {

std::vector<std::string> problems_of(std::string_view text) {
  ReadConfig read = read_config_text(text, "test.conf");
  serve_settings(read.config, "test.conf", read.problems);
  std::vector<std::string> lines;
  for (const ConfigProblem& problem : read.problems) lines.push_back(problem.to_string());
  return lines;
}

TEST(ServeSettings, defaults_are_for_a_proxy_on_the_same_host) {
  std::vector<ConfigProblem> problems;
  const ServeSettings settings = serve_settings(Config(), "x", problems);
  EXPECT_TRUE(problems.empty());
  EXPECT_EQ(settings.socket.for_libmilter(), "inet:8460@127.0.0.1");
  EXPECT_EQ(settings.path, "/report");
  EXPECT_TRUE(settings.certificate_file.empty());
  EXPECT_TRUE(settings.endpoint.trusted_proxies.empty());
  EXPECT_EQ(settings.endpoint.max_body, 16u << 20);
  EXPECT_FALSE(read_certificate(settings)->has_value());
}

TEST(ServeSettings, the_smaller_of_both_sizes_bounds_a_body) {
  ReadConfig read = read_config_text("MaximumMessageSize 100K\nMaximumReportSize 1M\n", "x");
  EXPECT_EQ(serve_settings(read.config, "x", read.problems).endpoint.max_body, 100u << 10);
  read = read_config_text("MaximumMessageSize 1M\nMaximumReportSize 100K\n", "x");
  EXPECT_EQ(serve_settings(read.config, "x", read.problems).endpoint.max_body, 100u << 10);
  EXPECT_TRUE(read.problems.empty());
}

TEST(ServeSettings, tell_every_problem_with_its_place) {
  struct Row {
    std::string_view text;
    std::string_view expected;
  };
  const Row rows[] = {
      {"HTTPSocket inet:127.0.0.1:8460", "test.conf:1: HTTPSocket"},
      {"HTTPCertificate /a.pem", "test.conf:1: HTTPCertificate"},
      {"HTTPKey /a.pem", "test.conf:1: HTTPKey"},
      {"HTTPPath report", "test.conf:1: HTTPPath"},
      {"HTTPPath /report?x", "test.conf:1: HTTPPath"},
      {"HTTPPath /health", "test.conf:1: HTTPPath"},
      {"\nTrustedProxies proxy.example", "test.conf:2: TrustedProxies"},
      {"MaximumSpoolSize 1M", "test.conf:1: MaximumSpoolSize"},
      {"UserID no-such-user-here", "test.conf:1: UserID"},
      {"Database postgresql://x", "test.conf:1: Database"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.text);
    const auto lines = problems_of(row.text);
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_TRUE(lines.front().starts_with(row.expected)) << lines.front();
  }
  EXPECT_EQ(problems_of("HTTPPath x\nHTTPKey /a\nUserID no-such-user-here\n").size(), 3u);
}

TEST(ServeSettings, a_certificate_that_cannot_be_used_is_told_before_the_start) {
  ServeSettings settings;
  settings.certificate_file = settings.key_file = "/nonexistent/tls.pem";
  const auto missing = read_certificate(settings);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().detail.find("/nonexistent/tls.pem"), std::string::npos);
  // A key alone is no certificate.
  settings.certificate_file = settings.key_file = TEST_DATA_DIR "/dkim/rsa2048.pem";
  const auto no_certificate = read_certificate(settings);
  ASSERT_FALSE(no_certificate);
  EXPECT_NE(no_certificate.error().detail.find("rsa2048.pem"), std::string::npos);
}

}  // namespace
}  // namespace tlsrpt::milter
