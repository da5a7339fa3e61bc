// SPDX-License-Identifier: BSD-2-Clause
#include "sender/http_answer.hpp"

#include <gtest/gtest.h>

#include <initializer_list>

namespace tlsrpt::sender {
namespace {

constexpr Seconds kNow{Day{std::chrono::year{2026} / 3 / 1}};

HttpAnswer read(std::initializer_list<std::string_view> lines) {
  HttpAnswer answer;
  for (const std::string_view line : lines) EXPECT_TRUE(answer.take_header(line));
  return answer;
}

HandOverResult verdict_of(int status) {
  const std::string line = "HTTP/1.1 " + std::to_string(status) + " Text\r\n";
  return read({line, "\r\n"}).verdict(kNow);
}

TEST(HttpAnswer, decides_by_its_status) {
  for (const int status : {200, 201, 202, 204, 299})
    EXPECT_EQ(verdict_of(status).verdict, HandOver::accepted) << status;
  for (const int status : {408, 425, 429, 500, 503, 599, 600, 999})
    EXPECT_EQ(verdict_of(status).verdict, HandOver::temporary) << status;
  for (const int status : {300, 301, 304, 308, 400, 401, 404, 410, 413, 499}) {
    EXPECT_EQ(verdict_of(status).verdict, HandOver::permanent) << status;
    EXPECT_TRUE(verdict_of(status).destination_refused) << status;
  }
}

TEST(HttpAnswer, shows_what_the_server_said) {
  EXPECT_EQ(verdict_of(404).detail, "404 Text");
  EXPECT_EQ(read({"HTTP/2 200 \r\n", "\r\n"}).verdict(kNow).detail, "200");
  const HttpAnswer redirect = read({"HTTP/1.1 302 Found\r\n", "location: http://x/\r\n", "\r\n"});
  EXPECT_EQ(redirect.verdict(kNow).detail, "302 Found (not followed: http://x/)");
}

TEST(HttpAnswer, says_when_to_come_again) {
  const HttpAnswer busy = read({"HTTP/1.1 503 Busy\r\n", "RETRY-AFTER:  90 \r\n", "\r\n"});
  EXPECT_EQ(busy.verdict(kNow).retry_after, std::chrono::seconds{90});
  const HttpAnswer gone = read({"HTTP/1.1 410 Gone\r\n", "Retry-After: 90\r\n", "\r\n"});
  EXPECT_EQ(gone.verdict(kNow).retry_after, std::nullopt);
  EXPECT_EQ(verdict_of(503).retry_after, std::nullopt);
}

TEST(HttpAnswer, is_complete_with_its_header) {
  EXPECT_FALSE(read({}).complete());
  EXPECT_FALSE(read({"HTTP/1.1 200 OK\r\n", "Server: x\r\n"}).complete());
  EXPECT_TRUE(read({"HTTP/1.1 200 OK\r\n", "\r\n"}).complete());
}

TEST(HttpAnswer, comes_behind_interim_ones) {
  HttpAnswer answer = read({"HTTP/1.1 103 Early Hints\r\n", "Retry-After: 9\r\n", "\r\n"});
  EXPECT_FALSE(answer.complete());
  answer.take_header("HTTP/1.1 500 Oops\r\n");
  answer.take_header("\r\n");
  ASSERT_TRUE(answer.complete());
  EXPECT_EQ(answer.verdict(kNow).detail, "500 Oops");
  EXPECT_EQ(answer.verdict(kNow).retry_after, std::nullopt);
}

TEST(HttpAnswer, has_a_header_of_bounded_size) {
  HttpAnswer answer;
  const std::string line(1024, 'x');
  std::size_t taken = 0;
  while (answer.take_header(line)) taken += line.size();
  EXPECT_EQ(taken, HttpAnswer::kMaxHeader);
  EXPECT_TRUE(answer.header_too_large());
  EXPECT_FALSE(answer.complete());
}

TEST(HttpAnswer, is_not_changed_by_what_follows_its_header) {
  HttpAnswer answer = read({"HTTP/1.1 200 OK\r\n", "\r\n", "HTTP/1.1 500 Oops\r\n", "\r\n"});
  EXPECT_EQ(answer.verdict(kNow).verdict, HandOver::accepted);
  EXPECT_TRUE(answer.take_body(1000));
  EXPECT_FALSE(answer.take_body(HttpAnswer::kMaxBody));
  EXPECT_EQ(answer.verdict(kNow).verdict, HandOver::accepted);
}

}  // namespace
}  // namespace tlsrpt::sender
