// SPDX-License-Identifier: BSD-2-Clause
#include "sender/sts_answer.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <initializer_list>

namespace tlsrpt::sender {
namespace {

bool take(StsAnswer& answer, std::initializer_list<std::string_view> lines) {
  for (const std::string_view line : lines) {
    if (!answer.take_header(std::string(line) + "\r\n")) return false;
  }
  return answer.take_header("\r\n");
}

std::string reason_of(std::initializer_list<std::string_view> lines) {
  StsAnswer answer(100);
  const bool goes_on = take(answer, lines);
  EXPECT_EQ(goes_on, !answer.problem());
  if (!answer.problem()) return "";
  EXPECT_EQ(answer.problem()->result_type, "sts-policy-fetch-error");  // R281
  return answer.problem()->reason_code;
}

TEST(StsAnswer, R261_counts_with_status_200_only) {
  const std::string_view type = "Content-Type: text/plain";
  EXPECT_EQ(reason_of({"HTTP/1.1 200 OK", type}), "");
  EXPECT_EQ(reason_of({"HTTP/2 200", type}), "");
  EXPECT_EQ(reason_of({"HTTP/1.1 204 No Content", type}), "http-status-204");
  EXPECT_EQ(reason_of({"HTTP/1.1 206 Partial Content", type}), "http-status-206");
  EXPECT_EQ(reason_of({"HTTP/1.1 404 Not Found", type}), "http-status-404");
  EXPECT_EQ(reason_of({"HTTP/1.1 500", type}), "http-status-500");
  EXPECT_EQ(reason_of({"HTTP/1.1 OK", type}), "bad-http-answer");
}

TEST(StsAnswer, R262_that_redirects_is_a_failure) {
  for (const char* status : {"301", "302", "303", "307", "308"})
    EXPECT_EQ(reason_of({fmt::format("HTTP/1.1 {} Moved", status), "Location: /x"}), "redirect");
  EXPECT_EQ(reason_of({"HTTP/1.1 304 Not Modified"}), "http-status-304");
}

TEST(StsAnswer, R264_is_plain_text) {
  for (const char* good : {"text/plain", "TEXT/Plain ; charset=utf-8", "text/plain;charset=x"})
    EXPECT_EQ(reason_of({"HTTP/1.1 200 OK", fmt::format("content-TYPE:{}", good)}), "") << good;
  for (const char* bad : {"text/html", "text/plainer", "", "text", "application/octet-stream"})
    EXPECT_EQ(reason_of({"HTTP/1.1 200 OK", fmt::format("Content-Type: {}", bad)}),
              "wrong-media-type")
        << bad;
  EXPECT_EQ(reason_of({"HTTP/1.1 200 OK"}), "wrong-media-type");
}

TEST(StsAnswer, follows_interim_answers) {
  StsAnswer answer(100);
  EXPECT_TRUE(take(answer, {"HTTP/1.1 103 Early Hints", "Content-Type: text/html"}));
  EXPECT_TRUE(take(answer, {"HTTP/1.1 200 OK", "Content-Type: text/plain"}));
  EXPECT_TRUE(answer.take_body("a"));
  EXPECT_TRUE(answer.take_body("b"));
  EXPECT_EQ(answer.body(), "ab");
}

TEST(StsAnswer, R265_is_bounded) {
  StsAnswer answer(3);
  EXPECT_TRUE(take(answer, {"HTTP/1.1 200 OK", "Content-Type: text/plain"}));
  EXPECT_TRUE(answer.take_body("abc"));
  EXPECT_FALSE(answer.take_body("d"));
  EXPECT_EQ(answer.problem()->reason_code, "too-large");

  StsAnswer endless(3);
  const std::string line = "X: " + std::string(1000, 'x') + "\r\n";
  int lines = 0;
  while (endless.take_header(line)) ASSERT_LT(++lines, 100);
  EXPECT_EQ(endless.problem()->reason_code, "too-large");
}

}  // namespace
}  // namespace tlsrpt::sender
